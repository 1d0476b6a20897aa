"""`fill`: the functions that a target's C library lacks and that mpy is to bring."""

from __future__ import annotations

from mirage_py.dataclass import dataclass
from mirage_py.dsl.check import names as listed_names, shown
from mirage_py.dsl.place import here
from mirage_py.errors import ConfigError


@dataclass(frozen=True)
class Gaps:
    """What is asked for: names of functions, of error numbers and of headers."""

    names: tuple[str, ...] = ()


def fill(*names: str) -> Gaps:
    """These functions of C, error numbers or headers, where the target's C library lacks them.

    `mpy audit` names what is missing, and offers what can be filled. Raises `ConfigError` for what is not offered.
    """
    for name in listed_names(names, what="fill", example="strftime"):
        _check(name)
    return Gaps(tuple(dict.fromkeys(names)))


def checked_gaps(gaps: object) -> tuple[str, ...]:
    """The names, when it is what `fill` gives; None asks for nothing."""
    if gaps is None:
        return ()
    if isinstance(gaps, Gaps):
        return gaps.names
    raise ConfigError(
        f"libc_gaps takes what fill(...) gives, got {shown(gaps)}",
        location=here(),
        hint='write libc_gaps=fill("time", "strftime")',
    )


def _check(name: str) -> None:
    from mirage_py.model.gaps import DISHONEST, OFFERED

    if name in OFFERED:
        return
    from difflib import get_close_matches

    near = get_close_matches(name, OFFERED, n=1)
    why = DISHONEST.get(name)
    raise ConfigError(
        f"mpy has nothing to fill {name!r} with" + (f": {why}" if why else ""),
        location=here(),
        hint=f"{near[0]} is offered"
        if near and not why
        else "what is offered is listed in the reference, under libc gaps",
    )

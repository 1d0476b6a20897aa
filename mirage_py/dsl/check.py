"""What a config.py hands over, held against what was asked for; refused at its line, in the words of the language.

Python takes a string for a list of its letters, and asks an object for what it has only much later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import TypeVar

from mirage_py.dsl.place import here
from mirage_py.errors import ConfigError, Location

T = TypeVar("T")


def listed(
    things: object,
    kind: type[T] | tuple[type[T], ...],
    *,
    what: str,
    example: str,
    place: Callable[[], Location | None] = here,
) -> tuple[T, ...]:
    """The things as a tuple, when they are a list whose every member is of that kind.

    `what` names the argument (`packages`), `example` is one member as it is written (`package("duration")`). `place`
    tells where that was.
    """
    if isinstance(things, tuple) and not things:  # the default, which most arguments of most devices have
        return ()
    hint = f"write {what}=[{example}]"
    if kind is not object and isinstance(things, _kinds(kind)):
        raise ConfigError(f"{what} is a list, got one of its members", location=place(), hint=hint)
    if isinstance(things, (str, bytes, Mapping)) or not isinstance(things, Iterable):
        raise ConfigError(f"{what} is a list, got {shown(things)}", location=place(), hint=hint)
    found = tuple(things)
    for one in found:
        if not isinstance(one, kind):
            raise ConfigError(f"{what} lists {_several(kind)}, got {shown(one)}", location=place(), hint=hint)
    return found


def names(things: object, *, what: str, example: str) -> tuple[str, ...]:
    """The things as a tuple, when they are a list of strings."""
    if isinstance(things, str):
        raise ConfigError(f"{what} is a list, got {shown(things)}", location=here(), hint=f'write {what}=["{things}"]')
    return listed(things, str, what=what, example=f'"{example}"')


def text(thing: object, *, what: str, example: str) -> str:
    """The thing, when it is a string."""
    if isinstance(thing, str):
        return thing
    raise ConfigError(f"{what} is text, got {shown(thing)}", location=here(), hint=f'write {what}="{example}"')


def shown(thing: object) -> str:
    """A value as a message has it: short, on one line."""
    if isinstance(thing, FunctionType):
        return f"the function {thing.__name__}"
    try:
        told = repr(thing).splitlines()[0]
    except Exception:  # noqa: BLE001  # a repr of the user's own may raise anything
        told = f"a {type(thing).__name__}"
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}..."


LONGEST = 60


def _kinds(kind: type | tuple[type, ...]) -> tuple[type, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def _several(kind: type | tuple[type, ...]) -> str:
    words = {"str": "texts", "Impl": "devices", "RuntimeArg": "runtime arguments"}
    name = _kinds(kind)[0].__name__
    return words.get(name, f"{name.lower()}s")

"""The compilation units of a library archive: which others each one imports, and which are linked in any case.

ocamlopt links a unit of a `.cmxa` when something that is linked imports its implementation, or when the archive forces
it (`-linkall` where it was made); whether a symbol is used plays no part. So this is read from the `.cmxa` itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.libraries import marshal
from mirage_py.libraries.archives import REINSTALL, Unreadable, whole_file
from mirage_py.libraries.cmxa import MAGIC, MAGIC_SIZE
from mirage_py.libraries.marshal import MarshalError, Value
from mirage_py.model.audit import Problem

__all__ = ["Unit", "imported", "linked", "read_units"]

FORCE_IN_TEN: Final = 9
FORCE: Final = 7
"""Where `ui_force_link` stands: last of ten fields up to OCaml 4.13, before `ui_for_pack` in the shorter later ones."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A compilation unit: its name, the units whose implementations it imports, and whether it is always linked.

    Each import comes with the digest of the implementation that was compiled against, empty where there was none.
    """

    name: str
    imports: tuple[tuple[str, bytes], ...] = ()
    forced: bool = False
    digest: bytes = b""


def read_units(path: Path) -> tuple[Unit, ...]:
    """The units of the library archive at `path`, in its order; raises `Unreadable` with the reason."""
    data = whole_file(path)
    if not MAGIC.match(data):
        raise Unreadable(Problem(message="is no library of a native OCaml compiler", place=str(path), hint=REINSTALL))
    try:
        infos = _fields(marshal.read(data, MAGIC_SIZE))
        return tuple(_unit(_fields(one)) for one in marshal.items(infos[0]))
    except (MarshalError, IndexError, ValueError) as error:
        message = f"is damaged, or of a compiler that mpy does not know: {error}"
        raise Unreadable(Problem(message=message, place=str(path), hint=REINSTALL)) from error


def imported(units: Iterable[Unit]) -> frozenset[str]:
    """Every unit that these import."""
    return frozenset(name for unit in units for name, _ in unit.imports)


def linked(archives: Iterable[tuple[Unit, ...]], required: Iterable[str]) -> list[list[Unit]]:
    """Which units ocamlopt links of these archives, which are in link order, when `required` are imported already.

    Like ocamlopt it goes from the last archive to the first: what is required after a unit was passed comes too late.
    """
    wanted = set(required)
    found: list[list[Unit]] = []
    for units in reversed(list(archives)):
        taken: list[Unit] = []
        for unit in reversed(units):
            if unit.forced or unit.name in wanted:
                taken.append(unit)
                wanted.update(name for name, _ in unit.imports)
        found.append(taken[::-1])
    return found[::-1]


def _unit(pair: list[Value]) -> Unit:
    """A `unit_infos` record; the digest beside it is that of the unit's implementation."""
    info, digest = _fields(pair[0]), pair[1]
    force = info[FORCE_IN_TEN if len(info) > FORCE_IN_TEN else FORCE]
    imports = tuple(_import(_fields(one)) for one in marshal.items(info[4]))
    own = digest if isinstance(digest, bytes) else b""
    return Unit(name=_text(info[0]), imports=imports, forced=force == 1, digest=own)


def _import(pair: list[Value]) -> tuple[str, bytes]:
    name, digest = pair
    held = digest[0] if isinstance(digest, list) and digest else b""
    return _text(name), held if isinstance(held, bytes) else b""


def _fields(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise MarshalError("a record was expected")
    return value


def _text(value: Value) -> str:
    if not isinstance(value, bytes):
        raise MarshalError("a name was expected")
    return value.decode("utf-8", "replace")

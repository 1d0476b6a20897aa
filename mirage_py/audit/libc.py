"""What a freestanding libc has: which functions are there, which only pretend to be.

The installed toolchain is asked first: symbols from its archives, and a stub is a function that nolibc's `stubs.o`
defines; it aborts when its code refers to `abort`, else it does nothing. Machines without a toolchain use the tables
of two releases that mpy ships (lists of names, made by `table` below from those releases).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, TypedDict

from mirage_py.audit.elf import read_object, users_of
from mirage_py.dataclass import dataclass
from mirage_py.libraries.archives import Archive, Member, Unreadable, read_archive, whole_file
from mirage_py.model.audit import Problem

TABLES: Final = {"ocaml-solo5 0.8": "ocaml-solo5-0.8.5.json", "ocaml-solo5 1": "ocaml-solo5-1.3.2.json"}
"""The generations mpy knows without a toolchain: OCaml 4.14 and before, OCaml 5."""

LIBC: Final = "libnolibc.a"
RUNTIME: Final = "libasmrun.a"
STUBS: Final = "stubs.o"


class Table(TypedDict):
    """A libc as it is kept in `data/`."""

    name: str
    present: list[str]
    aborts: list[str]
    noop: list[str]
    headers: list[str]


@dataclass(frozen=True, kw_only=True)
class Libc:
    """The names a C stub can use on a freestanding target, and which of them are stubs.

    `runtime` holds the OCaml runtime's names; empty means unknown, and then a name is judged by its `caml_`.
    `threads_header` says that the target's OCaml has `caml/threads.h`, which comes with system threads.
    """

    name: str
    present: frozenset[str]
    aborts: frozenset[str] = frozenset()
    noop: frozenset[str] = frozenset()
    runtime: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    threads_header: bool = False

    def has(self, symbol: str) -> bool:
        """Whether the link finds the symbol in libc, libm or the bindings."""
        return symbol in self.present

    @property
    def thread_local(self) -> bool:
        """Whether it gives thread-local variables a place: the libc that has threads by name, OCaml 5's, does."""
        return self.has("pthread_self")

    def runs(self, symbol: str) -> bool:
        """Whether the OCaml runtime defines the symbol."""
        return symbol in self.runtime if self.runtime else symbol.startswith(("caml_", "Caml_"))


def shipped(generation: str | None = None, runtime: Path | None = None) -> Libc:
    """The table of one generation; the host's `libasmrun.a`, where given, says what the runtime has."""
    table = _table(TABLES.get(generation or "", TABLES["ocaml-solo5 0.8"]))
    return Libc(
        name=f"mpy's table of {table['name']}",
        present=frozenset(table["present"]),
        aborts=frozenset(table["aborts"]),
        noop=frozenset(table["noop"]),
        headers=frozenset(table["headers"]),
        runtime=_runtime_of(runtime) if runtime is not None and runtime.is_file() else frozenset(),
    )


@cache
def _table(file: str) -> Table:
    text = files("mirage_py.audit").joinpath("data", file).read_text("utf-8")
    table: Table = json.loads(text)
    return table


def generation_of(ocaml_version: str | None) -> str:
    """The generation that fits an OCaml version: ocaml-solo5 1 is the one for OCaml 5."""
    return "ocaml-solo5 1" if (ocaml_version or "4").split(".")[0].isdigit() and _major(ocaml_version) >= 5 else OLD


OLD: Final = "ocaml-solo5 0.8"


def _major(version: str | None) -> int:
    return int((version or "4").split(".")[0])


def derive(archives: Iterable[Path], name: str = "the installed toolchain") -> tuple[Libc, tuple[Problem, ...]]:
    """The libc that these archives and objects make up; an unreadable one is left out and named."""
    present: set[str] = set()
    runtime: frozenset[str] = frozenset()
    stubs: dict[str, bool] = {}
    problems: list[Problem] = []
    for path in archives:
        try:
            if path.name == RUNTIME:
                runtime = _runtime_of(path)
            else:
                present |= symbols_of(path)
                stubs |= stubs_of(path) if path.name == LIBC else {}
        except Unreadable as unreadable:
            problems.append(unreadable.problem)
    return _libc(name, present, stubs, runtime), tuple(problems)


def _libc(name: str, present: set[str], stubs: dict[str, bool], runtime: frozenset[str]) -> Libc:
    aborts = frozenset(symbol for symbol, aborting in stubs.items() if aborting)
    return Libc(name=name, present=frozenset(present), aborts=aborts, noop=frozenset(stubs) - aborts, runtime=runtime)


def symbols_of(path: Path) -> frozenset[str]:
    """The global symbols that an archive, or a single object, defines."""
    archive = open_archive(path)
    if archive.indexed:
        return frozenset(archive.index)
    return frozenset(name for number in range(len(archive.members)) for name in read_object(archive, number).defined)


def stubs_of(path: Path) -> dict[str, bool]:
    """The functions of nolibc that are only there to be linked, and whether calling one aborts."""
    archive = open_archive(path)
    numbers = [number for number, member in enumerate(archive.members) if member.name == STUBS]
    found: dict[str, bool] = {}
    for number in numbers:
        aborting = set(users_of(archive, number, frozenset({"abort"})).get("abort", ()))
        found |= {name: name in aborting for name in read_object(archive, number).defined}
    return found


def open_archive(path: Path) -> Archive:
    """An archive, or a lone object (`solo5_spt.o`) as an archive of one."""
    if path.suffix != ".o":
        return read_archive(path)
    data = whole_file(path)
    return Archive(path=path, data=data, members=(Member(name=path.name, header=0, start=0, size=len(data)),))


def _runtime_of(path: Path) -> frozenset[str]:
    try:
        return symbols_of(path)
    except Unreadable:
        return frozenset()


def table(libc: Libc, headers: Iterable[str]) -> Table:
    """A libc in the form in which `data/` keeps it."""
    return Table(
        name=libc.name,
        present=sorted(libc.present),
        aborts=sorted(libc.aborts),
        noop=sorted(libc.noop),
        headers=sorted(headers),
    )

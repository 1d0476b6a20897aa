"""Link on paper: which objects a linker would pull in, and which symbols it would then miss.

The OCaml units of the libraries asked for are all taken (a unikernel may use any of them); every other object counts
only when something taken asks for a symbol it defines. The archives' own symbol indexes answer that, so an object that
is never pulled in is never read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mirage_py.audit.code import Code
from mirage_py.audit.elf import Object, read_object
from mirage_py.libraries.archives import Archive, Unreadable
from mirage_py.model.audit import Problem

Kind = Literal["ocaml", "c"]


class Place(NamedTuple):
    """One object: whose it is, in which archive, the how many-th."""

    library: str
    archive: Archive
    number: int
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """An object that becomes part of the image, and the symbol that asked for it (empty: taken with its library)."""

    place: Place
    object: Object
    wanted: str = ""


class Want(NamedTuple):
    """A symbol that a pulled object asks for and that no library of the closure defines."""

    symbol: str
    by: Pulled


@dataclass(frozen=True, kw_only=True)
class Link:
    """The outcome of a link on paper."""

    pulled: tuple[Pulled, ...]
    wants: tuple[Want, ...]
    clashes: tuple[tuple[str, Pulled, Place], ...] = ()
    problems: tuple[Problem, ...] = ()


def link(codes: Iterable[Code], roots: Iterable[str], extra: dict[str, tuple[str, ...]]) -> Link:
    """Link these libraries; `roots` come whole, `extra` gives symbols that a library's users may ask for."""
    return _Linker(tuple(codes)).run(frozenset(roots), extra)


class _Linker:
    """The state of one link: what is pulled, what waits to be."""

    def __init__(self, codes: tuple[Code, ...]) -> None:
        self.codes = codes
        self.definitions: dict[str, Place] = {}
        self.own: dict[str, dict[str, Place]] = {}
        self.pulled: dict[tuple[int, int], Pulled] = {}
        self.waiting: deque[Pulled] = deque()
        self.wants: list[Want] = []
        self.clashes: dict[tuple[int, int], tuple[str, Pulled, Place]] = {}
        self.problems: dict[Problem, None] = {}

    def run(self, roots: frozenset[str], extra: dict[str, tuple[str, ...]]) -> Link:
        """Index everything, take the roots, follow what they ask for."""
        self._index()
        for code in self.codes:
            self._take(code, whole=code.library in roots)
        self._follow()
        for library, symbols in extra.items():
            self._ask_for(library, symbols)
        self._follow()
        return Link(
            pulled=tuple(self.pulled.values()),
            wants=tuple(self.wants),
            clashes=tuple(self.clashes.values()),
            problems=tuple(self.problems),
        )

    def _index(self) -> None:
        """Every symbol of every archive, the first definition in link order first; a library's own before others'."""
        for code in self.codes:
            own = self.own.setdefault(code.library, {})
            for archive, kind in _archives(code):
                places = [Place(code.library, archive, number, kind) for number in range(len(archive.members))]
                for symbol, number in self._symbols(archive):
                    self.definitions.setdefault(symbol, own.setdefault(symbol, places[number]))

    def _symbols(self, archive: Archive) -> Iterator[tuple[str, int]]:
        """The archive's index; without one, what its objects say."""
        if archive.indexed:
            yield from archive.index.items()
            return
        for number in range(len(archive.members)):
            found = self._read(archive, number)
            yield from ((symbol, number) for symbol in found.defined) if found else ()

    def _take(self, code: Code, *, whole: bool) -> None:
        for archive in code.ocaml if whole else ():
            for number in range(len(archive.members)):
                self._pull(Place(code.library, archive, number, "ocaml"))

    def _ask_for(self, library: str, symbols: tuple[str, ...]) -> None:
        """Symbols that only a user of the library asks for: `external` in an interface."""
        asks = Object(name="", defined=(), undefined=symbols)
        self.waiting.append(Pulled(place=Place(library, _NOTHING, -1, "ocaml"), object=asks))

    def _follow(self) -> None:
        while self.waiting:
            here = self.waiting.popleft()
            own = self.own.get(here.place.library, {})
            for symbol in here.object.undefined:
                place = own.get(symbol) or self.definitions.get(symbol)
                if place is None:
                    self.wants.append(Want(symbol, here))
                else:
                    self._pull(place, symbol)

    def _pull(self, place: Place, wanted: str = "") -> None:
        key = (id(place.archive), place.number)
        if key in self.pulled:
            return
        found = self._read(place.archive, place.number, definitions=place.kind == "c")
        made = Pulled(place=place, object=found or _unread(place), wanted=wanted)
        self.pulled[key] = made
        self.waiting.append(made)
        self._note_clashes(made)

    def _note_clashes(self, made: Pulled) -> None:
        """A pulled C object that defines again what another library's object defines first.

        Where that other object has the wanted symbol too, a linker would take it and leave this one: no clash then.
        """
        first = self.definitions.get(made.wanted)
        if made.place.kind != "c" or (first is not None and not _same(first, made.place)):
            return
        for symbol in made.object.defined:
            first = self.definitions.get(symbol)
            if first is not None and symbol not in made.object.weak and not _same(first, made.place):
                self.clashes.setdefault((id(first.archive), id(made.place.archive)), (symbol, made, first))

    def _read(self, archive: Archive, number: int, *, definitions: bool = True) -> Object | None:
        try:
            return read_object(archive, number, definitions=definitions)
        except Unreadable as unreadable:
            self.problems[unreadable.problem] = None
            return None


def _archives(code: Code) -> Iterator[tuple[Archive, Kind]]:
    yield from ((archive, "ocaml") for archive in code.ocaml)
    yield from ((archive, "c") for archive in code.stubs)


def _same(one: Place, other: Place) -> bool:
    return one.archive.path == other.archive.path or one.library == other.library


def _unread(place: Place) -> Object:
    """What is known of an object that cannot be read: its name."""
    return Object(name=place.archive.members[place.number].name, defined=(), undefined=(), damaged=True)


_NOTHING: Final = Archive(path=Path(), data=b"")
"""Where the user of a library would be."""

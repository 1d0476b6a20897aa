"""Link on paper: which objects would be part of an image, and which symbols it would then miss.

First ocamlopt's rule, by units: a unit is linked when something linked imports its implementation, when its archive
forces it, or when its library is one of those asked for (a unikernel may use any unit of those). Then the linker's, by
symbols: a C object counts when something taken asks for a symbol that it defines. The archives' own symbol indexes
answer that, so an object that is never pulled in is never read.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mirage_py.audit.code import Code
from mirage_py.audit.elf import OCAML, Object, read_object
from mirage_py.dataclass import dataclass, replace
from mirage_py.libraries.archives import Archive, Unreadable
from mirage_py.libraries.units import Unit, linked
from mirage_py.model.audit import Problem

Kind = Literal["ocaml", "c"]

OF_UNIT: Final = ("caml{}__code_begin", "caml{}.code_begin", "caml{}$code_begin", "caml{}__frametable", "caml{}")
"""Symbols that the object of a unit defines; how OCaml joins names has changed with its releases."""


JOINT: Final = re.compile(r"__|[.$]")
"""How OCaml joins the names of units and of what is in them."""


class Place(NamedTuple):
    """One object: whose it is, in which archive, the how many-th."""

    library: str
    archive: Archive
    number: int
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """An object that becomes part of the image, and the symbol that asked for it (empty: a unit that is linked)."""

    place: Place
    object: Object
    wanted: str = ""
    unit: str = ""


class Want(NamedTuple):
    """A symbol that a pulled object asks for and that no library of the closure defines."""

    symbol: str
    by: Pulled


class Absent(NamedTuple):
    """A unit that a linked unit imports and that no library of the closure has."""

    unit: str
    by: str
    library: str


class Stale(NamedTuple):
    """A unit that was compiled against another implementation of a unit than the one that is here."""

    unit: str
    by: str
    library: str
    of: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """The outcome of a link on paper. `units` are the names of the units that are linked, by library."""

    pulled: tuple[Pulled, ...]
    wants: tuple[Want, ...]
    units: dict[str, frozenset[str]]
    absent: tuple[Absent, ...] = ()
    stale: tuple[Stale, ...] = ()
    clashes: tuple[tuple[str, Pulled, Place], ...] = ()
    problems: tuple[Problem, ...] = ()


def link(
    codes: Iterable[Code], roots: Iterable[str], extra: dict[str, tuple[str, ...]], order: Iterable[str] = ()
) -> Link:
    """Link these libraries, dependents first; of `roots` every unit is linked.

    `extra` gives symbols that a library's users may ask for, `order` the libraries as ocamlopt is given them,
    dependencies first; without it they stand the other way round.
    """
    held = tuple(codes)
    by_name = {code.library: code for code in held}
    named = tuple(by_name[name] for name in order if name in by_name)
    return _Linker(held, named or held[::-1]).run(frozenset(roots), extra)


class _Linker:
    """The state of one link: what is pulled, what waits to be."""

    def __init__(self, codes: tuple[Code, ...], in_order: tuple[Code, ...]) -> None:
        self.codes = codes
        self.in_order = in_order
        self.definitions: dict[str, Place] = {}
        self.own: dict[str, dict[str, Place]] = {}
        self.pulled: dict[tuple[int, int], Pulled] = {}
        self.waiting: deque[Pulled] = deque()
        self.wants: list[Want] = []
        self.clashes: dict[tuple[int, int], tuple[str, Pulled, Place]] = {}
        self.problems: dict[Problem, None] = {}
        self.units: dict[str, set[str]] = {}

    def run(self, roots: frozenset[str], extra: dict[str, tuple[str, ...]]) -> Link:
        """Index everything, take the units that are linked, follow what they ask for."""
        self._index()
        taken = self._take_units(roots)
        self._follow()
        for library, symbols in extra.items():
            self._ask_for(library, symbols)
        self._follow()
        return Link(
            pulled=tuple(self.pulled.values()),
            wants=tuple(self.wants),
            units={library: frozenset(names) for library, names in self.units.items()},
            absent=tuple(_absent(taken, self.codes)),
            stale=tuple(_stale(taken)),
            clashes=tuple(self.clashes.values()),
            problems=tuple(self.problems),
        )

    def _index(self) -> None:
        """Every symbol of every archive, the first definition in link order first; a library's own before others'."""
        tables: list[tuple[str, dict[str, Place]]] = []
        for code in reversed(self.in_order):  # ocamlopt names C archives to the linker from the last library on
            for archive, kind in _archives(code):
                places = [Place(code.library, archive, number, kind) for number in range(len(archive.members))]
                found = reversed(tuple(self._symbols(archive)))
                tables.append((code.library, {symbol: places[number] for symbol, number in found}))
        for library, table in reversed(tables):  # the first goes over the others
            self.own.setdefault(library, {}).update(table)
            self.definitions.update(table)

    def _symbols(self, archive: Archive) -> Iterator[tuple[str, int]]:
        """The archive's index; without one, what its objects say."""
        if archive.indexed:
            yield from archive.index.items()
            return
        for number in range(len(archive.members)):
            found = self._read(archive, number)
            yield from ((symbol, number) for symbol in found.defined) if found else ()

    def _take_units(self, roots: frozenset[str]) -> list[tuple[str, Unit]]:
        """The units that ocamlopt would link, each with its library; their objects are pulled."""
        order = [(code, archive, units) for code in self.in_order for archive, units in code.units]
        forced = [
            tuple(replace(unit, forced=True) for unit in units) if code.library in roots else units
            for code, _, units in order
        ]
        taken: list[tuple[str, Unit]] = []
        for (code, archive, _), units in zip(order, linked(forced, ("Stdlib", "Std_exit")), strict=True):
            taken += [(code.library, unit) for unit in units]
            self.units.setdefault(code.library, set()).update(unit.name for unit in units)
            for unit in units if archive is not None else ():
                self._pull_unit(code.library, archive, unit.name)
        for code in self.codes:
            for archive in code.ocaml if code.library in roots else ():
                if all(archive is not known for known, _ in code.units):
                    self._pull_all(code.library, archive)
        return taken

    def _pull_unit(self, library: str, archive: Archive | None, unit: str) -> None:
        """Pull the object of one unit."""
        index = archive.index if archive is not None else {}
        number = next((index[name] for form in OF_UNIT if (name := form.format(unit)) in index), None)
        if archive is not None and number is not None:
            self._pull(Place(library, archive, number, "ocaml"), unit=unit)

    def _pull_all(self, library: str, archive: Archive) -> None:
        """Objects of which no unit tells: all of them."""
        for number in range(len(archive.members)):
            self._pull(Place(library, archive, number, "ocaml"))

    def _ask_for(self, library: str, symbols: tuple[str, ...]) -> None:
        """Symbols that only a user of the library asks for: `external` in an interface."""
        asks = Object(name="", defined=(), undefined=symbols)
        self.waiting.append(Pulled(place=Place(library, NOTHING, -1, "ocaml"), object=asks))

    def _follow(self) -> None:
        while self.waiting:
            here = self.waiting.popleft()
            own = self.own.get(here.place.library, {})
            for symbol in here.object.undefined:
                if here.unit and OCAML.match(symbol):
                    continue  # what a unit imports is linked before it, or said to be absent
                place = own.get(symbol) or self.definitions.get(symbol) or self._of_unit(symbol)
                if place is None:
                    self.wants.append(Want(symbol, here))
                else:
                    self._pull(place, symbol)

    def _of_unit(self, symbol: str) -> Place | None:
        """The object of the unit that one of OCaml's names is inside of: an object that is no unit's asks for those."""
        if not OCAML.match(symbol):
            return None
        ends = (len(symbol), *reversed([joint.start() for joint in JOINT.finditer(symbol)]))  # the innermost unit first
        forms = (form.format(symbol[4:end]) for end in ends for form in OF_UNIT)
        return next((self.definitions[form] for form in forms if form in self.definitions), None)

    def _pull(self, place: Place, wanted: str = "", unit: str = "") -> None:
        key = (id(place.archive), place.number)
        if key in self.pulled:
            return
        found = self._read(place.archive, place.number, definitions=place.kind == "c")
        made = Pulled(place=place, object=found or _unread(place), wanted=wanted, unit=unit)
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


def _absent(taken: list[tuple[str, Unit]], codes: tuple[Code, ...]) -> Iterator[Absent]:
    """What linked units import and nothing before them has: ocamlopt refuses that, whether or not a symbol is used."""
    stdlib = any(code.library == STDLIB for code in codes)
    before: set[str] = set()
    for library, unit in taken:
        for name, _ in unit.imports:
            known = name in before or name == unit.name or (not stdlib and name.startswith(OF_STDLIB))
            if not known:
                yield Absent(name, unit.name, library)
        before.add(unit.name)


STDLIB: Final = "stdlib"
"""The name under which OCaml's standard library is linked."""

OF_STDLIB: Final = ("Stdlib", "Camlinternal", "Std_exit")


def _stale(taken: list[tuple[str, Unit]]) -> Iterator[Stale]:
    """Linked units that disagree about the implementation of a unit: ocamlopt refuses them."""
    digests = {unit.name: (unit.digest, library) for library, unit in taken}
    for library, unit in taken:
        for name, digest in unit.imports:
            here, of = digests.get(name, (b"", ""))
            if here and digest and here != digest:
                yield Stale(name, unit.name, library, of)


def _archives(code: Code) -> Iterator[tuple[Archive, Kind]]:
    yield from ((archive, "ocaml") for archive in code.ocaml)
    yield from ((archive, "c") for archive in code.stubs)


def _same(one: Place, other: Place) -> bool:
    return one.archive.path == other.archive.path or one.library == other.library


def _unread(place: Place) -> Object:
    """What is known of an object that cannot be read: its name."""
    return Object(name=place.archive.members[place.number].name, defined=(), undefined=(), damaged=True)


NOTHING: Final = Archive(path=Path(), data=b"")
"""Where the user of a library would be."""

"""What a name in an OCaml source may stand for, in which module of which library.

Names are read without types: a module stands for every module of its name in the libraries that one may name, and the
parameter of a functor for all that the functor is applied to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from mirage_py.audit.handing import STANDARD_LIBRARY
from mirage_py.audit.mlsource import ANY, AS
from mirage_py.audit.mlunits import STDLIB, Key, Unit

__all__ = ["Scope", "Sees"]

Sees = Callable[[str], Collection[str]]
"""The libraries behind one, whose modules it may name."""


class Scope:
    """The definitions of all files that were read.

    A library names modules of those that it `sees`; `ending` are names of the standard library that are asked for, and
    `named` all that are, by their last part.
    """

    def __init__(self, sees: Sees, ending: Collection[str], named: Mapping[str, Collection[Key]]) -> None:
        self.sees = sees
        self.ending = ending
        self.named = named
        self.standing: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
        self.defined: dict[tuple[str, str], set[str]] = {}
        self.homes: dict[tuple[str, str], list[str]] = {}
        self.tops: dict[str, list[str]] = {}
        self.given: dict[str, list[tuple[str, str, set[str]]]] = {}

    def add_top(self, module: str, library: str) -> None:
        """A module that others see of a library."""
        self.tops.setdefault(module, []).append(library)

    def add_home(self, key: Key) -> None:
        """A name of a module."""
        homes = self.homes.setdefault((key.module, key.name), [])
        if key.library not in homes:
            homes.append(key.library)

    def add(self, unit: Unit) -> None:
        """What a file defines, and applies functors to."""
        library, source = unit
        self.standing.clear()
        for (module, functor), names in source.given.items():
            self.given.setdefault(functor, []).append((library, module, names))
        defined = self.defined.setdefault((library, source.module), set())
        for name in (*(item.name for item in source.items if item.name), *source.externals):
            defined.add(name)
            self.add_home(unit.key(name))

    def is_seen(self, library: str, by: str) -> bool:
        """Whether a library may name modules of another one."""
        return library in (by, STDLIB) or library in self.sees(by)

    def owns(self, name: str, unit: Unit) -> bool:
        return "." not in name and name in self.defined[unit.library, unit.source.module]

    def key(self, name: str, unit: Unit) -> Key | None:
        return next(iter(self.keys(name, unit)), None)

    def keys(self, name: str, unit: Unit, bound: Collection[str] = ()) -> Iterator[Key]:
        """What a name may stand for, the nearest first; names that are `bound` where it stands are of no module."""
        qualifier, _, last = name.replace(" ", "").rpartition(".")
        if qualifier:
            yield from self._in_module(qualifier, last, unit)
            return
        if self.owns(last, unit):
            yield unit.key(last)
            return
        if last in bound:
            return
        for opened in unit.source.opens:
            yield from self._in_module(opened, last, unit)
        if last in self.ending:
            yield Key(STDLIB, "", last)

    def _in_module(self, qualifier: str, last: str, unit: Unit) -> Iterator[Key]:
        """A name of a module, which may be another's name, one of the file's own, or one of the standard library."""
        source = unit.source
        first, _, rest = qualifier.partition(".")
        aliased = source.aliases.get(first)
        whole = ".".join(filter(None, (aliased, rest))) if aliased and aliased != qualifier else qualifier
        short = whole.removeprefix("Stdlib.")
        if first in source.unknown or first in source.parameters:
            yield from self._of_parameter(first, last, unit)
            return
        if first in source.modules and not aliased and self.owns(last, unit):
            yield unit.key(last)
            return
        libraries = self._libraries(short, last, unit)
        if libraries:
            yield from (Key(library, short.rpartition(".")[2], last) for library in libraries)
        elif short in STANDARD_LIBRARY and last in self.ending:
            yield Key(STDLIB, "", last)
        elif f"{short}.{last}" in self.ending:
            yield Key(STDLIB, "", f"{short}.{last}")

    def _libraries(self, path: str, last: str, unit: Unit) -> list[str]:
        """The libraries that may have a name behind a path: the own one, else those whose module the path begins with.

        What a path leads to inside of another library may be of one behind that, whose module it gives on.
        """
        first, _, rest = path.partition(".")
        own = unit.library
        homes = self.homes.get((path.rpartition(".")[2], last), ())
        if not homes:
            return []
        if own in homes and (not rest or (own, first) in self.defined or first not in self.tops):
            return [own]
        seen = [home for home in homes if home != own and self.is_seen(home, own)]
        begin = [library for library in self.tops.get(first, ()) if library != own and self.is_seen(library, own)]
        if not begin:
            return [own] if own in homes else seen
        return [home for home in seen if home in begin or (rest and any(self.is_seen(home, one) for one in begin))]

    def _of_parameter(self, parameter: str, last: str, unit: Unit) -> Iterator[Key]:
        """A name of what a functor's parameter may stand for."""
        keys = [key for key in self.named.get(last, ()) if key.library != STDLIB and key.name == last]
        given = self._given(unit, parameter) if keys else set()
        unknown = any(name == ANY for _, name in given)
        for key in keys:
            if unknown or any(name == key.module and self.is_seen(key.library, by) for by, name in given):
                yield key

    def _given(self, unit: Unit, parameter: str) -> set[tuple[str, str]]:
        """The modules that a functor's parameter may stand for, each with the library that says so; `ANY` is any."""
        place = (unit.library, unit.source.module, parameter)
        known = self.standing.get(place)
        if known is None:
            known = self.standing[place] = self._all_given(unit, parameter)
        return known

    def _all_given(self, unit: Unit, parameter: str) -> set[tuple[str, str]]:
        if parameter in unit.source.unknown:
            return {(unit.library, ANY)}
        module = unit.source.module
        waiting = [(unit.library, module, functor) for functor in unit.source.parameters[parameter]]
        found: set[tuple[str, str]] = set()
        for home, inside, functor in waiting:  # grows while it is walked
            for by, of, names in self.given.get(functor, ()):
                if of in ("", inside) and self.is_seen(home, by):
                    fresh = {(by, name) for name in names} - found
                    found |= fresh
                    places = (name.removeprefix(AS).rpartition(".") for _, name in fresh if name.startswith(AS))
                    waiting += [(by, outer, other) for outer, _, other in places]
        return found

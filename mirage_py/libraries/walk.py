"""All that some libraries need, in an order in which they can be linked.

What is missing or broken is part of the answer: an installation that is not whole still gets one.

The walk asks a function for each library, so that vendored, installed and bundled ones can be mixed by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from mirage_py.dataclass import dataclass
from mirage_py.model.closure import Trouble
from mirage_py.model.library import Library

__all__ = ["Walked", "walk"]


@dataclass(frozen=True, kw_only=True)
class Walked:
    """Libraries with all that they need, dependencies first.

    `missing` maps a name that nobody serves to the libraries that ask for it (none: it was asked for by name).
    """

    roots: tuple[str, ...]
    libraries: tuple[Library, ...]
    missing: Mapping[str, tuple[str, ...]]
    troubles: tuple[Trouble, ...]

    @cached_property
    def paths(self) -> Mapping[str, tuple[str, ...]]:
        """The shortest way from a root to each library, both included."""
        requires = {library.name: library.requires for library in self.libraries}
        found: dict[str, tuple[str, ...]] = {name: (name,) for name in self.roots}
        for here in (queue := list(found)):  # grows while it is walked: breadth first
            for there in requires.get(here, ()):
                if there not in found:
                    found[there] = (*found[here], there)
                    queue.append(there)
        return found

    @cached_property
    def askers(self) -> Mapping[str, tuple[str, ...]]:
        """By library, those of the closure that need it."""
        found: dict[str, list[str]] = {}
        for library in self.libraries:
            for need in library.requires:
                found.setdefault(need, []).append(library.name)
        return {name: tuple(names) for name, names in found.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the libraries, in their order."""
        return tuple(library.name for library in self.libraries)


def walk(
    roots: Iterable[str],
    find: Callable[[str], Library | None],
    trouble: Callable[[str], Trouble | None] = lambda _: None,
) -> Walked:
    """The closure of these names among the libraries that `find` knows; `trouble` may say what is wrong with one."""
    walked = _Walk(find, trouble)
    names = tuple(dict.fromkeys(roots))
    for name in names:
        walked.visit(name)
    return Walked(
        roots=names,
        libraries=tuple(walked.done.values()),
        missing={name: tuple(sorted(walked.missing[name])) for name in sorted(walked.missing)},
        troubles=tuple(walked.troubles),
    )


class _Walk:
    """A depth-first walk with its own stack: no chain of libraries is too long for it."""

    def __init__(self, find: Callable[[str], Library | None], trouble: Callable[[str], Trouble | None]) -> None:
        self.find = find
        self.trouble = trouble
        self.done: dict[str, Library] = {}
        self.missing: dict[str, dict[str, None]] = {}
        self.troubles: dict[Trouble, None] = {}
        self.open: dict[str, tuple[Library, Iterator[str]]] = {}

    def visit(self, name: str) -> None:
        """Put a library and all that it needs into `done`."""
        self._enter(name)
        while self.open:
            library, rest = self.open[next(reversed(self.open))]
            needed = next(rest, None)
            if needed is None:
                self.done[library.name] = self.open.popitem()[1][0]
            else:
                self._enter(needed)

    def _enter(self, name: str) -> None:
        if name in self.open:
            self._note(self._loop(name))
        elif name in self.missing:
            self.missing[name].update(self._asker())
        elif name not in self.done:
            self._open(name)

    def _open(self, name: str) -> None:
        self._note(self.trouble(name))
        library = self.find(name)
        if library is None:
            self.missing[name] = self._asker()
        else:
            self.open[name] = (library, iter(library.requires))

    def _asker(self) -> dict[str, None]:
        """The library whose needs are being walked, if one's are."""
        return dict.fromkeys([next(reversed(self.open))] if self.open else [])

    def _loop(self, name: str) -> Trouble:
        names = list(self.open)
        chain = [*names[names.index(name) :], name]
        return Trouble(library=name, kind="loop", text=" needs ".join(chain), file=self.open[names[-1]][0].meta)

    def _note(self, trouble: Trouble | None) -> None:
        if trouble is not None:
            self.troubles[trouble] = None

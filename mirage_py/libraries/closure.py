"""All that some libraries need, in an order in which they can be linked.

What is missing or broken is part of the answer: an installation that is not whole still gets one.

The walk asks a function for each library, so that vendored, installed and bundled ones can be mixed by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from mirage_py.model.library import Library

__all__ = ["Closure", "Problem", "walk"]


class Problem(NamedTuple):
    """Something wrong with a library that is there: which, what kind of wrong, and where it is written.

    broken: its META cannot be read; hidden: its META says that it is not installed (`exists_if`); refused: its META
    says that it must not be used so (`error`); loop: it needs itself.
    """

    library: str
    kind: Literal["broken", "hidden", "refused", "loop"]
    text: str
    file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Closure:
    """Libraries with all that they need, dependencies first.

    `missing` maps a name that nobody serves to the libraries that ask for it (none: it was asked for by name).
    """

    roots: tuple[str, ...]
    libraries: tuple[Library, ...]
    missing: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the libraries, in their order."""
        return tuple(library.name for library in self.libraries)

    def path_to(self, name: str) -> tuple[str, ...]:
        """The shortest way from a root to this library: `("pgx", "lwt.unix", "unix")`; () when none leads there."""
        requires = {library.name: library.requires for library in self.libraries}
        came_from: dict[str, str | None] = dict.fromkeys(self.roots)
        queue = list(came_from)
        for here in queue:  # grows while it is walked: breadth first
            fresh = [there for there in requires.get(here, ()) if there not in came_from]
            came_from.update(dict.fromkeys(fresh, here))
            queue.extend(fresh)
        return tuple(_way_back(name, came_from))[::-1] if name in came_from else ()


def walk(
    roots: Iterable[str],
    find: Callable[[str], Library | None],
    problem: Callable[[str], Problem | None] = lambda _: None,
) -> Closure:
    """The closure of these names among the libraries that `find` knows; `problem` may say what is wrong with one."""
    walked = _Walk(find, problem)
    names = tuple(dict.fromkeys(roots))
    for name in names:
        walked.visit(name)
    return Closure(
        roots=names,
        libraries=tuple(walked.done.values()),
        missing={name: tuple(sorted(walked.missing[name])) for name in sorted(walked.missing)},
        problems=tuple(walked.problems),
    )


class _Walk:
    """A depth-first walk with its own stack: no chain of libraries is too long for it."""

    def __init__(self, find: Callable[[str], Library | None], problem: Callable[[str], Problem | None]) -> None:
        self.find = find
        self.problem = problem
        self.done: dict[str, Library] = {}
        self.missing: dict[str, dict[str, None]] = {}
        self.problems: dict[Problem, None] = {}
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
        self._note(self.problem(name))
        library = self.find(name)
        if library is None:
            self.missing[name] = self._asker()
        else:
            self.open[name] = (library, iter(library.requires))

    def _asker(self) -> dict[str, None]:
        """The library whose needs are being walked, if one's are."""
        return dict.fromkeys([next(reversed(self.open))] if self.open else [])

    def _loop(self, name: str) -> Problem:
        names = list(self.open)
        chain = [*names[names.index(name) :], name]
        return Problem(name, "loop", " needs ".join(chain), self.open[names[-1]][0].meta)

    def _note(self, problem: Problem | None) -> None:
        if problem is not None:
            self.problems[problem] = None


def _way_back(name: str, came_from: Mapping[str, str | None]) -> Iterator[str]:
    here: str | None = name
    while here is not None:
        yield here
        here = came_from[here]

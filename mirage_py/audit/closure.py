"""The one closure as the audit reads it: from the roots down, where libraries that no unikernel can have are leaves.

Who serves which library is `mirage_py.libraries`' answer; here stands only what a reader of verdicts asks of it: the
shortest way to each library, and what is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Protocol

from mirage_py.audit.rules import needs, rule_for
from mirage_py.dataclass import dataclass, field, replace
from mirage_py.libraries.closure import closure_of_names
from mirage_py.model.audit import Problem, Root
from mirage_py.model.bounds import ANY, Bounds
from mirage_py.model.closure import Closure as Served, Trouble
from mirage_py.model.library import Library


class Libraries(Protocol):
    """Whoever knows libraries by name: findlib, vendored sources, or both."""

    def find(self, name: str) -> Library | None:
        """The library of this name."""

    def problem(self, name: str) -> str | None:
        """Why a library that is there cannot be used."""

    def suggest(self, name: str) -> tuple[str, ...]:
        """The names nearest to one that does not exist."""

    def implementation(self, library: Library) -> str:
        """The library that implements a virtual one for the target; empty where none does."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A library in the closure. `path` starts with the root that asked and ends with this library's name."""

    library: Library
    path: tuple[str, ...]
    asked_by: str
    root: bool = False
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A library that is asked for and that nobody serves here; `reason` says why one that is there does not.

    `misfit` says which version is here, where the `bounds` of its package exclude that.
    """

    name: str
    path: tuple[str, ...]
    asked_by: str
    root: bool = False
    reason: str | None = None
    near: tuple[str, ...] = ()
    bounds: Bounds = ANY
    misfit: str = ""

    @property
    def absence(self) -> str:
        """That it is not here, or in a version that does not serve."""
        return f"{self.name} {self.misfit or 'is not here'}"

    @property
    def problem(self) -> Problem:
        """It as a reader is told."""
        way = f" (asked for by {' -> '.join(self.path[:-1])})" if len(self.path) > 1 else ""
        named = f"did you mean {', '.join(self.near)}?" if self.near else ""
        hint = named or ("install or vendor it" if self.reason is None else "")
        message = f"library {f'{self.name} {self.reason}' if self.reason else self.absence}{way}"
        return Problem(message=message, place=self.asked_by, hint=hint)


@dataclass(frozen=True, kw_only=True)
class Closure:
    """The libraries in the order of the walk, dependents before what they were first asked by."""

    nodes: dict[str, Node]
    absent: tuple[Absent, ...] = ()
    loops: tuple[Problem, ...] = ()
    implementations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def lacking(self) -> Mapping[str, Absent]:
        """What is absent, by name."""
        return {one.name: one for one in self.absent}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is not there, and what cannot be linked in any order."""
        return (*(one.problem for one in self.absent), *self.loops)

    def requires(self, name: str) -> tuple[str, ...]:
        """The libraries of the closure that this one needs; a forbidden one is a leaf."""
        library = self.nodes[name].library
        wanted = (*needs(library), *self.implementations.get(name, ()))
        return tuple(need for need in wanted if need in self.nodes)

    @cached_property
    def behind(self) -> Callable[[str], frozenset[str]]:
        """The libraries that one requires, and those that these require, and so on."""

        @cache
        def all_behind(name: str) -> frozenset[str]:
            reached = dict.fromkeys(self.requires(name) if name in self.nodes else ())
            for need in (queue := list(reached)):  # grows while it is walked
                fresh = [one for one in self.requires(need) if one not in reached]
                reached |= dict.fromkeys(fresh)
                queue += fresh
            return frozenset(reached)

        return all_behind


def closure_of(roots: Iterable[Root], libraries: Libraries, served: Served | None = None) -> Closure:
    """The closure of the roots; `served` is that of the plan, where they are a plan's.

    What nobody serves to the plan is judged as it is here all the same: that tells why nobody does. Not where it is
    here in another version than the plan wants, of which the plan's build would link nothing.
    """
    asked = tuple(roots)
    names = [root.library for root in asked]
    if served is None:
        return _read(_named(names, libraries), asked, libraries)
    missing = [one for one in served.missing if one.use == "image"]
    unfit = {name for one in missing if one.of_other_versions for name in one.libraries}
    wanted = dict.fromkeys((*(name for one in missing for name in one.libraries), *names))
    absent = [name for name in wanted if name not in served.by_name and name not in unfit]
    others = _named(absent, libraries).libraries if absent else ()
    further = (one for one in others if one.library.name not in served.by_name and one.library.name not in unfit)
    return _read(replace(served, libraries=(*served.image, *further)), asked, libraries)


def _named(names: list[str], libraries: Libraries) -> Served:
    """The closure of these names, with an implementation of each virtual library that has none in it."""
    while True:
        served = closure_of_names(names, libraries.find)
        here = [one.library for one in served.libraries]
        held = {one.implements for one in here}
        chosen = [libraries.implementation(one) for one in here if one.virtual and one.name not in held]
        fresh = [name for name in chosen if name and name not in names]
        if not fresh:
            return served
        names = [*names, *fresh]


def _read(served: Served, roots: Iterable[Root], libraries: Libraries) -> Closure:
    reading = _Reading(served, libraries)
    for root in roots:
        reading.ask(root.library, (root.library,), root.asked_by, root=True)
    reading.run()
    loops = tuple(dict.fromkeys(_loop(one) for one in served.troubles if one.kind == "loop"))
    return Closure(
        nodes=reading.nodes,
        absent=tuple(reading.absent.values()),
        loops=loops[:1],
        implementations=reading.implementations,
    )


class _Reading:
    """The closure read in breadth: the first path that reaches a library is a shortest one."""

    def __init__(self, served: Served, libraries: Libraries) -> None:
        self.libraries = libraries
        self.known = {one.library.name: one.library for one in served.image}
        self.implementations: dict[str, tuple[str, ...]] = {}
        for library in self.known.values():
            if library.implements:
                own = self.implementations.get(library.implements, ())
                self.implementations[library.implements] = (*own, library.name)
        self.nodes: dict[str, Node] = {}
        self.absent: dict[str, Absent] = {}
        self.missing = {name: one for one in served.missing for name in one.libraries}

    def ask(self, name: str, path: tuple[str, ...], asked_by: str, *, root: bool = False) -> bool:
        """Enter a library once, by the first path that reaches it; whether it is new here."""
        if name in self.nodes or name in self.absent:
            return False
        library = self.known.get(name)
        if library is None and rule_for(name) is not None:
            known = Library(name=name, package=name.partition(".")[0], origin="installed", directory=Path())
            self.nodes[name] = Node(library=known, path=path, asked_by=asked_by, root=root)  # whether or not it is here
        elif library is None:
            self.absent[name] = self._absent(name, path, asked_by, root=root)
            return False
        else:
            self.nodes[name] = Node(library=library, path=path, asked_by=asked_by, root=root)
        return True

    def _absent(self, name: str, path: tuple[str, ...], asked_by: str, *, root: bool) -> Absent:
        missing = self.missing.get(name)
        misfit = missing.of_other_versions if missing else ""
        reason = self.libraries.problem(name)
        return Absent(
            name=name,
            path=path,
            asked_by=asked_by,
            root=root,
            reason=reason,
            near=() if reason is not None or misfit else self.libraries.suggest(name),
            bounds=missing.bounds if missing else ANY,
            misfit=misfit,
        )

    def run(self) -> None:
        """Reach what the entered ones need, and so on."""
        for name in (queue := list(self.nodes)):  # grows while it is walked
            node = self.nodes[name]
            wanted = (*needs(node.library), *self.implementations.get(name, ()))
            queue += [need for need in wanted if self.ask(need, (*node.path, need), node.asked_by)]
        for name, node in self.nodes.items():
            missing = tuple(need for need in needs(node.library) if need in self.absent)
            self.nodes[name] = replace(node, missing=missing) if missing else node


def _loop(trouble: Trouble) -> Problem:
    """Libraries that need each other."""
    message = f"libraries need each other: {trouble.text.replace(' needs ', ' -> ')}"
    return Problem(message=message, hint="OCaml cannot link a loop; take one of the requirements away")

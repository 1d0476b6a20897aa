"""Which libraries a configuration links, from where, and by which shortest way each was asked for.

A walk in breadth finds the shortest path; the libraries that no unikernel can have (`unix`, ...) are leaves, for what
they need themselves is not the reader's question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mirage_py.audit.rules import needs, rule_for
from mirage_py.model.audit import Problem, Root
from mirage_py.model.library import Library


class Libraries(Protocol):
    """Whoever knows libraries by name: findlib, vendored sources, or both."""

    def find(self, name: str) -> Library | None:
        """The library of this name."""

    def problem(self, name: str) -> str | None:
        """Why a library that is there cannot be used."""

    def suggest(self, name: str) -> tuple[str, ...]:
        """The names nearest to one that does not exist."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A library in the closure. `path` starts with the root that asked and ends with this library's name."""

    library: Library
    path: tuple[str, ...]
    asked_by: str
    root: bool = False
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Closure:
    """The libraries in the order of the walk, dependents before what they were first asked by."""

    nodes: dict[str, Node]
    problems: tuple[Problem, ...] = ()

    def requires(self, name: str) -> tuple[str, ...]:
        """The libraries of the closure that this one needs; a forbidden one is a leaf."""
        node = self.nodes[name]
        return tuple(need for need in needs(node.library) if need in self.nodes)


def closure_of(roots: Iterable[Root], libraries: Libraries) -> Closure:
    """Everything that the roots need; what is not there is named with its path and the nearest names."""
    walk = _Walk(libraries)
    for root in roots:
        walk.ask(root.library, (root.library,), root.asked_by, root=True)
    walk.run()
    closure = Closure(nodes=walk.nodes, problems=tuple(walk.problems))
    return Closure(nodes=walk.nodes, problems=(*closure.problems, *_loops(closure)))


class _Walk:
    """The state of one breadth-first walk."""

    def __init__(self, libraries: Libraries) -> None:
        self.libraries = libraries
        self.nodes: dict[str, Node] = {}
        self.absent: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []

    def ask(self, name: str, path: tuple[str, ...], asked_by: str, *, root: bool = False) -> None:
        """Enter a library once, by the first path that reaches it."""
        if name in self.nodes or name in self.absent:
            return
        library = self.libraries.find(name)
        if library is None and rule_for(name) is not None and not root:
            known = Library(name=name, package=name.partition(".")[0], origin="installed", directory=Path())
            self.nodes[name] = Node(library=known, path=path, asked_by=asked_by)  # no matter whether it is here
        elif library is None:
            self.absent[name] = path
            self.problems.append(self._absence(name, path, asked_by))
        else:
            self.nodes[name] = Node(library=library, path=path, asked_by=asked_by, root=root)

    def run(self) -> None:
        """Reach what the entered ones need, and so on."""
        queue = list(self.nodes)
        for name in queue:
            node = self.nodes[name]
            for need in needs(node.library):
                known = len(self.nodes)
                self.ask(need, (*node.path, need), node.asked_by)
                if len(self.nodes) > known:
                    queue.append(need)
        self._note_missing()

    def _note_missing(self) -> None:
        for name, node in self.nodes.items():
            missing = tuple(need for need in needs(node.library) if need in self.absent)
            if missing:
                self.nodes[name] = Node(
                    library=node.library, path=node.path, asked_by=node.asked_by, root=node.root, missing=missing
                )

    def _absence(self, name: str, path: tuple[str, ...], asked_by: str) -> Problem:
        reason = self.libraries.problem(name)
        what = f"library {name} {reason or 'is not here'}"
        way = f" (asked for by {' -> '.join(path[:-1])})" if len(path) > 1 else ""
        near = self.libraries.suggest(name) if reason is None else ()
        hint = f"did you mean {', '.join(near)}?" if near else "install or vendor it" if reason is None else ""
        return Problem(message=what + way, place=asked_by, hint=hint)


def _loops(closure: Closure) -> list[Problem]:
    """One line for each knot of libraries that need each other; found by taking away what has no needs left."""
    waiting = {
        name: {need for need in closure.requires(name) if not _implements(closure, need, name)}
        for name in closure.nodes
    }
    asked_by: dict[str, list[str]] = {}
    for name, left in waiting.items():
        for need in left:
            asked_by.setdefault(need, []).append(name)
    free = [name for name, left in waiting.items() if not left]
    for name in free:  # grows while it is walked
        del waiting[name]
        for asker in asked_by.get(name, ()):
            waiting[asker].discard(name)
            if not waiting[asker]:
                free.append(asker)
    return [_loop(next(iter(waiting)), waiting)] if waiting else []


def _implements(closure: Closure, need: str, name: str) -> bool:
    """Whether what is needed is the implementation of a virtual library, which needs that one: no loop for dune."""
    return closure.nodes[need].library.implements == name


def _loop(start: str, waiting: dict[str, set[str]]) -> Problem:
    chain = [start]
    while (following := min(waiting[chain[-1]] & waiting.keys())) not in chain:
        chain.append(following)
    knot = [*chain[chain.index(following) :], following]
    message = f"libraries need each other: {' -> '.join(knot)}"
    return Problem(message=message, hint="OCaml cannot link a loop; take one of the requirements away")

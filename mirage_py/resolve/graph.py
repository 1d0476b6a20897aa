"""The graph: what is left of a configuration once every choice is made.

Decided branches are gone, equal devices are one node, and every node has its number and its names. No step recurses,
and each visits a node once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from mirage_py.dataclass import dataclass
from mirage_py.dsl.ocaml import ocaml_identifier
from mirage_py.dsl.term import App, Choice, Dev, Device, Term, children, postorder
from mirage_py.dsl.types import FunctorType
from mirage_py.errors import Location


@dataclass(frozen=True, eq=False)
class Node:
    """A device of the running unikernel: what it is applied to, what it waits for, and its names in OCaml."""

    number: int
    device: Device
    args: tuple[Node, ...]
    deps: tuple[Node, ...]
    location: Location | None

    @cached_property
    def variable(self) -> str:
        """The OCaml variable of its lazy promise."""
        return f"{_nice(self.device.module)}__{self.number}"

    @cached_property
    def module(self) -> str:
        """The OCaml module: an applied functor has a name of its own."""
        if not isinstance(self.device.type, FunctorType):
            return self.device.module
        return self.variable[0].upper() + self.variable[1:]

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes it waits for: functor arguments, then data dependencies."""
        return (*self.args, *self.deps)

    def __repr__(self) -> str:
        return f"<{self.variable}>"


@dataclass(frozen=True)
class Graph:
    """The nodes in the order in which main.ml defines them, and which of them are forced first, one by one."""

    nodes: tuple[Node, ...]
    init: tuple[Node, ...]
    root: Node

    def parents(self) -> dict[Node, Node]:
        """For every node but the root, the first one that asks for it."""
        found: dict[Node, Node] = {}
        for node in reversed(self.nodes):
            for child in node.inputs:
                found.setdefault(child, node)
        return found


@dataclass(frozen=True, eq=False)
class _Resolved:
    device: Device
    args: tuple[_Resolved, ...]
    deps: tuple[_Resolved, ...]
    location: Location | None


def build_graph(root: Device, init: Iterable[Term], choices: Mapping[str, Any]) -> Graph:
    """The graph below a root device whose dependencies are the initial jobs and the user's.

    Raises `UsageError` when a choice depends on a required key that was not given.
    """
    top = Dev(root, (), None)
    resolved = _decide(top, choices)
    nodes = _number(resolved[top])
    last = nodes[resolved[top]]
    forced = tuple(nodes[resolved[term]] for term in init)
    return Graph(nodes=tuple(_emission_order(last)), init=forced, root=last)


def _decide(root: Term, choices: Mapping[str, Any]) -> dict[Term, _Resolved]:
    taken: dict[Choice, Term] = {}

    def below(term: Term) -> tuple[Term, ...]:
        if not isinstance(term, Choice):
            return children(term)
        if term not in taken:
            taken[term] = _branch(term, choices)
        return (taken[term],)

    resolved: dict[Term, _Resolved] = {}
    interned: dict[tuple[Device, tuple[_Resolved, ...]], _Resolved] = {}
    for term in postorder((root,), below):
        match term:
            case Choice():
                resolved[term] = resolved[taken[term]]
                continue
            case App():
                function = resolved[term.function]
                device, given, deps, place = function.device, function.args, function.deps, function.location
            case _:
                device, given, place = term.device, (), term.location
                deps = tuple(resolved[dep] for dep in term.deps)
        args = (*given, *(resolved[arg] for arg in term.args))
        resolved[term] = interned.setdefault((device, args), _Resolved(device, args, deps, place))
    return resolved


def _branch(term: Choice, choices: Mapping[str, Any]) -> Term:
    value = term.condition.eval(choices)
    return next((branch for case, branch in term.branches if case == value), term.default)


def _number(root: _Resolved) -> dict[_Resolved, Node]:
    """Numbers from 1, children first: arguments left to right, then dependencies; the root has the largest."""
    nodes: dict[_Resolved, Node] = {}
    for old in postorder((root,), lambda r: (*r.args, *r.deps)):
        nodes[old] = Node(
            number=len(nodes) + 1,
            device=old.device,
            args=tuple(nodes[arg] for arg in old.args),
            deps=tuple(nodes[dep] for dep in old.deps),
            location=old.location or old.device.location,
        )
    return nodes


def _emission_order(root: Node) -> Iterator[Node]:
    """Children first again, but dependencies before arguments."""
    return postorder((root,), lambda n: (*n.deps, *n.args))


def _nice(module: str) -> str:
    return ocaml_identifier(module.lower())

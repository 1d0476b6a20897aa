"""The graph: what is left of a configuration once every choice is made.

Decided branches are gone, equal devices are one node, and every node has its number and its names. No step recurses,
and each visits a node once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from mirage_py.dataclass import dataclass
from mirage_py.dsl.ocaml import ocaml_identifier
from mirage_py.dsl.term import App, Choice, Dev, Device, Term, children, postorder
from mirage_py.dsl.types import FunctorType
from mirage_py.errors import Location


class Node:
    """A device of the running unikernel: what it is applied to, what it waits for, and its names in OCaml."""

    __slots__ = ("args", "deps", "device", "location", "number", "variable")

    number: int
    """Its place among all, from 1."""
    variable: str
    """The OCaml variable of its lazy promise."""

    def __init__(
        self, device: Device, args: tuple[Node, ...], deps: tuple[Node, ...], location: Location | None
    ) -> None:
        self.device = device
        self.args = args
        self.deps = deps
        self.location = location

    @property
    def module(self) -> str:
        """The OCaml module: an applied functor has a name of its own."""
        if not isinstance(self.device.type, FunctorType):
            return self.device.module
        return self.variable[0].upper() + self.variable[1:]

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes it waits for: functor arguments, then data dependencies."""
        return self.args + self.deps

    def __repr__(self) -> str:
        return f"<{self.variable}>"


@dataclass(frozen=True)
class Graph:
    """The nodes in the order in which main.ml defines them, and which of them are forced first, one by one."""

    nodes: tuple[Node, ...]
    init: tuple[Node, ...]
    root: Node

    @cached_property
    def devices(self) -> tuple[Device, ...]:
        """The devices of the nodes, each once: what is true of one is true of all nodes that are of it."""
        return tuple(dict.fromkeys(node.device for node in self.nodes))

    def parents(self) -> dict[Node, Node]:
        """For every node but the root, the first one that asks for it."""
        found: dict[Node, Node] = {}
        for node in reversed(self.nodes):
            for child in node.inputs:
                found.setdefault(child, node)
        return found


def build_graph(root: Device, init: Iterable[Term], choices: Mapping[str, Any]) -> Graph:
    """The graph below a root device whose dependencies are the initial jobs and the user's.

    Raises `UsageError` when a choice depends on a required key that was not given.
    """
    top = Dev(root, (), None)
    nodes = _decide(top, choices)
    last = nodes[top]
    _number(last)
    forced = tuple(nodes[term] for term in init)
    return Graph(nodes=_emission_order(last), init=forced, root=last)


def _decide(root: Term, choices: Mapping[str, Any]) -> dict[Term, Node]:
    """What each term comes to: equal devices are one node, which has no number yet."""
    taken: dict[Choice, Term] = {}

    def below(term: Term) -> tuple[Term, ...]:
        if not isinstance(term, Choice):
            return children(term)
        if term not in taken:
            taken[term] = _branch(term, choices)
        return (taken[term],)

    nodes: dict[Term, Node] = {}
    interned: dict[tuple[Device, tuple[Node, ...]], Node] = {}
    for term in postorder((root,), below):
        if isinstance(term, Choice):
            nodes[term] = nodes[taken[term]]
            continue
        args = tuple([nodes[arg] for arg in term.args])
        if isinstance(term, App):
            function = nodes[term.function]
            device, args, deps, place = function.device, function.args + args, function.deps, function.location
        else:
            device, place = term.device, term.location or term.device.location
            deps = tuple([nodes[dep] for dep in term.deps])
        key = (device, args)
        known = interned.get(key)
        if known is None:
            known = interned[key] = Node(device, args, deps, place)
        nodes[term] = known
    return nodes


def _branch(term: Choice, choices: Mapping[str, Any]) -> Term:
    value = term.condition.eval(choices)
    return next((branch for case, branch in term.branches if case == value), term.default)


def _number(root: Node) -> None:
    """Numbers from 1, children first: arguments left to right, then dependencies; the root has the largest."""
    stems: dict[str, str] = {}
    for number, node in enumerate(postorder((root,), lambda n: n.args + n.deps), start=1):
        module = node.device.module
        stem = stems.get(module)
        if stem is None:
            stem = stems[module] = f"{ocaml_identifier(module.lower())}__"
        node.number = number
        node.variable = f"{stem}{number}"


def _emission_order(root: Node) -> tuple[Node, ...]:
    """Children first again, but dependencies before arguments."""
    return tuple(postorder((root,), lambda n: n.deps + n.args))

"""The places of an OCaml source that say what a definition mentions, read when somebody asks for a name.

Most definitions mention nothing that matters, and of the others few places do: so a file is parsed once for what it
defines, and of a definition only the branches of the tree are walked in which a name stands that is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from mirage_py.audit.mlsource import How, Use
from mirage_py.audit.mluses import TOKEN, Within, uses_of
from mirage_py.dataclass import dataclass, field
from mirage_py.syntax import syntax_tree

if TYPE_CHECKING:
    from mirage_py.syntax import Node

Kind = Literal["let ", "", "module M = ", "module P = ", "class "]
"""What stands before a passage in a source: of a binding, an expression, a functor's application, a module that is
taken out of a value, a class."""

TYPES: Final[Mapping[Kind, str]] = {
    "let ": "let_binding",
    "module M = ": "module_application",
    "module P = ": "packed_module",
    "class ": "class_binding",
}


@dataclass(frozen=True, kw_only=True)
class Passage:
    """A part of a source, from the how many-th line on."""

    text: bytes = field(repr=False)
    kind: Kind
    line: int = 0

    @classmethod
    def of(cls, node: Node, kind: Kind) -> Passage:
        """The passage of a node."""
        return cls(text=node.text or b"", kind=kind, line=node.start_point[0])

    @cached_property
    def words(self) -> frozenset[bytes]:
        """The words and operators in it."""
        return frozenset(TOKEN.findall(self.text))

    def uses(self, words: frozenset[bytes] | None = None) -> Iterator[Use]:
        """What it mentions by one of these words, and perhaps more; everything where they are None."""
        text = self.kind.encode() + self.text
        within = Within(text, words) if words is not None else None
        without = "structure" if self.kind == "module M = " else ""
        for node, default in _begun(syntax_tree(text), self.kind):
            how: How = "apply" if default else "hold"
            for use in uses_of(node, how=how, without=without, within=within):
                yield use._replace(line=use.line + self.line, maybe=use.maybe or default)


class Bound(NamedTuple):
    """The value of a `let`: its parameters, what is behind them, whether it is a function, what runs with it."""

    heads: list[Node]
    inner: Node | None
    is_function: bool
    begun: list[Node]


def bound_by(binding: Node) -> Bound:
    """What a `let` binds."""
    body = binding.child_by_field_name("body")
    heads = [one for one in binding.named_children if one.type == "parameter"]
    inner = body
    while inner is not None and inner.type in ("fun_expression", "function_expression", "parenthesized_expression"):
        heads += [one for one in inner.named_children if one.type == "parameter"]
        if inner.type == "function_expression":
            break
        inner = inner.child_by_field_name("body") or inner.child_by_field_name("expression")
    is_function = bool(heads) or (body is not None and body.type == "function_expression")
    start = inner if is_function and inner is not None else body
    begun = start.named_children if start is not None and start.type == "function_expression" else [start]
    return Bound(heads, inner, is_function, [one for one in begun if one is not None])


def _begun(root: Node, kind: Kind) -> Iterator[tuple[Node, bool]]:
    """The expressions of a passage, each with whether it is the default of a parameter: run perhaps, and called."""
    first = _first(root, TYPES[kind]) if kind else root
    if first.type != "let_binding":
        yield first, False
        return
    bound = bound_by(first)
    yield from ((one, False) for one in bound.begun)
    yield from ((one, True) for head in bound.heads if (one := head.child_by_field_name("default")) is not None)


def _first(root: Node, kind: str) -> Node:
    """The first node of a kind, which the text begins with; the root where the parser made something else of it."""
    here: Node | None = root
    while here is not None and here.type != kind:
        here = next((one for one in here.named_children if one.type in OUTER or one.type == kind), None)
    return here or root


OUTER: Final = frozenset({"value_definition", "module_definition", "module_binding", "class_definition"})


@dataclass(frozen=True, kw_only=True)
class Item:
    """A definition: its name where it has one, its parameters' names, and where it says what it mentions.

    It `waits` for a call, with `arity` arguments besides optional ones, or runs with its module.
    """

    name: str = ""
    waits: bool = False
    arity: int = 0
    parameters: frozenset[str] = frozenset()
    passages: tuple[Passage, ...] = ()
    line: int = 0

    @cached_property
    def words(self) -> frozenset[bytes]:
        """The words and operators that stand in it."""
        every = [one.words for one in self.passages]
        return every[0] if len(every) == 1 else frozenset().union(*every)

    def says(self, words: Collection[bytes]) -> bool:
        """Whether one of these words or operators stands in it; most of what is asked does not begin to."""
        for one in self.passages:
            text = one.text
            for word in words:
                if word in text and word in one.words:
                    return True
        return False

    def uses(self, words: frozenset[bytes] | None = None) -> tuple[Use, ...]:
        """What it mentions by one of these words, and perhaps more; everything where they are None."""
        return tuple(
            use for one in self.passages if words is None or not words.isdisjoint(one.words) for use in one.uses(words)
        )

    @cached_property
    def of_parameters(self) -> tuple[Use, ...]:
        """What it does with its parameters."""
        found = self.uses(frozenset(one.encode() for one in self.parameters)) if self.parameters else ()
        return tuple(use for use in found if use.name in self.parameters)

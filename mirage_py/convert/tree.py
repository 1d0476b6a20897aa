"""OCaml as a `config.ml` uses it: expressions, patterns and definitions, each with the place it stands at.

A small tree of our own, whatever the parser's is: parentheses are gone, chains of one operator are flat, and what is
beyond a configuration is kept as `Unknown`, with the words to say so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from mirage_py.dataclass import dataclass, field

NEWLINE: Final = ord("\n")

Path = tuple[str, ...]
"""A name with the modules it is reached by: `Key.Arg.info` is ("Key", "Arg", "info")."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """Something of the file: its first line, counted from 1, and its bytes."""

    line: int
    start: int
    end: int


# ---------------------------------------------------------------------------------------------------------------------
# Expressions


@dataclass(frozen=True, kw_only=True, eq=False)
class Var(Node):
    """A value by its name."""

    path: Path


@dataclass(frozen=True, kw_only=True, eq=False)
class Str(Node):
    """A string; `parts` are its pieces as the file lays them out, one a line."""

    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True, kw_only=True, eq=False)
class Num(Node):
    """A number, without the letter that says how wide it is."""

    value: int | float


@dataclass(frozen=True, kw_only=True, eq=False)
class Bool(Node):
    """true or false."""

    value: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Unit(Node):
    """The value that says nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Constructor(Node):
    """A constructor or a polymorphic variant's tag, with what it was given."""

    path: Path
    argument: Expr | None = None
    tag: bool = False

    @property
    def name(self) -> str:
        return self.path[-1]


@dataclass(frozen=True, kw_only=True, eq=False)
class ListOf(Node):
    """A list of known length."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class TupleOf(Node):
    """A tuple."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Argument(Node):
    """An argument: positional without a label; `optional` was written with a question mark."""

    label: str | None
    value: Expr
    optional: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Apply(Node):
    """A function applied to arguments."""

    function: Expr
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain(Node):
    """Operands joined by one operator: `a $ b $ c` (grouped to the left) or `a ^ b ^ c` (to the right)."""

    operator: str
    operands: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Let(Node):
    """Definitions, one after the other, and what is made with them."""

    bindings: tuple[Binding, ...]
    body: Expr


@dataclass(frozen=True, kw_only=True, eq=False)
class Fun(Node):
    """A function of named parameters."""

    params: tuple[Param, ...]
    body: Expr


@dataclass(frozen=True, kw_only=True, eq=False)
class Match(Node):
    """Alternatives by pattern; without a subject it is a function of one argument; `handler` is `try`."""

    subject: Expr | None
    cases: tuple[Case, ...]
    handler: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class If(Node):
    """One of two values."""

    condition: Expr
    then: Expr
    otherwise: Expr | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequence(Node):
    """Expressions one after the other; the last is the value."""

    steps: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Open(Node):
    """An expression in which a module's names are visible."""

    module: Path
    body: Expr


@dataclass(frozen=True, kw_only=True, eq=False)
class LetModule(Node):
    """Definitions under a name, and what is made with them."""

    module: Module
    body: Expr


@dataclass(frozen=True, kw_only=True, eq=False)
class Record(Node):
    """A record of named fields; `base` is one of which it is a copy, with these fields changed."""

    fields: tuple[tuple[str, Expr], ...]
    base: Expr | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Field(Node):
    """A field of a record."""

    record: Expr
    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Object(Node):
    """An object: its methods by name (how devices were written before mirage 4)."""

    methods: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Assert(Node):
    """An assertion; `assert false` is what cannot happen."""

    condition: Expr


@dataclass(frozen=True, kw_only=True, eq=False)
class Unknown(Node):
    """OCaml beyond a configuration, in the words of its manual."""

    what: str


Expr = (
    Var
    | Str
    | Num
    | Bool
    | Unit
    | Constructor
    | ListOf
    | TupleOf
    | Apply
    | Chain
    | Let
    | Fun
    | Match
    | If
    | Sequence
    | Open
    | LetModule
    | Record
    | Field
    | Object
    | Assert
    | Unknown
)

# ---------------------------------------------------------------------------------------------------------------------
# Patterns


@dataclass(frozen=True, kw_only=True, eq=False)
class Name(Node):
    """A pattern that names what it meets; `type_` is what the file says of it."""

    name: str
    type_: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Anything(Node):
    """The pattern that takes everything."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Literal(Node):
    """A constant as a pattern: a string, a number, a boolean or None for unit."""

    value: str | float | bool | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Case_of(Node):  # noqa: N801  # "case of": a constructor as a pattern
    """A constructor or tag as a pattern."""

    name: str
    argument: Pattern | None = None
    tag: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Items(Node):
    """A list of known length, or a tuple, as a pattern."""

    items: tuple[Pattern, ...]
    tuple_: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Either(Node):
    """Alternative patterns."""

    alternatives: tuple[Pattern, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Longer(Node):
    """A list that begins with these; `rest` is what follows them."""

    heads: tuple[Pattern, ...]
    rest: Pattern


@dataclass(frozen=True, kw_only=True, eq=False)
class Fields(Node):
    """A record with some of its fields, as a pattern."""

    fields: tuple[tuple[str, Pattern], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Whole(Node):
    """A pattern, and a name for all that it meets."""

    pattern: Pattern
    name: Name


@dataclass(frozen=True, kw_only=True, eq=False)
class Strange(Node):
    """A pattern beyond a configuration."""

    what: str


Pattern = Name | Anything | Literal | Case_of | Items | Either | Longer | Fields | Whole | Strange


@dataclass(frozen=True, kw_only=True, eq=False)
class Param(Node):
    """A parameter of a function."""

    pattern: Pattern
    label: str | None = None
    optional: bool = False
    default: Expr | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Case(Node):
    """One alternative of a match."""

    pattern: Pattern
    body: Expr
    guard: Expr | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Binding(Node):
    """`let pattern = value`; `recursive` when the value may name itself; those of one `let` have one `group`."""

    pattern: Pattern
    value: Expr
    recursive: bool = False
    group: int = 0


# ---------------------------------------------------------------------------------------------------------------------
# Definitions


@dataclass(frozen=True, kw_only=True, eq=False)
class Define(Node):
    """Values defined together."""

    bindings: tuple[Binding, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluate(Node):
    """An expression on its own."""

    value: Expr


@dataclass(frozen=True, kw_only=True, eq=False)
class Variant(Node):
    """A type given by its constructors; `filled` are those that take an argument."""

    name: str
    constructors: tuple[str, ...]
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordType(Node):
    """A type given by its fields, each with its type as the file writes it."""

    name: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Synonym(Node):
    """Another name for a type."""

    name: str
    type_: str


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenModule(Node):
    """A module whose names are visible from here on; those that are included are the file's own too."""

    module: Path
    included: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Module(Node):
    """Definitions under a name."""

    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Alias(Node):
    """Another name for a module."""

    name: str
    module: Path


@dataclass(frozen=True, kw_only=True, eq=False)
class UnknownItem(Node):
    """A definition beyond a configuration."""

    what: str


Item = Define | Evaluate | Variant | RecordType | Synonym | OpenModule | Module | Alias | UnknownItem


def unopened(expr: Expr) -> Expr:
    """The expression within `Module.( ... )`: its names are bound already."""
    while isinstance(expr, Open):
        expr = expr.body
    return expr


def nodes(expr: Node) -> Iterator[Node]:
    """A node and all below it."""
    stack: list[object] = [expr]
    while stack:
        one = stack.pop()
        if isinstance(one, Node):
            yield one
            stack += vars(one).values()
        elif isinstance(one, tuple):
            stack += one


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment without its marks; `own_line` when nothing but blanks stands before it on its line."""

    line: int
    last_line: int
    start: int
    end: int
    lines: tuple[str, ...]
    own_line: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """A parsed file."""

    file: str
    text: bytes
    items: tuple[Item, ...]
    comments: tuple[Comment, ...] = field(default=())

    def nodes(self) -> Iterator[Node]:
        """Every node of the file, one definition after the other."""
        for item in self.items:
            yield from nodes(item)

    def excerpt(self, node: Node) -> str:
        """The OCaml of a node, as it stands in the file."""
        return self.text[node.start : node.end].decode("utf-8", "replace")

    def line_of(self, position: int) -> int:
        """The line of a byte."""
        return bisect_left(self._ends, position) + 1

    @cached_property
    def _ends(self) -> list[int]:
        """Where each line ends."""
        return [place for place, byte in enumerate(self.text) if byte == NEWLINE]

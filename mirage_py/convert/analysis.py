"""What is known of a `config.ml`: what each name stands for, which type each expression has, what a call is given."""

from __future__ import annotations

from mirage_py.convert import tree as t
from mirage_py.convert.catalogue import Entry
from mirage_py.convert.dialect import Release
from mirage_py.convert.ocaml_types import Arrow, Con, Type, Unknown_, resolved, signature
from mirage_py.convert.scope import Local, Symbol
from mirage_py.dataclass import dataclass, field

MOST_SYNONYMS = 20
"""Names of types that stand for others, one after the other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Call:
    """How a function's parameters were met: the pairs in the order of the parameters, and what is still wanted."""

    met: tuple[tuple[Arrow, t.Argument], ...]
    wanted: tuple[Arrow, ...]
    beyond: tuple[t.Argument, ...] = ()


@dataclass(kw_only=True)
class Analysis:
    """What was found out about each node of a file."""

    release: Release
    lowest: Release
    symbols: dict[t.Var, Symbol] = field(default_factory=dict)
    types: dict[t.Node, Type] = field(default_factory=dict)
    calls: dict[t.Apply, Call] = field(default_factory=dict)
    locals: dict[t.Node, Local] = field(default_factory=dict)
    variants: dict[t.Node, str] = field(default_factory=dict)
    constructors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tagged: set[str] = field(default_factory=set)
    """The file's own types of which a constructor takes an argument."""
    records: dict[str, t.RecordType] = field(default_factory=dict)
    """The file's own records; the last one that has a field is meant by it."""
    synonyms: dict[str, str] = field(default_factory=dict)
    record_of: dict[t.Node, str] = field(default_factory=dict)

    def written(self, text: str) -> Type | None:
        """The type that the file writes; None for one with variables, objects or tags."""
        if set(text) & set("'<[`"):
            return None
        return self._own(signature(" ".join(text.split())), depth=0)

    def _own(self, type_: Type, depth: int) -> Type | None:
        type_ = resolved(type_)
        if isinstance(type_, Arrow):
            param, result = self._own(type_.param, depth), self._own(type_.result, depth)
            return None if param is None or result is None else Arrow(param, result, type_.label, type_.optional)
        if not isinstance(type_, Con):
            return None
        if type_.name in self.synonyms and depth < MOST_SYNONYMS:
            text = self.synonyms[type_.name]
            return None if set(text) & set("'<[`") else self._own(signature(" ".join(text.split())), depth + 1)
        args = tuple(self._own(one, depth) for one in type_.args)
        if type_.name in self.records:
            return Con(f"record {type_.name}")
        if type_.name in self.constructors and depth == 0 and not type_.args:
            return self.variant(type_.name)
        return None if None in args else Con(type_.name, tuple(one for one in args if one is not None))

    def variant(self, own: str) -> Type:
        """The type of the file's own that has constructors."""
        return Con(f"{'tagged' if own in self.tagged else 'variant'} {own}")

    def type_of(self, node: t.Node) -> Type:
        return resolved(self.types[node]) if node in self.types else Unknown_(0)

    def symbol(self, expr: t.Expr) -> Symbol | None:
        """What an expression names, if it is a name."""
        return self.symbols.get(expr) if isinstance(expr, t.Var) else None

    def entry(self, expr: t.Expr) -> str:
        """The catalogue's name of an expression, or nothing."""
        expr = t.unopened(expr)
        found = self.symbol(expr)
        return found.name if isinstance(found, Entry) else ""

    def followed(self, expr: t.Expr) -> t.Expr:
        """What an expression was defined as, through names that stand for values."""
        expr = t.unopened(expr)
        while isinstance(found := self.symbol(expr), Local) and found.value is not None:
            expr = t.unopened(found.value)
        return expr

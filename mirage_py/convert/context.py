"""What the parts of the walk share: the analysis, the statements made so far, and small questions about types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mirage_py.convert import tree as t
from mirage_py.convert.analysis import Analysis
from mirage_py.convert.catalogue import GONE_TYPES
from mirage_py.convert.dialect import Dialect
from mirage_py.convert.ocaml_types import Con, Type, impl_type, resolved
from mirage_py.convert.python import AnyStatement, Do, PyExpr, Ref
from mirage_py.convert.report import Report
from mirage_py.convert.scope import Local
from mirage_py.dataclass import dataclass, field

RESULT_TYPES = frozenset(("info_of_key", "conv", "arg", "env", "code", "pos", "info", "device", "ipv4_config"))
"""Types whose values exist while OCaml runs only: they are followed to where they are used."""


@dataclass(kw_only=True)
class Context:
    """The state of a walk over one file."""

    source: t.Source
    analysis: Analysis
    dialect: Dialect
    report: Report
    emit: Callable[[t.Expr], PyExpr]
    way: Callable[[t.Expr], PyExpr | None]
    """As `emit`, for one way of several: what it says comes to no end, or gives no value, where it is None."""
    statements: list[AnyStatement] = field(default_factory=list)
    inlined: dict[Local, t.Expr] = field(default_factory=dict)
    replaced: dict[Local, PyExpr] = field(default_factory=dict)
    boot_keys: dict[Local, str] = field(default_factory=dict)
    """Keys that were boot options as well -> the OCaml module of the unikernel that reads them."""
    register_extras: dict[str, t.Expr] = field(default_factory=dict)
    """What a `register` of before 4.5 passes to every job: packages and keys."""
    classes: dict[str, Local] = field(default_factory=dict)
    """The file's own records -> their classes."""
    owner: str = ""
    """The name of the definition that is being converted, for names made up within it."""
    eyeballs: dict[Local, PyExpr] = field(default_factory=dict)
    """DNS clients of before 4.6 -> the happy eyeballs that come before them now."""

    def calls_of(self, *names: str) -> Iterator[t.Apply]:
        """The calls of functions of the catalogue by their names, wherever in the file they stand."""
        for node in self.source.nodes():
            if isinstance(node, t.Apply) and self.analysis.entry(node.function) in names:
                yield node

    @property
    def gone(self) -> frozenset[str]:
        """Module types that are none any more."""
        kept = () if self.dialect.before(4, 9) else ("random",)
        return frozenset(GONE_TYPES.keys() - kept)

    def is_gone(self, type_: Type) -> str | None:
        """The name of a module type that is none any more, when this is (perhaps) an implementation of it."""
        type_ = resolved(type_)
        if isinstance(type_, Con) and type_.name == "option":
            type_ = resolved(type_.args[0])
        return self.gone_name(impl_type(type_))

    def gone_name(self, type_: Type | None) -> str | None:
        """The name of a module type, when it is none any more."""
        type_ = None if type_ is None else resolved(type_)
        return type_.name if isinstance(type_, Con) and type_.name in self.gone and not type_.args else None

    def is_gone_value(self, expr: t.Expr) -> str | None:
        """As `is_gone`, for an expression."""
        return self.is_gone(self.analysis.type_of(t.unopened(expr)))

    def is_symbolic(self, type_: Type) -> bool:
        """Whether values of a type are followed instead of written down."""
        type_ = resolved(type_)
        return isinstance(type_, Con) and type_.name in RESULT_TYPES

    @contextmanager
    def block(self) -> Iterator[list[AnyStatement]]:
        """A list of statements of their own, within a function."""
        outer, self.statements = self.statements, []
        try:
            yield self.statements
        finally:
            self.statements = outer

    def say(self, expr: PyExpr) -> None:
        """An expression as a statement of its own."""
        self.statements.append(Do(line=expr.line, value=expr))

    def ref(self, local: Local, line: int) -> PyExpr:
        """A name that the file defines, as Python has it."""
        if local in self.replaced:
            return self.replaced[local]
        if local in self.inlined:
            return self.emit(self.inlined[local])
        return Ref(line=line, local=local)

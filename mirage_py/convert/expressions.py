"""Expressions of a `config.ml` in Python: for what they are, and for what they do.

What binds names within them is the walk's, which is handed in.
"""

from __future__ import annotations

from collections.abc import Callable

from mirage_py.convert import tree as t
from mirage_py.convert.annotations import annotation
from mirage_py.convert.calls import FAILURES, Calls
from mirage_py.convert.comments import Comments
from mirage_py.convert.context import Context
from mirage_py.convert.handlers import attempted
from mirage_py.convert.names import python_name
from mirage_py.convert.ocaml_types import Arrow, Con, Type
from mirage_py.convert.patterns import alternatives, decided, matched, meeting, returned
from mirage_py.convert.python import (
    Annotation,
    Anonymous,
    AnyStatement,
    Attribute,
    Called,
    Constant,
    Define,
    Do,
    Joined,
    Listed,
    Not,
    Parameter,
    PyExpr,
    Raise,
    Ref,
    Spread,
    Text,
    When,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local, Missing

_COMPARISONS = {"=": "==", "==": "==", "<>": "!=", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_LOGIC = {"&&": "and", "||": "or"}
_DIVISIONS = {"/": "//", "/.": "/", "mod": "%"}


class Expressions:
    """The expressions of one configuration: `emit` gives their values, `perform` what they do."""

    def __init__(
        self,
        context: Context,
        comments: Comments,
        *,
        bind: Callable[[t.Binding], None],
        define: Callable[[t.Item], None],
    ) -> None:
        self._c = context
        self._comments = comments
        self._bind, self._define = bind, define
        context.emit = self.emit
        context.way = self.way
        self.calls = Calls(context, self._function_value)

    def _typed(self, type_: Type) -> Annotation:
        return annotation(type_, self._c.gone)

    def perform(self, expr: t.Expr) -> None:  # noqa: C901  # one case for each form of expression
        """An expression for what it does."""
        expr = t.unopened(expr)
        match expr:
            case t.Let():
                for binding in expr.bindings:
                    self._bind(binding)
                self.perform(expr.body)
            case t.LetModule():
                self._bind_module(expr.module)
                self.perform(expr.body)
            case t.Sequence():
                for step in expr.steps:
                    self.perform(step)
            case t.Unit():
                return
            case t.If() if self.calls.if_(expr) is None:
                self._choose(expr, self.perform)
            case t.Match() if expr.subject is not None:
                (attempted if expr.handler else matched)(self._c, expr, self.perform)
            case t.Assert() if not _is_false(expr.condition):
                self._ensure(expr)
            case t.Apply() if self._c.analysis.entry(expr.function) == "ignore":
                self.perform(expr.arguments[0].value)
            case t.Apply() if self.calls.performed(expr, self.perform):
                return
            case _:
                done = self.way(expr)
                if done is not None and not isinstance(done, (Constant, Ref, Text, Listed)):
                    self._c.statements.append(Do(line=expr.line, value=done))

    def _bind_module(self, module: t.Module) -> None:
        """The definitions of a module that is known within an expression only."""
        for item in module.items:
            self._define(item)

    def way(self, expr: t.Expr) -> PyExpr | None:  # noqa: C901  # one case for each form of expression
        """As `emit`; None for what comes to no end: a failure."""
        expr = t.unopened(expr)
        match expr:
            case t.Let():
                for binding in expr.bindings:
                    self._bind(binding)
                return self.way(expr.body)
            case t.LetModule():
                self._bind_module(expr.module)
                return self.way(expr.body)
            case t.Sequence():
                for step in expr.steps[:-1]:
                    self.perform(step)
                return self.way(expr.steps[-1])
            case t.Match() if expr.subject is not None and expr.handler:
                made = self.calls.handled(expr)
                return made if made is not None else attempted(self._c, expr, self.way)
            case t.Match() if expr.subject is not None:
                return matched(self._c, expr, self.way)
            case t.If():
                return self._if(expr)
            case t.Assert() if not _is_false(expr.condition):
                self._ensure(expr)
                return Constant(line=expr.line, value=None)
            case t.Assert():
                return self._fail(expr, Text(line=expr.line, parts=(_CANNOT_BE,)))
            case t.Apply() if self._c.analysis.entry(expr.function) in FAILURES and expr.arguments:
                return self._fail(expr, self.calls.reason(expr))
            case _:
                return self.emit(expr)

    def _ensure(self, expr: t.Assert) -> None:
        """An assertion: it fails where its condition does not hold."""
        failed: list[AnyStatement] = [Raise(line=expr.line, message=Text(line=expr.line, parts=(_CANNOT_BE,)))]
        condition = Not(line=expr.line, value=self.emit(expr.condition))
        self._c.statements.append(When(line=expr.line, condition=condition, then=failed, otherwise=[]))

    def _fail(self, expr: t.Expr, message: PyExpr) -> PyExpr | None:
        self._c.statements.append(Raise(line=expr.line, message=message))
        return None

    def emit(self, expr: t.Expr) -> PyExpr:  # noqa: C901  # one case for each form of expression
        """An expression in Python; statements that it needs come before it."""
        match expr:
            case t.Var():
                return self._variable(expr)
            case t.Str():
                return Text(line=expr.line, parts=expr.parts)
            case t.Num() | t.Bool():
                return Constant(line=expr.line, value=expr.value)
            case t.Unit():
                return Constant(line=expr.line, value=None)
            case t.Constructor():
                return self.calls.constructor(expr)
            case t.ListOf():
                remarks = self._comments.of_items(expr)
                return Listed(line=expr.line, items=tuple(map(self.emit, expr.items)), remarks=remarks)
            case t.TupleOf():
                return Listed(line=expr.line, items=tuple(map(self.emit, expr.items)), tuple_=True)
            case t.Apply():
                return self.calls.apply(expr)
            case t.Chain():
                return self._chain(expr)
            case t.Fun():
                return self._fun(expr)
            case t.Match() if expr.subject is None:
                return self._fun(expr)
            case t.Let() | t.LetModule() | t.Match() | t.If() | t.Sequence():
                made = self.way(expr)
                if made is None:
                    raise CannotConvert(expr, "a failure where a value is wanted")
                return made
            case t.Open():
                return self.emit(expr.body)
            case t.Record() if expr in self._c.analysis.record_of:
                return self._record(expr)
            case t.Field():
                return Attribute(line=expr.line, value=self.emit(expr.record), name=python_name(expr.name))
            case t.Unknown():
                raise CannotConvert(expr, f"{expr.what} has no counterpart here")
            case _:
                raise CannotConvert(expr, f"{_WORDS[type(expr)]} here")

    def _variable(self, expr: t.Var) -> PyExpr:
        found = self._c.analysis.symbols[expr]
        match found:
            case Local():
                if found.value is not None and self._c.is_symbolic(found.type):
                    return self.emit(found.value)
                return self._c.ref(found, expr.line)
            case Missing():
                raise CannotConvert(expr, _unknown_name(expr.path))
            case _:
                return self.calls.name(found, expr)

    def _chain(self, expr: t.Chain) -> PyExpr:
        match expr.operator:
            case "$":
                return self.calls.functor(expr)
            case "@->":
                return self.calls.arrow(expr)
            case "^":
                return self.calls.text(expr)
            case "::":
                return self._cons(expr)
            case "@":
                spread = tuple(self._spread(one) for one in expr.operands)
                return Listed(line=expr.line, items=tuple(item for items in spread for item in items))
            case operator if operator in _LOGIC:
                return self._logic(expr, _LOGIC[operator])
            case operator if operator in _COMPARISONS:
                return self.calls.compare(expr, _COMPARISONS[operator])
            case "+" | "-" | "*":
                return Joined(line=expr.line, operator=expr.operator, operands=tuple(map(self.emit, expr.operands)))
            case operator if operator in _DIVISIONS:
                operands = tuple(map(self.emit, expr.operands))
                return Joined(line=expr.line, operator=_DIVISIONS[operator], operands=operands)
            case _:
                raise CannotConvert(expr, f"the operator {expr.operator}")

    def _logic(self, expr: t.Chain, operator: str) -> PyExpr:
        return Joined(line=expr.line, operator=operator, operands=tuple(map(self.emit, expr.operands)))

    def _cons(self, expr: t.Chain) -> PyExpr:
        *heads, tail = expr.operands
        items = (*map(self.emit, heads), *self._spread(tail))
        return Listed(line=expr.line, items=items)

    def _spread(self, expr: t.Expr) -> tuple[PyExpr, ...]:
        made = self.emit(expr)
        if isinstance(made, Listed) and not any(made.remarks):
            return made.items
        return (Spread(line=expr.line, value=made),)

    def _record(self, expr: t.Record) -> PyExpr:
        fields = tuple((python_name(name), self.emit(value)) for name, value in expr.fields)
        if expr.base is not None:
            changed = Attribute(line=expr.line, value=self.emit(expr.base), name="_replace")
            return Called(line=expr.line, function=changed, keywords=fields)
        made = Ref(line=expr.line, local=self._c.classes[self._c.analysis.record_of[expr]])
        return Called(line=expr.line, function=made, keywords=fields)

    def _fun(self, expr: t.Fun | t.Match) -> PyExpr:
        made = self._function_value(expr)
        if made is None:
            raise CannotConvert(expr, "a function with such parameters, used as a value")
        return Anonymous(line=expr.line, params=made[0], body=made[1])

    def _if(self, expr: t.If) -> PyExpr | None:
        special = self.calls.if_(expr)
        return special if special is not None else self._choose(expr, self.way)

    def _choose(self, expr: t.If, way: Callable[[t.Expr], PyExpr | None]) -> PyExpr | None:
        condition, other = self.emit(expr.condition), expr.otherwise
        nothing: PyExpr = Constant(line=expr.line, value=None)
        return decided(
            self._c,
            expr,
            condition,
            lambda: way(expr.then),
            lambda: way(other) if other is not None else None if way == self.perform else nothing,
        )

    # -----------------------------------------------------------------------------------------------------------------
    # Functions that are written where they are used

    def _function_value(self, expr: t.Expr, unpacked: bool = False) -> tuple[tuple[Local, ...], PyExpr] | None:
        """The parameters and the body of a function written where it is used."""
        expr = t.unopened(expr)
        if isinstance(expr, t.Match) and expr.subject is None:
            return self._cases_value(expr)
        if not isinstance(expr, t.Fun) or any(param.label for param in expr.params):
            return None
        last = t.unopened(expr.body)
        if isinstance(last, t.Match) and last.subject is None:
            inner, value = self._cases_value(last)
            return (*self._value_params(expr, unpacked=False), *inner), value
        names = self._value_params(expr, unpacked=unpacked)
        with self._c.block() as body:
            made = self.way(expr.body)
        return self._as_value(expr, names, body, made)

    def _value_params(self, expr: t.Fun, *, unpacked: bool) -> tuple[Local, ...]:
        first = expr.params[0].pattern
        if unpacked and len(expr.params) == 1 and isinstance(first, t.Items) and first.tuple_:
            return tuple(self._part(one) for one in first.items)
        wanted = [param for param in expr.params if not _is_unit(param.pattern)]
        return tuple(self._value_param(param) for param in wanted)

    def _part(self, pattern: t.Pattern) -> Local:
        if isinstance(pattern, t.Name):
            return self._c.analysis.locals[pattern]
        local = Local(name="_" if isinstance(pattern, t.Anything) else "given", line=pattern.line, type=Con("any"))
        self._c.replaced |= meeting(self._c, pattern, Ref(line=pattern.line, local=local)).names
        return local

    def _value_param(self, param: t.Param) -> Local:
        return self._part(param.pattern)

    def _cases_value(self, expr: t.Match) -> tuple[tuple[Local, ...], PyExpr]:
        arrow = self._c.analysis.type_of(expr)
        given = Local(name="value", line=expr.line, type=arrow.param if isinstance(arrow, Arrow) else Con("any"))
        with self._c.block() as body:
            made = alternatives(self._c, expr, Ref(line=expr.line, local=given), self.way)
        return self._as_value(expr, (given,), body, made)

    def _as_value(
        self, expr: t.Expr, names: tuple[Local, ...], body: list[AnyStatement], made: PyExpr | None
    ) -> tuple[tuple[Local, ...], PyExpr]:
        """Parameters and an expression; where there are statements, they become a function that it calls."""
        if made is not None and not body:
            return names, made
        returned(body, made)
        function = Local(name="step", line=expr.line, type=Con("function"), top=False)
        params = tuple(Parameter(local=one, annotation=self._typed(one.type)) for one in names)
        type_ = self._c.analysis.type_of(expr.body if isinstance(expr, t.Fun) else expr)
        returns = self._typed(type_.result if isinstance(type_, Arrow) and isinstance(expr, t.Match) else type_)
        self._c.statements.append(
            Define(line=expr.line, name=function, params=params, returns=returns, body=body),
        )
        fresh = tuple(Local(name=one.name, line=one.line, type=one.type) for one in names)
        args: tuple[PyExpr, ...] = tuple(Ref(line=expr.line, local=one) for one in fresh)
        return fresh, Called(line=expr.line, function=Ref(line=expr.line, local=function), args=args)


_WORDS = {t.Record: "a record", t.Object: "an object", t.Assert: "an assertion"}
_CANNOT_BE = "this cannot be"


def _is_false(condition: t.Expr) -> bool:
    return isinstance(condition, t.Bool) and not condition.value


def _is_unit(pattern: t.Pattern) -> bool:
    return isinstance(pattern, t.Literal) and pattern.value is None


def _unknown_name(path: t.Path) -> str:
    name = ".".join(path)
    if len(path) > 1 and path[0] not in ("Key", "Arg", "Runtime_arg", "List", "String", "Fmt", "Mirage", "Ipaddr"):
        return f"{name} is of a module that is not read here: config.ml is read alone"
    return f"{name} is no name of a release that is known here"

"""`match ... with` as Python's conditional expressions."""

from __future__ import annotations

from mirage_py.convert import tree as t
from mirage_py.convert.context import Context
from mirage_py.convert.python import Assign, Choice, Constant, Joined, PyExpr, Ref, Text
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local
from mirage_py.convert.words import word_of


def matched(context: Context, expr: t.Match) -> PyExpr:
    """The alternatives of a match, tried one after the other."""
    if expr.subject is None:
        raise CannotConvert(expr, "a function by cases, used as a value")
    subject = context.emit(expr.subject)
    if not isinstance(subject, Ref):
        local = Local(name="chosen", line=expr.line, type=context.analysis.type_of(expr.subject))
        context.statements.append(Assign(line=expr.line, targets=(local,), value=subject))
        subject = Ref(line=expr.line, local=local)
    return _alternatives(context, expr, expr.cases, subject)


def cases_of(context: Context, expr: t.Match, subject: PyExpr) -> PyExpr:
    """The alternatives of a function by cases, for the parameter that it takes."""
    return _alternatives(context, expr, expr.cases, subject)


def _alternatives(context: Context, expr: t.Match, cases: tuple[t.Case, ...], subject: PyExpr) -> PyExpr:
    case, rest = cases[0], cases[1:]
    if case.guard is not None:
        raise CannotConvert(case.guard, "a guard of a match")
    condition = _condition(case.pattern, subject)
    if isinstance(case.pattern, t.Name):
        context.replaced[context.analysis.locals[case.pattern]] = subject
    inner = case.pattern.argument if isinstance(case.pattern, t.Case_of) else None
    if isinstance(inner, t.Name):
        context.replaced[context.analysis.locals[inner]] = subject
    then = context.emit(case.body)
    rest = tuple(one for one in rest if not _cannot_happen(one.body))
    if condition is None or not rest:
        return then
    return Choice(line=case.line, condition=condition, then=then, otherwise=_alternatives(context, expr, rest, subject))


def _cannot_happen(body: t.Expr) -> bool:
    return isinstance(body, t.Assert) and isinstance(body.condition, t.Bool) and not body.condition.value


def _condition(pattern: t.Pattern, subject: PyExpr) -> PyExpr | None:  # noqa: C901  # one case for each form
    """Whether the subject is what the pattern wants; None where it always is."""
    line = pattern.line
    match pattern:
        case t.Anything() | t.Name():
            return None
        case t.Literal(value=None):
            return None
        case t.Literal(value=bool() as value):
            return (
                subject
                if value
                else Joined(line=line, operator="is", operands=(subject, Constant(line=line, value=False)))
            )
        case t.Literal(value=str() as value):
            return _equals(subject, Text(line=line, parts=(value,)))
        case t.Literal(value=(int() | float()) as value):
            return _equals(subject, Constant(line=line, value=value))
        case t.Case_of(name="None"):
            return Joined(line=line, operator="is", operands=(subject, Constant(line=line, value=None)))
        case t.Case_of(name="Some", argument=t.Name() | t.Anything()):
            return Joined(line=line, operator="is not", operands=(subject, Constant(line=line, value=None)))
        case t.Case_of(argument=None):
            return _equals(subject, Text(line=line, parts=(word_of(pattern.name, tag=pattern.tag),)))
        case t.Either():
            conditions = [_condition(one, subject) for one in pattern.alternatives]
            if None in conditions:
                return None
            return Joined(line=line, operator="or", operands=tuple(one for one in conditions if one is not None))
        case _:
            raise CannotConvert(pattern, "this pattern of a match")


def _equals(left: PyExpr, right: PyExpr) -> PyExpr:
    return Joined(line=left.line, operator="==", operands=(left, right))

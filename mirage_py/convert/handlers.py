"""Handlers of exceptions: OCaml's `try`, as an expression with a default where Python has one, else as `try`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mirage_py.convert import tree as t
from mirage_py.convert.context import Context
from mirage_py.convert.lists import Lists
from mirage_py.convert.python import AnyStatement, Assign, Attempt, Attribute, Called, Handler, Imported, PyExpr, Ref
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local

_EXCEPTIONS: Final = {
    "Not_found": ("LookupError", "StopIteration"),
    "Failure": ("ValueError", "LookupError"),
    "Invalid_argument": ("ValueError", "LookupError"),
    "Division_by_zero": ("ZeroDivisionError",),
}
"""What OCaml's library raises -> what Python may raise in its place."""

_RAISED: Final = {
    **dict.fromkeys(("Sys.getenv", "Unix.getenv", "List.assoc"), ("Not_found", "KeyError")),
    "List.find": ("Not_found", "StopIteration"),
    **dict.fromkeys(("int_of_string", "failwith"), ("Failure", "ValueError")),
    **dict.fromkeys(("List.hd", "List.nth"), ("Failure", "IndexError")),
    "invalid_arg": ("Invalid_argument", "ValueError"),
}
"""Functions that raise an exception -> which one, and what Python raises in its place."""

_OPTIONAL = {"List.assoc": "List.assoc_opt", "List.find": "List.find_opt"}


def with_default(context: Context, lists: Lists, expr: t.Match) -> PyExpr | None:
    """`try Sys.getenv "X" with Not_found -> d` and its like, as a call that is given `d`; None for another `try`."""
    asked, otherwise = t.unopened(expr.subject) if expr.subject is not None else None, _on_not_found(expr)
    if not isinstance(asked, t.Apply) or otherwise is None:
        return None
    entry = context.analysis.entry(asked.function)
    if entry in ("Sys.getenv", "Unix.getenv"):
        line = expr.line
        get = Attribute(line=line, value=Imported(line=line, name="environ", module="os"), name="get")
        args = (context.emit(asked.arguments[0].value), context.emit(otherwise))
        return Called(line=line, function=get, args=args)
    name = _OPTIONAL.get(entry)
    made = lists.call(name, [one.value for one in asked.arguments], asked) if name else None
    if isinstance(made, Called):  # get and next take what is given where nothing is found
        return Called(line=expr.line, function=made.function, args=(*made.args[:1], context.emit(otherwise)))
    return None


def _on_not_found(expr: t.Match) -> t.Expr | None:
    """What stands for what was not found, when that is all that is handled and is a plain value."""
    if len(expr.cases) != 1 or not isinstance(t.unopened(expr.cases[0].body), _PLAIN):
        return None
    pattern = expr.cases[0].pattern
    fits = isinstance(pattern, t.Anything) or (isinstance(pattern, t.Case_of) and pattern.name == "Not_found")
    return expr.cases[0].body if fits else None


_PLAIN = (t.Str, t.Num, t.Bool, t.Var, t.Constructor, t.ListOf)


def attempted(context: Context, expr: t.Match, way: Callable[[t.Expr], PyExpr | None]) -> PyExpr | None:
    """A `try` as Python's; `CannotConvert` where what is handled has no counterpart."""
    assert expr.subject is not None
    own = next((one for one in t.nodes(expr.subject) if _raises_itself(context, one)), None)
    if own is not None:
        raise CannotConvert(own, "an exception that is raised and handled here")
    result = Local(name="chosen", line=expr.line, type=context.analysis.type_of(expr))
    body, ends = _way(context, expr.subject, result, way)
    handlers = []
    for case in expr.cases:
        done, ends_too = _way(context, case.body, result, way)
        handlers.append(Handler(exceptions=_caught(context, case, expr.subject), body=done))
        ends = ends or ends_too
    made = Attempt(line=expr.line, body=body, handlers=tuple(handlers), result=result if ends else None)
    context.statements.append(made)
    return Ref(line=expr.line, local=result) if ends else None


def _way(
    context: Context, expr: t.Expr, result: Local, way: Callable[[t.Expr], PyExpr | None]
) -> tuple[list[AnyStatement], bool]:
    with context.block() as body:
        value = way(expr)
        if value is not None:
            context.statements.append(Assign(line=value.line, targets=(result,), value=value))
    return body, value is not None


def _raises_itself(context: Context, node: t.Node) -> bool:
    return isinstance(node, t.Apply) and context.analysis.entry(node.function) == "raise"


def _caught(context: Context, case: t.Case, subject: t.Expr) -> tuple[str, ...]:
    """The exceptions of Python that a case is for."""
    pattern = case.pattern
    alternatives = pattern.alternatives if isinstance(pattern, t.Either) else (pattern,)
    if case.guard is not None:
        raise CannotConvert(case, "a handler with a condition")
    found: list[str] = []
    for one in alternatives:
        named = one.argument if isinstance(one, t.Case_of) else one
        if isinstance(named, t.Name) and context.analysis.locals[named].uses:
            raise CannotConvert(one, "a handler that looks at the exception")
        if isinstance(one, (t.Anything, t.Name)):
            return ("Exception",)
        if not isinstance(one, t.Case_of) or one.name not in _EXCEPTIONS:
            raise CannotConvert(one, "a handler of this exception")
        found += _raised(context, subject, one.name) or _EXCEPTIONS[one.name]
    return tuple(dict.fromkeys(found))


def _raised(context: Context, subject: t.Expr, exception: str) -> list[str]:
    """What Python raises in place of an exception, where functions that raise it are called by name."""
    entries = [context.analysis.entry(node) for node in t.nodes(subject) if isinstance(node, t.Var)]
    return sorted({_RAISED[one][1] for one in entries if one in _RAISED and _RAISED[one][0] == exception})

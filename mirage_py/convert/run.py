"""Python as code that runs in place of a config.py, each line at that of the OCaml file that it came from."""

from __future__ import annotations

import ast
from types import CodeType
from typing import Any

from mirage_py.convert.names import imports
from mirage_py.convert.python import (
    Anonymous,
    AnyStatement,
    Assign,
    Attribute,
    Builtin,
    Called,
    Choice,
    Constant,
    Define,
    Do,
    Each,
    Formatted,
    Imported,
    Item,
    Joined,
    Listed,
    Mapped,
    Not,
    PyExpr,
    Ref,
    Return,
    Spread,
    Text,
)

_PLACED = (ast.stmt, ast.expr, ast.arg, ast.keyword, ast.alias, ast.excepthandler)
"""Nodes that have a line."""


def compiled(statements: list[AnyStatement], file: str) -> CodeType:
    """The statements as code of the OCaml file."""
    body: list[ast.stmt] = [
        ast.ImportFrom(module=module, names=[ast.alias(name=name) for name in sorted(names)], level=0)
        for module, names in imports(statements).items()
        if module not in ("typing", "mirage_py.types")
    ]
    for statement in statements:
        body += _statement(statement)
    module = ast.Module(body=body, type_ignores=[])
    for node in ast.walk(module):
        if isinstance(node, _PLACED) and not hasattr(node, "lineno"):
            _place(node, 1)
    return compile(module, file, "exec", dont_inherit=True)


def _place(node: Any, line: int) -> Any:  # any: whichever node it is, it comes back
    node.lineno = node.end_lineno = max(line, 1)
    node.col_offset = node.end_col_offset = 0
    return node


def _statement(statement: AnyStatement) -> list[ast.stmt]:
    match statement:
        case Assign():
            names: list[ast.expr] = [
                _place(ast.Name(id=str(one.python) if one else "_", ctx=ast.Store()), statement.line)
                for one in statement.targets
            ]
            target = names[0] if len(names) == 1 else _place(ast.Tuple(elts=names, ctx=ast.Store()), statement.line)
            return [_place(ast.Assign(targets=[target], value=_expr(statement.value)), statement.line)]
        case Define():
            return [_define(statement)]
        case Return():
            return [_place(ast.Return(value=_expr(statement.value)), statement.line)]
        case Do():
            value: Any = statement.value
            return [] if value is None else [_place(ast.Expr(value=_expr(value)), statement.line)]
        case _:
            return []


def _define(statement: Define) -> ast.stmt:
    positional = [param for param in statement.params if not param.keyword]
    named = [param for param in statement.params if param.keyword]
    line = statement.line
    args = ast.arguments(
        posonlyargs=[],
        args=[_place(ast.arg(arg=str(one.local.python)), line) for one in positional],
        defaults=[_expr(one.default) for one in positional if one.default is not None],
        kwonlyargs=[_place(ast.arg(arg=str(one.local.python)), line) for one in named],
        kw_defaults=[None if one.default is None else _expr(one.default) for one in named],
    )
    body = [made for inner in statement.body for made in _statement(inner)]
    made = ast.FunctionDef(name=str(statement.name.python), args=args, body=body, decorator_list=[])
    return _place(made, line)  # type: ignore[no-any-return]  # it comes back


_OPERATORS: dict[str, type[ast.operator]] = {
    ">>": ast.RShift,
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "//": ast.FloorDiv,
}
_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    ">": ast.Gt,
    "<=": ast.LtE,
    ">=": ast.GtE,
    "is": ast.Is,
    "is not": ast.IsNot,
}


def _expr(expr: PyExpr) -> ast.expr:
    return _place(_made(expr), expr.line)  # type: ignore[no-any-return]  # it comes back


def _name(name: str) -> ast.expr:
    return ast.Name(id=name, ctx=ast.Load())


def _made(expr: PyExpr) -> ast.expr:  # noqa: C901  # one case for each form of expression
    match expr:
        case Ref():
            return _name(str(expr.local.python))
        case Imported() | Builtin():
            return _name(expr.name)
        case Attribute():
            return ast.Attribute(value=_expr(expr.value), attr=expr.name, ctx=ast.Load())
        case Called():
            keywords = [_place(ast.keyword(arg=name, value=_expr(value)), value.line) for name, value in expr.keywords]
            return ast.Call(func=_expr(expr.function), args=[_expr(arg) for arg in expr.args], keywords=keywords)
        case Text():
            return ast.Constant(value=expr.text)
        case Constant():
            return ast.Constant(value=expr.value)
        case Formatted():
            return ast.JoinedStr(values=[_piece(piece, expr.line) for part in expr.parts for piece in part])
        case Listed():
            items = [_expr(item) for item in expr.items]
            return ast.Tuple(elts=items, ctx=ast.Load()) if expr.tuple_ else ast.List(elts=items, ctx=ast.Load())
        case Mapped():
            keys, values = [_expr(key) for key, _ in expr.items], [_expr(value) for _, value in expr.items]
            return ast.Dict(keys=list(keys), values=values)
        case Joined():
            return _joined(expr)
        case Not():
            return ast.UnaryOp(op=ast.Not(), operand=_expr(expr.value))
        case Choice():
            return ast.IfExp(test=_expr(expr.condition), body=_expr(expr.then), orelse=_expr(expr.otherwise))
        case Anonymous():
            args = [_place(ast.arg(arg=str(one.python)), expr.line) for one in expr.params]
            empty = ast.arguments(posonlyargs=[], args=args, defaults=[], kwonlyargs=[], kw_defaults=[])
            return ast.Lambda(args=empty, body=_expr(expr.body))
        case Each():
            return _each(expr)
        case Spread():
            return ast.Starred(value=_expr(expr.value), ctx=ast.Load())
        case Item():
            return ast.Subscript(value=_expr(expr.value), slice=_expr(expr.index), ctx=ast.Load())


def _piece(piece: str | PyExpr, line: int) -> ast.expr:
    if isinstance(piece, str):
        return _place(ast.Constant(value=piece), line)  # type: ignore[no-any-return]  # it comes back
    return _place(ast.FormattedValue(value=_expr(piece), conversion=-1), line)  # type: ignore[no-any-return]


def _joined(expr: Joined) -> ast.expr:
    operands = [_expr(one) for one in expr.operands]
    if expr.operator in ("and", "or"):
        return ast.BoolOp(op=ast.And() if expr.operator == "and" else ast.Or(), values=operands)
    if expr.operator in _COMPARISONS:
        return ast.Compare(left=operands[0], ops=[_COMPARISONS[expr.operator]()], comparators=operands[1:])
    made = operands[0]
    for operand in operands[1:]:
        made = _place(ast.BinOp(left=made, op=_OPERATORS[expr.operator](), right=operand), expr.line)
    return made


def _each(expr: Each) -> ast.expr:
    target = _place(ast.Name(id=str(expr.name.python), ctx=ast.Store()), expr.line)
    conditions = [] if expr.condition is None else [_expr(expr.condition)]
    each = ast.comprehension(target=target, iter=_expr(expr.iterable), ifs=conditions, is_async=0)
    return ast.ListComp(elt=_expr(expr.element), generators=[each])

"""Python as code that runs in place of a config.py, each line at that of the OCaml file that it came from."""

from __future__ import annotations

import ast
from types import CodeType
from typing import Any, TypeVar

from mirage_py.convert.names import imported
from mirage_py.convert.python import (
    Anonymous,
    AnyStatement,
    Assign,
    Attempt,
    Attribute,
    Builtin,
    Called,
    Choice,
    Constant,
    Define,
    DefineRecord,
    Do,
    Each,
    Formatted,
    Handler,
    Imported,
    Inverted,
    Item,
    Joined,
    Listed,
    Loop,
    Mapped,
    Not,
    Put,
    PyExpr,
    Raise,
    Ref,
    Return,
    Shown,
    Slice,
    Spread,
    Text,
    Todo,
    When,
)
from mirage_py.convert.scope import Local

Node = TypeVar("Node", bound=ast.AST)

_PLACED = (ast.stmt, ast.expr, ast.arg, ast.keyword, ast.alias, ast.excepthandler)
"""Nodes that have a line."""


def compiled(statements: list[AnyStatement], file: str) -> CodeType:
    """The statements as code of the OCaml file."""
    body: list[ast.stmt] = [
        ast.ImportFrom(module=module, names=[ast.alias(name=name) for name in sorted(names)], level=0)
        for module, names in imported(statements).items()
    ]
    for statement in statements:
        body += _statement(statement)
    module = ast.Module(body=body, type_ignores=[])
    for node in ast.walk(module):
        if isinstance(node, _PLACED) and not hasattr(node, "lineno"):
            _place(node, 1)
    return compile(module, file, "exec", dont_inherit=True)


def _place(node: Node, line: int) -> Node:
    placed: Any = node  # any: only some nodes have a place
    placed.lineno = placed.end_lineno = max(line, 1)
    placed.col_offset = placed.end_col_offset = 0
    return node


def _statement(statement: AnyStatement) -> list[ast.stmt]:  # noqa: C901  # one case for each statement
    match statement:
        case Assign():
            target = _targets(statement.targets, statement.line)
            return [_place(ast.Assign(targets=[target], value=_expr(statement.value)), statement.line)]
        case Define():
            return [_define(statement)]
        case Return():
            return [_place(ast.Return(value=_expr(statement.value)), statement.line)]
        case Do():
            value: Any = statement.value
            return [] if value is None else [_place(ast.Expr(value=_expr(value)), statement.line)]
        case Put():
            target = _expr(statement.target)
            assert isinstance(target, ast.Subscript)
            target.ctx = ast.Store()
            return [_place(ast.Assign(targets=[target], value=_expr(statement.value)), statement.line)]
        case Raise():
            failure = ast.Call(func=_name("ValueError"), args=[_expr(statement.message)], keywords=[])
            return [_place(ast.Raise(exc=_place(failure, statement.line)), statement.line)]
        case When():
            then, otherwise = _block(statement.then), _block(statement.otherwise)
            made = ast.If(test=_expr(statement.condition), body=then or [ast.Pass()], orelse=otherwise)
            return [_place(made, statement.line)]
        case Attempt():
            handlers = [_handler(one, statement.line) for one in statement.handlers]
            body = _block(statement.body) or [ast.Pass()]
            return [_place(ast.Try(body=body, handlers=handlers, orelse=[], finalbody=[]), statement.line)]
        case Loop():
            target = _targets(statement.names, statement.line)
            body = _block(statement.body) or [ast.Pass()]
            loop = ast.For(target=target, iter=_expr(statement.iterable), body=body, orelse=[])
            return [_place(loop, statement.line)]
        case DefineRecord():
            return [_record(statement)]
        case Todo():
            return []


def _handler(handler: Handler, line: int) -> ast.ExceptHandler:
    caught: list[ast.expr] = [_place(_name(name), line) for name in handler.exceptions]
    type_ = caught[0] if len(caught) == 1 else _place(ast.Tuple(elts=caught, ctx=ast.Load()), line)
    return _place(ast.ExceptHandler(type=type_, name=None, body=_block(handler.body) or [ast.Pass()]), line)


def _block(statements: list[AnyStatement]) -> list[ast.stmt]:
    return [made for statement in statements for made in _statement(statement)]


def _targets(names: tuple[Local | None, ...], line: int) -> ast.expr:
    made: list[ast.expr] = [
        _place(ast.Name(id=str(one.python) if one else "_", ctx=ast.Store()), line) for one in names
    ]
    return made[0] if len(made) == 1 else _place(ast.Tuple(elts=made, ctx=ast.Store()), line)


def _record(statement: DefineRecord) -> ast.stmt:
    fields: list[ast.stmt] = [
        ast.AnnAssign(
            target=ast.Name(id=name, ctx=ast.Store()), annotation=ast.Constant(value=hint.text), value=None, simple=1
        )
        for name, hint in statement.fields
    ]
    made = ast.ClassDef(
        name=str(statement.name.python), bases=[_name("NamedTuple")], keywords=[], body=fields, decorator_list=[]
    )
    return _place(made, statement.line)


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
    body = _block(statement.body)
    made = ast.FunctionDef(name=str(statement.name.python), args=args, body=body, decorator_list=[])
    return _place(made, line)


_OPERATORS: dict[str, type[ast.operator]] = {
    ">>": ast.RShift,
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "&": ast.BitAnd,
    "|": ast.BitOr,
}
_COMPARISONS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    ">": ast.Gt,
    "<=": ast.LtE,
    ">=": ast.GtE,
    "in": ast.In,
    "is": ast.Is,
    "is not": ast.IsNot,
}


def _expr(expr: PyExpr) -> ast.expr:
    return _place(_made(expr), expr.line)


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
        case Shown():
            return ast.JoinedStr(values=[_piece(expr, expr.line)])
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
        case Inverted():
            return ast.UnaryOp(op=ast.Invert(), operand=_expr(expr.value))
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
        case Slice():
            lower, upper = (None if one is None else _expr(one) for one in (expr.start, expr.stop))
            return ast.Subscript(value=_expr(expr.value), slice=ast.Slice(lower=lower, upper=upper), ctx=ast.Load())


def _piece(piece: str | PyExpr, line: int) -> ast.expr:
    if isinstance(piece, str):
        return _place(ast.Constant(value=piece), line)
    if isinstance(piece, Shown):
        spec = ast.JoinedStr(values=[_place(ast.Constant(value=piece.spec), line)]) if piece.spec else None
        return _place(ast.FormattedValue(value=_expr(piece.value), conversion=-1, format_spec=spec), line)
    return _place(ast.FormattedValue(value=_expr(piece), conversion=-1), line)


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
    conditions = [] if expr.condition is None else [_expr(expr.condition)]
    last = expr.clauses[-1]
    clauses = [
        ast.comprehension(
            target=_targets(one.names, one.line),
            iter=_expr(one.iterable),
            ifs=conditions if one is last else [],
            is_async=0,
        )
        for one in expr.clauses
    ]
    element: ast.expr = _expr(expr.element)
    if expr.bare:
        return ast.GeneratorExp(elt=element, generators=clauses)
    return ast.ListComp(elt=element, generators=clauses)

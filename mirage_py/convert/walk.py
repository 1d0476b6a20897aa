"""The walk over a `config.ml` that both ends share: from its definitions to Python's.

What a name stands for and what type an expression has are known by now (`infer`); here each construct is given its
counterpart in Python, or a reason why it has none.
"""

from __future__ import annotations

from collections.abc import Iterable

from mirage_py.convert import tree as t
from mirage_py.convert.annotations import annotation
from mirage_py.convert.calls import Calls
from mirage_py.convert.comments import Comments
from mirage_py.convert.context import Context
from mirage_py.convert.infer import nodes, unopened
from mirage_py.convert.ocaml_types import Arrow, Con, Type, is_con, parameters, resolved, result
from mirage_py.convert.patterns import cases_of, matched
from mirage_py.convert.python import (
    Anonymous,
    AnyStatement,
    Assign,
    Choice,
    Constant,
    Define,
    Do,
    Joined,
    Listed,
    Parameter,
    PyExpr,
    Ref,
    Return,
    Spread,
    Text,
    Todo,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local, Missing

_COMPARISONS = {"=": "==", "==": "==", "<>": "!=", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_LOGIC = {"&&": "and", "||": "or"}


class Walk:
    """One walk: `run` gives the statements of the configuration."""

    def __init__(self, context: Context, comments: Comments) -> None:
        self._c = context
        self._comments = comments
        context.emit = self.emit
        self._calls = Calls(context, self._function_value)
        self._punned = _punned(context)
        self._done: set[t.Item] = set()
        self._homes = {
            local: item
            for item in context.source.items
            if isinstance(item, t.Define)
            for binding in item.bindings
            for local in self._locals_of(binding.pattern)
        }

    def run(self) -> list[AnyStatement]:
        """Every definition of the file, in its order."""
        self._calls.prepare()
        self._items(self._c.source.items)
        self._comments.rest(self._c.statements)
        return self._c.statements

    def _items(self, items: Iterable[t.Item]) -> None:
        for item in items:
            self._item(item)

    def _item(self, item: t.Item) -> None:
        if item in self._done:
            return
        self._done.add(item)
        if isinstance(item, t.Module):
            self._items(item.items)
            return
        for needed in self._calls.wanted_first(item):
            if needed in self._homes and needed not in self._c.replaced:
                self._item(self._homes[needed])
        before = len(self._c.statements)
        try:
            self._convert(item)
        except CannotConvert as why:
            del self._c.statements[before:]
            self._undone(item, why)
        self._comments.attach(item, self._c.statements[before:], self._c.statements)

    def _undone(self, item: t.Item, why: CannotConvert) -> None:
        bindings = item.bindings if isinstance(item, t.Define) else ()
        defines = tuple(local for binding in bindings for local in self._locals_of(binding.pattern))
        self._c.statements.append(
            Todo(
                line=item.line,
                place=why.node.line,
                reason=why.reason,
                ocaml=self._c.source.excerpt(item),
                defines=tuple(local for local in defines if local.uses),
            )
        )

    def _convert(self, item: t.Item) -> None:
        match item:
            case t.Define():
                for binding in item.bindings:
                    self.bind(binding)
            case t.Evaluate():
                self._perform(item.value)
            case t.OpenModule():
                self._check_module(item)
            case t.UnknownItem():
                raise CannotConvert(item, f"{item.what} has no counterpart here")
            case _:
                return

    def _check_module(self, item: t.OpenModule) -> None:
        known = {"Mirage", "Cmdliner", "Functoria", "Key", "Arg", "Printf", "List", "Fmt", "Stdlib", "Runtime_arg"}
        if item.module[0] not in known and not any(
            isinstance(other, t.Module) and other.name == item.module[0] for other in self._c.source.items
        ):
            raise CannotConvert(item, f"{'.'.join(item.module)} is another file's module: config.ml is read alone")

    # -----------------------------------------------------------------------------------------------------------------
    # Definitions

    def bind(self, binding: t.Binding) -> None:
        """A definition as statements, or remembered for where its value is used."""
        pattern, value = binding.pattern, unopened(binding.value)
        if isinstance(pattern, (t.Literal, t.Anything)):
            self._perform(value)
            return
        if isinstance(pattern, t.Name):
            self._bind_name(pattern, self._c.analysis.locals[pattern], value, binding)
            return
        if isinstance(pattern, t.Items):
            self._bind_items(pattern, value, binding)
            return
        raise CannotConvert(binding, "a definition by this pattern")

    def _bind_name(self, pattern: t.Name, local: Local, value: t.Expr, binding: t.Binding) -> None:
        type_ = self._c.analysis.type_of(pattern)
        if isinstance(value, t.Fun) and _is_connect(value):
            return
        if isinstance(value, t.Fun) and self._c.is_symbolic(result(type_)) and not is_con(result(type_), "device"):
            return  # a connect function, or one that makes parts of a key: followed from where it is used
        if isinstance(value, (t.Fun, t.Match)) and _is_function(value):
            self._bind_function(local, value, type_, binding)
            return
        if self._stays_away(local, type_):
            return
        special = self._calls.binding(local, value)
        if special is not None:
            self._add(binding, Assign(line=binding.line, targets=(local,), value=special))
            return
        if not local.top and local.uses == 1 and local in self._punned:
            self._c.inlined[local] = value
            return
        self._assign(binding, (local,), self.emit(value), type_)

    def _stays_away(self, local: Local, type_: Type) -> bool:
        """Whether a definition leaves no trace of its own: it is of OCaml only, or of a type that is gone."""
        if self._c.is_gone(type_) or is_con(type_, "unit") or is_con(type_, "tracing"):
            return True
        if not local.top and local.uses == 0:
            return True
        if self._c.is_symbolic(type_) or self._calls.is_dropped_key(local):
            return True
        typ = resolved(type_)
        return isinstance(typ, Con) and typ.name == "typ" and self._c.gone_name(typ.args[0]) is not None

    def _assign(self, binding: t.Binding, targets: tuple[Local | None, ...], value: PyExpr, type_: Type) -> None:
        hint = annotation(type_) if isinstance(value, Listed) and not value.items and not value.tuple_ else None
        if len(targets) == 1 and isinstance(value, Ref) and value.local is targets[0]:
            return
        self._add(binding, Assign(line=binding.line, targets=targets, value=value, annotation=hint))

    def _add(self, binding: t.Binding, statement: AnyStatement) -> None:
        self._comments.before(binding, statement)
        self._c.statements.append(statement)

    def _bind_items(self, pattern: t.Items, value: t.Expr, binding: t.Binding) -> None:
        if isinstance(value, t.Let):
            for inner in value.bindings:
                self.bind(inner)
            value = unopened(value.body)
        names = [self._c.analysis.locals.get(one) for one in pattern.items]
        if isinstance(value, t.TupleOf) and len(value.items) == len(names):
            self._bind_each(names, value.items, binding)
            return
        self._add(binding, Assign(line=binding.line, targets=tuple(names), value=self.emit(value)))

    def _bind_each(self, names: list[Local | None], values: tuple[t.Expr, ...], binding: t.Binding) -> None:
        for local, value in zip(names, values, strict=True):
            if local is not None and not self._c.is_gone_value(value):
                self._add(binding, Assign(line=value.line, targets=(local,), value=self.emit(value)))

    def _locals_of(self, pattern: t.Pattern) -> Iterable[Local]:
        return (local for node in nodes(pattern) if (local := self._c.analysis.locals.get(node)) is not None)

    # -----------------------------------------------------------------------------------------------------------------
    # Functions

    def _bind_function(self, local: Local, value: t.Fun | t.Match, type_: Type, binding: t.Binding) -> None:
        if isinstance(value, t.Match):
            self._bind_cases(local, value, type_, binding)
            return
        if self._c.is_gone(result(type_)):
            return
        if binding.recursive and any(
            self._c.analysis.symbols.get(node) is not None
            and getattr(self._c.analysis.symbols[node], "name", "") == local.name
            and isinstance(self._c.analysis.symbols[node], Local)
            and self._c.analysis.symbols[node].line == local.line  # type: ignore[union-attr]
            for node in nodes(value)
            if isinstance(node, t.Var)
        ):
            raise CannotConvert(binding, "a function that calls itself")
        with self._c.block() as body:
            params = self._parameters(value, type_)
            made = self.emit(value.body)
            body.append(Return(line=value.body.line, value=made))
        returns = annotation(self._result_type(type_, len(value.params)))
        self._add(
            binding,
            Define(line=binding.line, name=local, params=tuple(params), returns=returns, body=body),
        )

    def _bind_cases(self, local: Local, value: t.Match, type_: Type, binding: t.Binding) -> None:
        """A function by cases: one parameter, and the cases tried in their order."""
        if self._only_in_converters(local):
            return
        arrow = resolved(type_)
        if not isinstance(arrow, Arrow):
            raise CannotConvert(value, "a function by cases, used as a value")
        given = Local(name="value", line=value.line, type=arrow.param)
        with self._c.block() as body:
            made = cases_of(self._c, value, Ref(line=value.line, local=given))
            body.append(Return(line=value.line, value=made))
        param = Parameter(local=given, annotation=annotation(arrow.param))
        returns = annotation(arrow.result)
        self._add(binding, Define(line=binding.line, name=local, params=(param,), returns=returns, body=body))

    def _only_in_converters(self, local: Local) -> bool:
        """Whether a function is used only where a key's values are read and printed, which mpy does itself."""
        users = [
            other
            for item in self._c.source.items
            if isinstance(item, t.Define)
            for binding in item.bindings
            for node in nodes(binding.value)
            if isinstance(node, t.Var) and self._c.analysis.symbols.get(node) is local
            for other in (self._c.analysis.type_of(binding.pattern),)
        ]
        return bool(users) and all(self._c.is_symbolic(one) for one in users)

    def _result_type(self, type_: Type, count: int) -> Type:
        type_ = resolved(type_)
        for _ in range(count):
            if isinstance(type_, Arrow):
                type_ = resolved(type_.result)
        return type_

    def _parameters(self, value: t.Fun, type_: Type) -> list[Parameter]:
        found = []
        for param, arrow in zip(value.params, parameters(type_), strict=False):
            made = self._parameter(param, arrow)
            if made is not None:
                found.append(made)
        return sorted(found, key=lambda one: one.keyword)

    def _parameter(self, param: t.Param, arrow: Arrow) -> Parameter | None:
        if isinstance(param.pattern, t.Literal) and param.pattern.value is None:
            return None
        if self._c.is_gone(arrow.param):
            return None
        if isinstance(param.pattern, t.Anything):
            local = Local(name=param.label or "_unused", line=param.line, type=arrow.param)
        elif isinstance(param.pattern, t.Name):
            local = self._c.analysis.locals[param.pattern]
        elif isinstance(param.pattern, t.Items) and param.pattern.tuple_ and param.label is None:
            local = self._taken_apart(param.pattern, arrow.param)
        else:
            raise CannotConvert(param, "a parameter by this pattern")
        default: PyExpr | None = None
        wanted = arrow.param
        if param.optional:
            default = Constant(line=param.line, value=None) if param.default is None else self.emit(param.default)
            inside = resolved(arrow.param)
            wanted = inside if param.default is None or not isinstance(inside, Con) else inside.args[0]
        local.python = param.label if param.label and not isinstance(param.pattern, t.Anything) else local.python
        return Parameter(local=local, annotation=annotation(wanted), keyword=param.label is not None, default=default)

    def _taken_apart(self, pattern: t.Items, type_: Type) -> Local:
        """The parameter that a tuple of names stands for; its parts get their names in the function's first line."""
        names = tuple(self._c.analysis.locals.get(one) for one in pattern.items)
        if not all(isinstance(one, (t.Name, t.Anything)) for one in pattern.items):
            raise CannotConvert(pattern, "a parameter by this pattern")
        local = Local(name="given", line=pattern.line, type=type_)
        self._c.statements.append(
            Assign(line=pattern.line, targets=names, value=Ref(line=pattern.line, local=local)),
        )
        return local

    def _function_value(self, expr: t.Expr) -> tuple[tuple[Local, ...], PyExpr] | None:
        """The parameters and the body of a function written where it is used."""
        expr = unopened(expr)
        if not isinstance(expr, t.Fun) or any(param.label for param in expr.params):
            return None
        names = []
        for param in expr.params:
            if not isinstance(param.pattern, t.Name):
                return None
            names.append(self._c.analysis.locals[param.pattern])
        return tuple(names), self.emit(expr.body)

    # -----------------------------------------------------------------------------------------------------------------
    # Expressions

    def _perform(self, expr: t.Expr) -> None:
        """An expression for what it does."""
        expr = unopened(expr)
        match expr:
            case t.Let():
                for binding in expr.bindings:
                    self.bind(binding)
                self._perform(expr.body)
            case t.Sequence():
                for step in expr.steps:
                    self._perform(step)
            case t.Unit():
                return
            case t.Apply() if self._c.analysis.entry(expr.function) == "ignore":
                return
            case _:
                done = self.emit(expr)
                self._c.statements.append(Do(line=expr.line, value=done))

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
                return self._calls.constructor(expr)
            case t.ListOf():
                remarks = self._comments.of_items(expr)
                return Listed(line=expr.line, items=tuple(map(self.emit, expr.items)), remarks=remarks)
            case t.TupleOf():
                return Listed(line=expr.line, items=tuple(map(self.emit, expr.items)), tuple_=True)
            case t.Apply():
                return self._calls.apply(expr)
            case t.Chain():
                return self._chain(expr)
            case t.Let():
                for binding in expr.bindings:
                    self.bind(binding)
                return self.emit(expr.body)
            case t.Fun():
                return self._fun(expr)
            case t.Match():
                return self._calls.handled(expr) if expr.handler else matched(self._c, expr)
            case t.If():
                return self._if(expr)
            case t.Sequence():
                for step in expr.steps[:-1]:
                    self._perform(step)
                return self.emit(expr.steps[-1])
            case t.Open():
                return self.emit(expr.body)
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
                return self._calls.name(found, expr)

    def _chain(self, expr: t.Chain) -> PyExpr:
        match expr.operator:
            case "$":
                return self._calls.functor(expr)
            case "@->":
                return self._calls.arrow(expr)
            case "^":
                return self._calls.text(expr)
            case "::":
                return self._cons(expr)
            case "@":
                spread = tuple(self._spread(one) for one in expr.operands)
                return Listed(line=expr.line, items=tuple(item for items in spread for item in items))
            case operator if operator in _LOGIC:
                return self._logic(expr, _LOGIC[operator])
            case operator if operator in _COMPARISONS:
                return self._calls.compare(expr, _COMPARISONS[operator])
            case "+" | "-" | "*":
                return Joined(line=expr.line, operator=expr.operator, operands=tuple(map(self.emit, expr.operands)))
            case "/":
                return Joined(line=expr.line, operator="//", operands=tuple(map(self.emit, expr.operands)))
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

    def _fun(self, expr: t.Fun) -> PyExpr:
        made = self._function_value(expr)
        if made is None:
            raise CannotConvert(expr, "a function with such parameters, used as a value")
        return Anonymous(line=expr.line, params=made[0], body=made[1])

    def _if(self, expr: t.If) -> PyExpr:
        special = self._calls.if_(expr)
        if special is not None:
            return special
        otherwise: PyExpr = (
            Constant(line=expr.line, value=None) if expr.otherwise is None else self.emit(expr.otherwise)
        )
        return Choice(
            line=expr.line, condition=self.emit(expr.condition), then=self.emit(expr.then), otherwise=otherwise
        )


_WORDS = {t.Record: "a record", t.Field: "a field of a record", t.Object: "an object", t.Assert: "an assertion"}


def _is_function(value: t.Expr) -> bool:
    return isinstance(value, t.Fun) or (isinstance(value, t.Match) and value.subject is None)


def _is_connect(value: t.Fun) -> bool:
    """Whether a function takes a list of names apart, as only `connect` functions do; they are read where used."""
    body = unopened(value.body)
    return (
        isinstance(body, t.Match)
        and body.subject is None
        and any(isinstance(case.pattern, t.Items) and not case.pattern.tuple_ for case in body.cases)
    )


def _unknown_name(path: t.Path) -> str:
    name = ".".join(path)
    if len(path) > 1 and path[0] not in ("Key", "Arg", "Runtime_arg", "List", "String", "Fmt", "Mirage", "Ipaddr"):
        return f"{name} is of a module that is not read here: config.ml is read alone"
    return f"{name} is no name of a release that is known here"


def _punned(context: Context) -> frozenset[Local]:
    """The names that are passed on under a label of the same name: an argument can be written in their place."""
    found = set()
    for item in context.source.items:
        for node in nodes(item):
            if isinstance(node, t.Argument) and isinstance(node.value, t.Var) and node.value.path == (node.label,):
                symbol = context.analysis.symbol(node.value)
                if isinstance(symbol, Local):
                    found.add(symbol)
    return frozenset(found)

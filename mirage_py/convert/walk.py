"""The walk over a `config.ml` that both ends share: from its definitions to Python's.

What a name stands for and what type an expression has are known by now (`infer`); here each construct is given its
counterpart in Python, or a reason why it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mirage_py.convert import tree as t
from mirage_py.convert.annotations import ANY, annotation, class_name, of_function
from mirage_py.convert.calls import FAILURES, Calls
from mirage_py.convert.comments import Comments
from mirage_py.convert.context import Context
from mirage_py.convert.handlers import attempted
from mirage_py.convert.infer import nodes, unopened
from mirage_py.convert.names import python_name
from mirage_py.convert.ocaml_types import Arrow, Con, Type, argument, is_con, parameters, resolved, result
from mirage_py.convert.patterns import alternatives, decided, matched, meeting, plain, renamed, returned
from mirage_py.convert.python import (
    Annotation,
    Anonymous,
    AnyStatement,
    Assign,
    Attribute,
    Called,
    Choice,
    Constant,
    Define,
    DefineRecord,
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
    Todo,
    When,
    bound,
    within,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local, Missing

_COMPARISONS = {"=": "==", "==": "==", "<>": "!=", "!=": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_LOGIC = {"&&": "and", "||": "or"}
_DIVISIONS = {"/": "//", "/.": "/", "mod": "%"}


class Walk:
    """One walk: `run` gives the statements of the configuration."""

    def __init__(self, context: Context, comments: Comments) -> None:
        self._c = context
        self._comments = comments
        context.emit = self.emit
        context.way = self.way
        self._calls = Calls(context, self._function_value)
        self._punned = _punned(context)
        self._connects = frozenset(_connects(context))
        self._done: set[t.Item] = set()
        self._bound: set[Local] = set()
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
            self._check(item, self._c.statements[before:])
        except CannotConvert as why:
            del self._c.statements[before:]
            self._undone(item, why)
        self._comments.attach(item, self._c.statements[before:], self._c.statements)

    def _check(self, item: t.Item, made: list[AnyStatement]) -> None:
        """Refuse what is no Python: a name without a value, a keyword twice."""
        self._bound |= {local for statement in made for local in bound(statement)}
        for expr in (one for statement in made for one in within(statement)):
            if isinstance(expr, Ref) and expr.local not in self._bound:
                raise CannotConvert(item, f"{expr.local.name} has no value here")
            if isinstance(expr, Called) and (name := _twice([name for name, _ in expr.keywords])):
                raise CannotConvert(item, f"~{name} is given twice")

    def _undone(self, item: t.Item, why: CannotConvert) -> None:
        bindings = item.bindings if isinstance(item, t.Define) else ()
        defines = tuple(local for binding in bindings for local in self._locals_of(binding.pattern))
        self._bound |= set(defines)
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
            case t.RecordType():
                self._define_record(item)
            case t.UnknownItem():
                raise CannotConvert(item, f"{item.what} has no counterpart here")
            case _:
                return

    def _check_module(self, item: t.OpenModule) -> None:
        own = (
            node.name for one in self._c.source.items for node in nodes(one) if isinstance(node, (t.Module, t.Alias))
        )
        if item.module[0] not in KNOWN_MODULES and item.module[0] not in own:
            raise CannotConvert(item, f"{'.'.join(item.module)} is another file's module: config.ml is read alone")

    def _annotation(self, type_: Type) -> Annotation:
        return annotation(type_, self._c.gone)

    def _returns(self, type_: Type) -> Annotation:
        """What a function gives; a device that nothing is known of is whatever it is made from."""
        type_ = resolved(type_)
        found = of_function(type_, self._c.gone) if isinstance(type_, Arrow) else self._annotation(type_)
        return ANY if found.text == "Impl[Any]" else found

    def _define_record(self, item: t.RecordType) -> None:
        """A class for a record, where one is made."""
        if item.name not in self._c.analysis.record_of.values():
            return
        fields = tuple(
            (python_name(name), ANY if (type_ := self._c.analysis.written(said)) is None else self._annotation(type_))
            for name, said in item.fields
        )
        local = Local(name=class_name(item.name), line=item.line, type=Con("class"), top=True)
        self._c.classes[item.name] = local
        self._c.statements.append(DefineRecord(line=item.line, name=local, fields=fields))

    # -----------------------------------------------------------------------------------------------------------------
    # Definitions

    def bind(self, binding: t.Binding) -> None:
        """A definition as statements, or remembered for where its value is used."""
        pattern, value = binding.pattern, unopened(binding.value)
        if isinstance(pattern, (t.Literal, t.Anything)) or (isinstance(pattern, t.Items) and not pattern.items):
            self._perform(value)
            return
        if isinstance(pattern, t.Name):
            local = self._c.analysis.locals.get(pattern)
            if local is not None:  # else another name for a verb, which is followed
                self._bind_name(pattern, local, value, binding)
            return
        if isinstance(pattern, t.Items) and all(isinstance(one, (t.Name, t.Anything)) for one in pattern.items):
            self._bind_items(pattern, value, binding)
            return
        if isinstance(pattern, t.Items) and isinstance(value, t.TupleOf) and len(value.items) == len(pattern.items):
            for part, its in zip(pattern.items, value.items, strict=True):
                self.bind(replace(binding, pattern=part, value=its))
            return
        self._bind_parts(pattern, value, binding)

    def _bind_parts(self, pattern: t.Pattern, value: t.Expr, binding: t.Binding) -> None:
        """The names of a pattern, each assigned the part of the value that it stands for."""
        whole = plain(self._c, value, self.emit(value))
        for local, part in meeting(self._c, pattern, whole).names.items():
            if local.uses or local.top:
                self._add(binding, Assign(line=binding.line, targets=(local,), value=part))

    def _bind_name(self, pattern: t.Name, local: Local, value: t.Expr, binding: t.Binding) -> None:
        type_ = self._c.analysis.type_of(pattern)
        if isinstance(value, t.Fun) and (local in self._connects or self._is_connect(value, type_)):
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
        if binding.recursive and any(self._c.analysis.symbol(n) is local for n in nodes(value) if isinstance(n, t.Var)):
            raise CannotConvert(binding, "a value that is made of itself")
        made = self.emit(value)
        if isinstance(made, Ref) and renamed(self._c.statements, made.local, local):
            self._comments.before(binding, self._c.statements[-1])
            return
        self._assign(binding, (local,), made, type_)

    def _is_connect(self, value: t.Fun, type_: Type) -> bool:
        """Whether a function looks like the `connect` of a device: it prints for a list of names."""
        return is_con(result(type_), "string") and len(value.params) == 2 and _takes_lists(value)

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
        hint = self._annotation(type_) if _tells_little(value, type_) else None
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
        with self._c.block() as body:
            params = self._parameters(value, type_)
            returned_type = self._result_type(type_, len(value.params))
            last = unopened(value.body)
            if isinstance(last, t.Match) and last.subject is None and isinstance(returned_type, Arrow):
                params.insert(sum(not one.keyword for one in params), self._by_cases(last, returned_type, body))
                returned_type = resolved(returned_type.result)
            else:
                self._body(value.body, returned_type, body)
        returns = self._returns(returned_type)
        self._add(
            binding,
            Define(line=binding.line, name=local, params=tuple(params), returns=returns, body=body),
        )

    def _body(self, expr: t.Expr, type_: Type, body: list[AnyStatement]) -> None:
        """What a function does, up to what it returns."""
        if is_con(type_, "unit"):
            self._perform(expr)
        else:
            returned(body, self.way(expr))

    def _bind_cases(self, local: Local, value: t.Match, type_: Type, binding: t.Binding) -> None:
        """A function by cases: one parameter, and the cases tried in their order."""
        if self._only_in_converters(local):
            return
        arrow = resolved(type_)
        if not isinstance(arrow, Arrow):
            raise CannotConvert(value, "a function by cases, used as a value")
        with self._c.block() as body:
            param = self._by_cases(value, arrow, body)
        returns = self._returns(arrow.result)
        self._add(binding, Define(line=binding.line, name=local, params=(param,), returns=returns, body=body))

    def _by_cases(self, value: t.Match, arrow: Arrow, body: list[AnyStatement]) -> Parameter:
        """The parameter of a function by cases, whose cases end its body."""
        given = Local(name="value", line=value.line, type=arrow.param)
        way = self._performed if is_con(arrow.result, "unit") else self.way
        returned(body, alternatives(self._c, value, Ref(line=value.line, local=given), way))
        return Parameter(local=given, annotation=self._annotation(arrow.param))

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
        elif isinstance(param.pattern, (t.Whole, t.Fields)) or param.label is not None:
            local = self._met(param, arrow.param)
        else:
            raise CannotConvert(param, "a parameter by this pattern")
        default: PyExpr | None = None
        wanted = arrow.param
        if param.optional:
            default = Constant(line=param.line, value=None) if param.default is None else self.emit(param.default)
            inside = resolved(arrow.param)
            wanted = inside if param.default is None or not isinstance(inside, Con) else inside.args[0]
        hint = BOOT_KEY if self._c.dialect.before(4, 5) and _is_key(wanted) else self._annotation(wanted)
        local.python = param.label if param.label and not isinstance(param.pattern, t.Anything) else local.python
        return Parameter(local=local, annotation=hint, keyword=param.label is not None, default=default)

    def _taken_apart(self, pattern: t.Items, type_: Type) -> Local:
        """The parameter that a tuple of names stands for; its parts get their names in the function's first line."""
        names = tuple(self._c.analysis.locals.get(one) for one in pattern.items)
        local = Local(name="given", line=pattern.line, type=type_)
        if not all(isinstance(one, (t.Name, t.Anything)) for one in pattern.items):
            self._c.replaced |= meeting(self._c, pattern, Ref(line=pattern.line, local=local)).names
            return local
        self._c.statements.append(
            Assign(line=pattern.line, targets=names, value=Ref(line=pattern.line, local=local)),
        )
        return local

    def _met(self, param: t.Param, type_: Type) -> Local:
        """A parameter whose parts are named by a pattern."""
        name = param.pattern.name.name if isinstance(param.pattern, t.Whole) else param.label or "given"
        local = Local(name=name, line=param.line, type=type_)
        self._c.replaced |= meeting(self._c, param.pattern, Ref(line=param.line, local=local)).names
        return local

    def _function_value(self, expr: t.Expr, unpacked: bool = False) -> tuple[tuple[Local, ...], PyExpr] | None:
        """The parameters and the body of a function written where it is used."""
        expr = unopened(expr)
        if isinstance(expr, t.Match) and expr.subject is None:
            return self._cases_value(expr)
        if not isinstance(expr, t.Fun) or any(param.label for param in expr.params):
            return None
        last = unopened(expr.body)
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
        params = tuple(Parameter(local=one, annotation=self._annotation(one.type)) for one in names)
        type_ = self._c.analysis.type_of(expr.body if isinstance(expr, t.Fun) else expr)
        returns = self._annotation(type_.result if isinstance(type_, Arrow) and isinstance(expr, t.Match) else type_)
        self._c.statements.append(
            Define(line=expr.line, name=function, params=params, returns=returns, body=body),
        )
        fresh = tuple(Local(name=one.name, line=one.line, type=one.type) for one in names)
        args: tuple[PyExpr, ...] = tuple(Ref(line=expr.line, local=one) for one in fresh)
        return fresh, Called(line=expr.line, function=Ref(line=expr.line, local=function), args=args)

    # -----------------------------------------------------------------------------------------------------------------
    # Expressions

    def _perform(self, expr: t.Expr) -> None:  # noqa: C901  # one case for each form of expression
        """An expression for what it does."""
        expr = unopened(expr)
        match expr:
            case t.Let():
                for binding in expr.bindings:
                    self.bind(binding)
                self._perform(expr.body)
            case t.LetModule():
                self._bind_module(expr.module)
                self._perform(expr.body)
            case t.Sequence():
                for step in expr.steps:
                    self._perform(step)
            case t.Unit():
                return
            case t.If() if self._calls.if_(expr) is None:
                self._choose(expr, self._performed)
            case t.Match() if expr.subject is not None:
                (attempted if expr.handler else matched)(self._c, expr, self._performed)
            case t.Assert() if not _is_false(expr.condition):
                self._ensure(expr)
            case t.Apply() if self._c.analysis.entry(expr.function) == "ignore":
                self._perform(expr.arguments[0].value)
            case t.Apply() if self._calls.performed(expr, self._perform):
                return
            case _:
                done = self.way(expr)
                if done is not None and not isinstance(done, (Constant, Ref, Text, Listed)):
                    self._c.statements.append(Do(line=expr.line, value=done))

    def _performed(self, expr: t.Expr) -> None:
        self._perform(expr)

    def _bind_module(self, module: t.Module) -> None:
        """The definitions of a module that is known within an expression only."""
        for item in module.items:
            self._convert(item)

    def way(self, expr: t.Expr) -> PyExpr | None:  # noqa: C901  # one case for each form of expression
        """As `emit`; None for what comes to no end: a failure."""
        expr = unopened(expr)
        match expr:
            case t.Let():
                for binding in expr.bindings:
                    self.bind(binding)
                return self.way(expr.body)
            case t.LetModule():
                self._bind_module(expr.module)
                return self.way(expr.body)
            case t.Sequence():
                for step in expr.steps[:-1]:
                    self._perform(step)
                return self.way(expr.steps[-1])
            case t.Match() if expr.subject is not None and expr.handler:
                made = self._calls.handled(expr)
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
                return self._fail(expr, self._calls.reason(expr))
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
        special = self._calls.if_(expr)
        return special if special is not None else self._choose(expr, self.way)

    def _choose(self, expr: t.If, way: Callable[[t.Expr], PyExpr | None]) -> PyExpr | None:
        condition, other = self.emit(expr.condition), expr.otherwise
        nothing: PyExpr = Constant(line=expr.line, value=None)
        return decided(
            self._c,
            expr,
            condition,
            lambda: way(expr.then),
            lambda: way(other) if other is not None else None if way == self._performed else nothing,
        )


KNOWN_MODULES = frozenset(
    (
        *("Mirage", "Cmdliner", "Functoria", "Key", "Arg", "Runtime_arg", "Runtime_args", "Stdlib", "Fmt", "Printf"),
        *("Format", "Info", "List", "String", "Option", "Filename", "Fun", "Ipaddr", "Bool", "Int", "Sys"),
    )
)
"""Modules of the tool and of OCaml's library whose names are known here."""

_WORDS = {t.Record: "a record", t.Object: "an object", t.Assert: "an assertion"}


def _tells_little(value: PyExpr, type_: Type) -> bool:
    """Whether a type checker needs to be told the type of a list: it is empty, may be, or is of several types."""
    if isinstance(value, Choice):
        return _tells_little(value.then, type_) or _tells_little(value.otherwise, type_)
    if not isinstance(value, Listed) or value.tuple_:
        return False
    if is_con(type_, "ref"):  # a list of the one value that it holds
        return _tells_little(value.items[0], argument(type_))
    return not value.items or (len(value.items) > 1 and is_con(argument(type_), "dep"))


def _twice(names: list[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)


_CANNOT_BE = "this cannot be"


def _is_false(condition: t.Expr) -> bool:
    return isinstance(condition, t.Bool) and not condition.value


def _is_function(value: t.Expr) -> bool:
    return isinstance(value, t.Fun) or (isinstance(value, t.Match) and value.subject is None)


BOOT_KEY = Annotation("RuntimeArg | None", (("mirage_py", "RuntimeArg"),))
"""A key that was a boot option as well, which a function is given."""


def _is_key(type_: Type) -> bool:
    type_ = resolved(type_)
    return isinstance(type_, Con) and type_.name == "option" and is_con(type_.args[0], "key")


def _is_unit(pattern: t.Pattern) -> bool:
    return isinstance(pattern, t.Literal) and pattern.value is None


def _takes_lists(value: t.Fun) -> bool:
    """Whether a function takes a list of names apart, as `connect` functions do; they are read where used."""
    body = unopened(value.body)
    return (
        isinstance(body, t.Match)
        and body.subject is None
        and any(isinstance(case.pattern, t.Items) and not case.pattern.tuple_ for case in body.cases)
    )


def _connects(context: Context) -> Iterator[Local]:
    """The functions that are given to devices as their `connect` and their `dune`: they are read where used."""
    for item in context.source.items:
        for node in nodes(item):
            if isinstance(node, t.Argument) and node.label in ("connect", "dune", "install"):
                symbol = context.analysis.symbol(unopened(node.value))
                while isinstance(symbol, Local):
                    yield symbol
                    symbol = None if symbol.value is None else context.analysis.symbol(unopened(symbol.value))


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

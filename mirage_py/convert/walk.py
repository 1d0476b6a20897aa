"""The walk over a `config.ml` that both ends share: from its definitions to Python's.

What a name stands for and what type an expression has are known by now (`infer`); here each construct is given its
counterpart in Python, or a reason why it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mirage_py.convert import tree as t
from mirage_py.convert.annotations import ANY, annotation, class_name, of_function
from mirage_py.convert.comments import Comments
from mirage_py.convert.context import Context
from mirage_py.convert.expressions import Expressions
from mirage_py.convert.names import python_name
from mirage_py.convert.ocaml_types import Arrow, Con, Type, argument, is_con, parameters, resolved, result
from mirage_py.convert.patterns import alternatives, meeting, plain, renamed, returned
from mirage_py.convert.python import (
    Annotation,
    AnyStatement,
    Assign,
    Called,
    Choice,
    Constant,
    Define,
    DefineRecord,
    Listed,
    Parameter,
    PyExpr,
    Ref,
    Todo,
    bound,
    within,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local
from mirage_py.dataclass import replace


class Walk:
    """One walk: `run` gives the statements of the configuration."""

    def __init__(self, context: Context, comments: Comments) -> None:
        self._c = context
        self._comments = comments
        self._expressions = Expressions(context, comments, bind=self.bind, define=self._convert)
        self._calls = self._expressions.calls
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
                self._expressions.perform(item.value)
            case t.OpenModule():
                self._check_module(item)
            case t.RecordType():
                self._define_record(item)
            case t.UnknownItem():
                raise CannotConvert(item, f"{item.what} has no counterpart here")
            case _:
                return

    def _check_module(self, item: t.OpenModule) -> None:
        own = (node.name for node in self._c.source.nodes() if isinstance(node, (t.Module, t.Alias)))
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
        pattern, value = binding.pattern, t.unopened(binding.value)
        if isinstance(pattern, (t.Literal, t.Anything)) or (isinstance(pattern, t.Items) and not pattern.items):
            self._expressions.perform(value)
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
        whole = plain(self._c, value, self._c.emit(value))
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
        if binding.recursive and any(
            self._c.analysis.symbol(n) is local for n in t.nodes(value) if isinstance(n, t.Var)
        ):
            raise CannotConvert(binding, "a value that is made of itself")
        made = self._c.emit(value)
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
            value = t.unopened(value.body)
        names = [self._c.analysis.locals.get(one) for one in pattern.items]
        if isinstance(value, t.TupleOf) and len(value.items) == len(names):
            self._bind_each(names, value.items, binding)
            return
        self._add(binding, Assign(line=binding.line, targets=tuple(names), value=self._c.emit(value)))

    def _bind_each(self, names: list[Local | None], values: tuple[t.Expr, ...], binding: t.Binding) -> None:
        for local, value in zip(names, values, strict=True):
            if local is not None and not self._c.is_gone_value(value):
                self._add(binding, Assign(line=value.line, targets=(local,), value=self._c.emit(value)))

    def _locals_of(self, pattern: t.Pattern) -> Iterable[Local]:
        return (local for node in t.nodes(pattern) if (local := self._c.analysis.locals.get(node)) is not None)

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
            last = t.unopened(value.body)
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
            self._expressions.perform(expr)
        else:
            returned(body, self._c.way(expr))

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
        way = self._expressions.perform if is_con(arrow.result, "unit") else self._c.way
        returned(body, alternatives(self._c, value, Ref(line=value.line, local=given), way))
        return Parameter(local=given, annotation=self._annotation(arrow.param))

    def _only_in_converters(self, local: Local) -> bool:
        """Whether a function is used only where a key's values are read and printed, which mpy does itself."""
        users = [
            other
            for item in self._c.source.items
            if isinstance(item, t.Define)
            for binding in item.bindings
            for node in t.nodes(binding.value)
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
            default = Constant(line=param.line, value=None) if param.default is None else self._c.emit(param.default)
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


KNOWN_MODULES = frozenset(
    (
        *("Mirage", "Cmdliner", "Functoria", "Key", "Arg", "Runtime_arg", "Runtime_args", "Stdlib", "Fmt", "Printf"),
        *("Format", "Info", "List", "String", "Option", "Filename", "Fun", "Ipaddr", "Bool", "Int", "Sys"),
    )
)
"""Modules of the tool and of OCaml's library whose names are known here."""


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


def _is_function(value: t.Expr) -> bool:
    return isinstance(value, t.Fun) or (isinstance(value, t.Match) and value.subject is None)


BOOT_KEY = Annotation("RuntimeArg | None", (("mirage_py", "RuntimeArg"),))
"""A key that was a boot option as well, which a function is given."""


def _is_key(type_: Type) -> bool:
    type_ = resolved(type_)
    return isinstance(type_, Con) and type_.name == "option" and is_con(type_.args[0], "key")


def _takes_lists(value: t.Fun) -> bool:
    """Whether a function takes a list of names apart, as `connect` functions do; they are read where used."""
    body = t.unopened(value.body)
    return (
        isinstance(body, t.Match)
        and body.subject is None
        and any(isinstance(case.pattern, t.Items) and not case.pattern.tuple_ for case in body.cases)
    )


def _connects(context: Context) -> Iterator[Local]:
    """The functions that are given to devices as their `connect` and their `dune`: they are read where used."""
    for node in context.source.nodes():
        if isinstance(node, t.Argument) and node.label in ("connect", "dune", "install"):
            symbol = context.analysis.symbol(t.unopened(node.value))
            while isinstance(symbol, Local):
                yield symbol
                symbol = None if symbol.value is None else context.analysis.symbol(t.unopened(symbol.value))


def _punned(context: Context) -> frozenset[Local]:
    """The names that are passed on under a label of the same name: an argument can be written in their place."""
    found = set()
    for node in context.source.nodes():
        if isinstance(node, t.Argument) and isinstance(node.value, t.Var) and node.value.path == (node.label,):
            symbol = context.analysis.symbol(node.value)
            if isinstance(symbol, Local):
                found.add(symbol)
    return frozenset(found)

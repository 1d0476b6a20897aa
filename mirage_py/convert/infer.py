"""Who is who in a `config.ml`: every name bound to its definition, every expression to its type."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from mirage_py.convert import tree as t
from mirage_py.convert.analysis import Analysis, Call
from mirage_py.convert.catalogue import Entry
from mirage_py.convert.dialect import Release
from mirage_py.convert.ocaml_types import (
    Arrow,
    Con,
    Type,
    Unknown_,
    generalized,
    instance,
    parameters,
    resolved,
    unify,
)
from mirage_py.convert.operator_types import chained
from mirage_py.convert.scope import Local, Scope
from mirage_py.convert.verb_types import FORMATS, PRINTERS


def analyse(source: t.Source, release: Release, lowest: Release) -> Analysis:
    """Bind the names of a file as a release of the OCaml tool would, and find the types of what it says.

    `lowest` is the first release that the file is for.
    """
    analysis = Analysis(release=release, lowest=lowest)
    _Inference(analysis).items(source.items, Scope())
    return analysis


class _Inference:
    def __init__(self, analysis: Analysis) -> None:
        self.found = analysis
        self._level = 1

    # -----------------------------------------------------------------------------------------------------------------
    # Definitions

    def items(self, items: Iterable[t.Item], scope: Scope, prefix: str = "") -> Scope:  # noqa: C901  # one case for each
        """The scope in which the last of them is; a definition is visible from the next on."""
        first = scope
        exported = Scope()
        for item in items:
            match item:
                case t.Define():
                    scope = self._define(item.bindings, scope, top=True, prefix=prefix)
                    exported.names |= scope.names
                    exported.constructors |= scope.constructors
                case t.Evaluate():
                    self.infer(item.value, scope)
                case t.Variant():
                    named = dict.fromkeys(item.constructors, item.name)
                    scope.constructors |= named
                    exported.constructors |= named
                    self.found.constructors[item.name] = item.constructors
                    if item.filled:
                        self.found.tagged.add(item.name)
                case t.RecordType():
                    self.found.records.pop(item.name, None)
                    self.found.records[item.name] = item
                case t.Synonym():
                    self.found.synonyms[item.name] = item.type_
                case t.OpenModule():
                    own = scope.module(item.module)
                    scope = scope.inner(item.module)
                    if item.included and own is not None:
                        exported.names |= own.names
                        exported.modules |= own.modules
                case t.Module():
                    inside = self.items(item.items, scope.inner(), prefix=f"{prefix}{item.name.lower()}_")
                    scope.modules[item.name] = inside
                    exported.modules[item.name] = inside
                case t.Alias():
                    self._alias(item, scope, exported)
                case t.UnknownItem():
                    continue
        return exported if prefix else first

    def _alias(self, item: t.Alias, scope: Scope, exported: Scope) -> None:
        own = scope.module(item.module)
        for one in (scope, exported):
            if own is not None:
                one.modules[item.name] = own
            else:
                one.aliases[item.name] = item.module

    def _define(self, bindings: tuple[t.Binding, ...], scope: Scope, *, top: bool, prefix: str = "") -> Scope:
        inner = scope.inner()
        for binding in bindings:
            if binding.recursive and isinstance(binding.pattern, t.Name):
                self._bind(
                    binding.pattern, Unknown_(self._level + 1), inner, value=binding.value, top=top, prefix=prefix
                )
        for binding in bindings:
            self._level += 1
            type_ = self.infer(binding.value, inner if binding.recursive else scope)
            self._level -= 1
            local = self.found.locals.get(binding.pattern)
            if binding.recursive and local is not None:
                unify(local.type, type_)
            if isinstance(t.unopened(binding.value), (t.Fun, t.Match)):
                generalized(type_, self._level)
            if not (binding.recursive and local is not None):
                self._bind(binding.pattern, type_, inner, value=binding.value, top=top, prefix=prefix)
        return inner

    def _bind(  # noqa: C901  # one case for each form of pattern
        self,
        pattern: t.Pattern,
        type_: Type,
        scope: Scope,
        *,
        value: t.Expr | None = None,
        param: t.Param | None = None,
        top: bool = False,
        prefix: str = "",
    ) -> None:
        match pattern:
            case t.Name() if (verb := self._verb(value)) is not None:
                scope.names[pattern.name] = verb
            case t.Name():
                local = Local(
                    name=pattern.name, line=pattern.line, type=type_, value=value, param=param, top=top, prefix=prefix
                )
                scope.names[pattern.name] = local
                self.found.locals[pattern] = local
                self.found.types[pattern] = type_
                if pattern.type_:
                    self._said(type_, pattern.type_)
            case t.Whole():
                self._bind(pattern.pattern, type_, scope)
                self._bind(pattern.name, type_, scope, value=value, param=param, top=top, prefix=prefix)
            case t.Longer():
                inside = Unknown_(self._level)
                unify(type_, Con("list", (inside,)))
                for one in pattern.heads:
                    self._bind(one, inside, scope)
                self._bind(pattern.rest, type_, scope)
            case t.Fields():
                self._bind_fields(pattern, type_, scope)
            case t.Items():
                self._bind_items(pattern, type_, scope, value=value, top=top, prefix=prefix)
            case t.Case_of():
                self._bind_case(pattern, type_, scope)
            case t.Either():
                for one in pattern.alternatives:
                    self._bind(one, type_, scope)
            case t.Literal(value=bool()):
                unify(type_, Con("bool"))
            case t.Literal(value=int()):
                unify(type_, Con("int"))
            case t.Literal(value=str()):
                unify(type_, Con("string"))
            case t.Literal(value=None):
                unify(type_, Con("unit"))
            case _:
                pass

    def _verb(self, value: t.Expr | None) -> Entry | None:
        """The function of the language, or of OCaml's library, that a definition gives another name."""
        found = None if value is None else self.found.symbol(t.unopened(value))
        named = isinstance(found, Entry) and found.python is None and "->" in found.type
        return found if named and isinstance(found, Entry) else None

    def _said(self, type_: Type, written: str) -> None:
        """Take the file's word for a type, where it is one of the language's, a plain one or its own."""
        found = self.found.written(written)
        if found is not None:
            unify(type_, found)

    def _bind_fields(self, pattern: t.Fields, type_: Type, scope: Scope) -> None:
        record = self._record_with(name for name, _ in pattern.fields)
        if record is not None:
            unify(type_, Con(f"record {record.name}"))
        for name, one in pattern.fields:
            self._bind(one, self._field_type(record, name), scope)

    def _record_with(self, names: Iterable[str]) -> t.RecordType | None:
        """The file's own record with these fields: the last that has them all."""
        wanted = set(names)
        fitting = (one for one in reversed(self.found.records.values()) if wanted <= {name for name, _ in one.fields})
        return next(fitting, None)

    def _field_type(self, record: t.RecordType | None, name: str) -> Type:
        type_ = Unknown_(self._level)
        written = next((said for field_, said in record.fields if field_ == name), "") if record else ""
        if written:
            self._said(type_, written)
        return type_

    def _bind_items(
        self, pattern: t.Items, type_: Type, scope: Scope, *, value: t.Expr | None, top: bool, prefix: str
    ) -> None:
        inside: list[Type]
        if pattern.tuple_:
            inside = [Unknown_(self._level) for _ in pattern.items]
            unify(type_, Con("*", tuple(inside)))
        else:
            inside = [Unknown_(self._level)] * len(pattern.items)
            if inside:
                unify(type_, Con("list", (inside[0],)))
        values: list[t.Expr | None] = [None] * len(pattern.items)
        whole = t.unopened(value) if value is not None else None
        if isinstance(whole, t.TupleOf) and len(whole.items) == len(pattern.items):
            values = list(whole.items)
        for one, its, its_value in zip(pattern.items, inside, values, strict=True):
            self._bind(one, its, scope, value=its_value, top=top, prefix=prefix)

    def _bind_case(self, pattern: t.Case_of, type_: Type, scope: Scope) -> None:
        inner: Type = Unknown_(self._level)
        if pattern.name in ("Some", "None"):
            unify(type_, Con("option", (inner,)))
        elif not pattern.tag and (own := scope.variant(pattern.name)):
            unify(type_, self.found.variant(own))
            self.found.variants[pattern] = own
        elif pattern.name == "Ok":
            unify(type_, Con("result", (inner,)))
        if pattern.argument is not None:
            self._bind(pattern.argument, inner, scope)

    # -----------------------------------------------------------------------------------------------------------------
    # Expressions

    def infer(self, expr: t.Expr, scope: Scope) -> Type:
        type_ = self._infer(expr, scope)
        self.found.types[expr] = type_
        return type_

    def _infer(self, expr: t.Expr, scope: Scope) -> Type:  # noqa: C901  # one case for each form of expression
        match expr:
            case t.Var():
                return self._variable(expr, scope)
            case t.Str():
                return Con("string")
            case t.Num():
                return Con("int") if isinstance(expr.value, int) else Con("float")
            case t.Bool():
                return Con("bool")
            case t.Unit():
                return Con("unit")
            case t.Constructor():
                return self._constructor(expr, scope)
            case t.ListOf():
                return Con("list", (self._alike(expr.items, scope),))
            case t.TupleOf():
                return Con("*", tuple(self.infer(item, scope) for item in expr.items))
            case t.Apply():
                return self._apply(expr, scope)
            case t.Chain():
                return chained(expr.operator, [self.infer(one, scope) for one in expr.operands], self._level)
            case t.Let():
                for _, together in groupby(expr.bindings, key=lambda binding: binding.group):
                    scope = self._define(tuple(together), scope, top=False)
                return self.infer(expr.body, scope)
            case t.LetModule():
                inner = scope.inner()
                prefix = f"{expr.module.name.lower()}_"
                inner.modules[expr.module.name] = self.items(expr.module.items, inner.inner(), prefix=prefix)
                return self.infer(expr.body, inner)
            case t.Fun():
                return self._function(expr, scope)
            case t.Match():
                return self._match(expr, scope)
            case t.If():
                self.infer(expr.condition, scope)
                branches = (expr.then, expr.otherwise) if expr.otherwise is not None else (expr.then,)
                return self._alike(branches, scope)
            case t.Sequence():
                return [self.infer(step, scope) for step in expr.steps][-1]
            case t.Open():
                return self.infer(expr.body, scope.inner(expr.module))
            case t.Record():
                return self._made_record(expr, scope)
            case t.Field():
                return self._field(expr, scope)
            case t.Object():
                return self._object(expr, scope)
            case t.Assert():
                self.infer(expr.condition, scope)
                return Unknown_(self._level)
            case t.Unknown():
                return Unknown_(self._level)

    def _variable(self, expr: t.Var, scope: Scope) -> Type:
        found = scope.find(expr.path)
        self.found.symbols[expr] = found
        match found:
            case Local():
                found.uses += 1
                return instance(found.type, self._level)
            case Entry():
                return instance(found.type_in(self.found.release, self.found.lowest), self._level)
            case _:
                return Unknown_(self._level)

    def _constructor(self, expr: t.Constructor, scope: Scope) -> Type:
        inner = self.infer(expr.argument, scope) if expr.argument is not None else Unknown_(self._level)
        if expr.name in ("Some", "None"):
            return Con("option", (inner,))
        if not expr.tag and (own := scope.variant(expr.name)):
            self.found.variants[expr] = own
            return self.found.variant(own)
        return Con("result", (inner,)) if expr.name == "Ok" else Unknown_(self._level)

    def _alike(self, items: Iterable[t.Expr], scope: Scope) -> Type:
        type_: Type = Unknown_(self._level)
        for item in items:
            unify(type_, self.infer(item, scope))
        return type_

    def _apply(self, expr: t.Apply, scope: Scope) -> Type:
        type_ = resolved(self.infer(expr.function, scope))
        types = {argument: self.infer(argument.value, scope) for argument in expr.arguments}
        if isinstance(type_, Unknown_):
            whole: Type = Unknown_(self._level)
            for argument in reversed(expr.arguments):
                whole = Arrow(types[argument], whole, argument.label, argument.optional)
            unify(type_, whole)
            type_ = resolved(type_)
        if self._is_format(expr):
            name = self.found.entry(expr.function)
            return Con({"code": "code"}.get(name, "unit" if name in PRINTERS else "string"))
        rest = list(parameters(type_))
        end = rest[-1].result if rest else type_
        met: list[tuple[Arrow, t.Argument]] = []
        beyond: list[t.Argument] = []
        for argument in sorted(expr.arguments, key=lambda one: one.label is None):  # labels first: they commute
            param = self._meet(argument, rest)
            if param is None:
                beyond.append(argument)
                continue
            met.append((param, argument))
            self._pass(param, argument, types[argument])
        met = _ordered(met, type_)
        wanted = [param for param in rest if not (param.optional and not any(p.label is None for p in rest))]
        self.found.calls[expr] = Call(met=tuple(met), wanted=tuple(wanted), beyond=tuple(beyond))
        if self.found.entry(expr.function) == "impl" and (device := _device(types.values())):
            return Con("impl", device.args)  # before mirage 4 it took an object, and that alone
        result: Type = end
        for param in reversed(wanted):
            result = Arrow(param.param, result, param.label, param.optional)
        return result if not beyond else Unknown_(self._level)

    def _is_format(self, expr: t.Apply) -> bool:
        return self.found.entry(expr.function) in _FORMATTERS

    def _meet(self, argument: t.Argument, rest: list[Arrow]) -> Arrow | None:
        """The parameter that an argument is for, taken off the list; optional ones before a positional one go."""
        for at, param in enumerate(rest):
            if param.label == argument.label:
                rest.pop(at)
                if argument.label is None:
                    rest[:] = [one for place, one in enumerate(rest) if place >= at or not one.optional]
                return param
        return None

    def _pass(self, param: Arrow, argument: t.Argument, type_: Type) -> None:
        wanted = resolved(param.param)
        if param.optional and not argument.optional and isinstance(wanted, Con):
            wanted = wanted.args[0]
        unify(wanted, type_)

    def _function(self, expr: t.Fun, scope: Scope) -> Type:
        inner = scope.inner()
        params: list[tuple[t.Param, Type]] = []
        for param in expr.params:
            type_: Type = Unknown_(self._level)
            if param.default is not None:
                type_ = self.infer(param.default, inner)
            inside = Con("option", (type_,)) if param.optional and param.default is None else type_
            self._bind(param.pattern, inside, inner, param=param)
            params.append((param, Con("option", (type_,)) if param.optional else type_))
        result = self.infer(expr.body, inner)
        for param, type_ in reversed(params):
            result = Arrow(type_, result, param.label, param.optional)
        return result

    def _made_record(self, expr: t.Record, scope: Scope) -> Type:
        given = {name: self.infer(value, scope) for name, value in expr.fields}
        record = self._record_with(given)
        if expr.base is not None:
            self.infer(expr.base, scope)
        if record is None:
            return Con("ipv4_config")
        self.found.record_of[expr] = record.name
        for name, type_ in given.items():
            unify(self._field_type(record, name), type_)
        return Con(f"record {record.name}")

    def _field(self, expr: t.Field, scope: Scope) -> Type:
        whole = self.infer(expr.record, scope)
        record = self._record_with((expr.name,))
        if record is not None:
            unify(whole, Con(f"record {record.name}"))
        return self._field_type(record, expr.name)

    def _match(self, expr: t.Match, scope: Scope) -> Type:
        subject = self.infer(expr.subject, scope) if expr.subject is not None else Unknown_(self._level)
        result: Type = Unknown_(self._level)
        if expr.handler:
            unify(result, subject)
        for case in expr.cases:
            inner = scope.inner()
            if not expr.handler:
                self._bind(case.pattern, subject, inner)
            if case.guard is not None:
                self.infer(case.guard, inner)
            unify(result, self.infer(case.body, inner))
        return result if expr.subject is not None else Arrow(subject, result)

    def _object(self, expr: t.Object, scope: Scope) -> Type:
        type_: Type = Unknown_(self._level)
        for name, value in expr.methods:
            found = self.infer(value, scope)
            if name == "ty":
                type_ = found
        inner = Unknown_(self._level)
        unify(type_, Con("typ", (inner,)))
        return Con("device", (inner,))


def _device(types: Iterable[Type]) -> Con | None:
    return next((one for one in map(resolved, types) if isinstance(one, Con) and one.name == "device"), None)


_FORMATTERS = FORMATS | PRINTERS | {"connect_err"}
"""Functions whose further arguments a format asks for."""


def _ordered(met: list[tuple[Arrow, t.Argument]], type_: Type) -> list[tuple[Arrow, t.Argument]]:
    places = {id(param): at for at, param in enumerate(parameters(type_))}
    return sorted(met, key=lambda pair: places.get(id(pair[0]), len(places)))

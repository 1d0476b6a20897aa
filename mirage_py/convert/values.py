"""Values that keys decide: `Key.if_`, `Key.match_`, `Key.map`, applied functions, and lists of packages of those."""

from __future__ import annotations

from collections.abc import Iterator

from mirage_py.convert import tree as t
from mirage_py.convert.context import Context
from mirage_py.convert.lists import Lists
from mirage_py.convert.ocaml_types import Con
from mirage_py.convert.python import (
    Anonymous,
    Attribute,
    Called,
    Choice,
    Constant,
    Inverted,
    Item,
    Joined,
    Listed,
    Mapped,
    Not,
    PyExpr,
    Ref,
    Spread,
    Text,
    mpy_call,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local
from mirage_py.convert.words import word_of

__all__ = ["Values", "both"]


class Values:
    """How what depends on keys is said in mpy."""

    def __init__(self, context: Context, lists: Lists) -> None:
        self._c = context
        self._lists = lists

    def packages(self, given: dict[str, t.Expr]) -> PyExpr:
        """The packages of a device: a list, or what is a list once its keys are known."""
        plain, computed = given.get("packages"), given.get("packages_v")
        if computed is None:
            assert plain is not None
            return self._c.emit(plain)
        inside = self._pure(computed)
        if inside is not None and plain is None:
            return self._c.emit(inside)
        if inside is not None and plain is not None:
            return both(self._c.emit(plain), self._c.emit(inside), computed.line)
        value = self._tuple_value(computed)
        if plain is None:
            return value
        return self._mapped_with(value, self._c.emit(plain), computed.line)

    def _pure(self, expr: t.Expr) -> t.Expr | None:
        found = self._c.analysis.followed(expr)
        if isinstance(found, t.Apply) and self._c.analysis.entry(found.function) == "Key.pure":
            return found.arguments[0].value
        return None

    def _mapped_with(self, value: PyExpr, plain: PyExpr, line: int) -> PyExpr:
        more = Local(name="more", line=line, type=Con("list", (Con("package"),)))
        spread = plain.items if isinstance(plain, Listed) else (Spread(line=line, value=plain),)
        both = Listed(line=line, items=(*spread, Spread(line=line, value=Ref(line=line, local=more))), tuple_=True)
        function = Anonymous(line=line, params=(more,), body=both)
        return Called(line=line, function=Attribute(line=line, value=value, name="map"), args=(function,))

    def _tuple_value(self, expr: t.Expr) -> PyExpr:
        found = self._c.analysis.followed(expr)
        name = self._c.analysis.symbol(t.unopened(expr))
        if isinstance(name, Local) and name.top:
            return self._c.emit(expr)
        return self._c.emit(found)

    def if_value(self, expr: t.Apply) -> PyExpr:
        """`Key.if_ condition a b`, whose lists are tuples here."""
        condition, then, otherwise = (argument.value for argument in expr.arguments)
        holds = Local(name="holds", line=expr.line, type=Con("bool"))
        body = Choice(
            line=expr.line,
            condition=Ref(line=expr.line, local=holds),
            then=_as_tuple(self._c.emit(then)),
            otherwise=_as_tuple(self._c.emit(otherwise)),
        )
        function = Anonymous(line=expr.line, params=(holds,), body=body)
        map_ = Attribute(line=expr.line, value=self._c.emit(condition), name="map")
        return Called(line=expr.line, function=map_, args=(function,))

    def computed(self, head: t.Expr, given: list[t.Expr], line: int) -> PyExpr:
        """`Key.(pure f $ a $ b)`: what a function makes of values that are not known yet."""
        function = self._pure(head)
        if function is None:
            raise CannotConvert(head, "a function that is not known yet, applied to values")
        values = [self._c.emit(one) for one in given]
        short = self._shortened(function, values)
        if short is not None:
            return short
        whole = values[0]
        for one in values[1:]:
            whole = mpy_call("both", line, (whole, one))
        pair = Local(name="given", line=line, type=Con("any"))
        inside: PyExpr = Ref(line=line, local=pair)
        parts: list[PyExpr] = []
        for _ in values[1:]:
            parts.insert(0, Item(line=line, value=inside, index=Constant(line=line, value=1)))
            inside = Item(line=line, value=inside, index=Constant(line=line, value=0))
        replaced = dict(self._c.replaced)
        with self._c.block() as before:
            body = self._lists.applied(function, head, inside, *parts)
        if before:
            self._c.replaced = replaced
            body = self._step(function, head, inside, parts)
        step = Anonymous(line=line, params=(pair,), body=body)
        return Called(line=line, function=Attribute(line=line, value=whole, name="map"), args=(step,))

    def _step(self, function: t.Expr, head: t.Expr, first: PyExpr, parts: list[PyExpr]) -> PyExpr:
        """What a function of several statements makes: it gets a name before this one."""
        written = self._lists.written(function)
        if written is None or not isinstance(written[1], Called) or len(written[0]) != len(parts) + 1:
            raise CannotConvert(head, "a function of this form, applied to values")
        return Called(line=head.line, function=written[1].function, args=(first, *parts))

    def _shortened(self, function: t.Expr, values: list[PyExpr]) -> PyExpr | None:
        """`a & b`, where a function does no more than that."""
        found = self._c.analysis.followed(function)
        if self._c.analysis.entry(found) == "not":
            return Inverted(line=function.line, value=values[0])
        if not isinstance(found, t.Fun) or len(found.params) != len(values):
            return None
        body = t.unopened(found.body)
        if not isinstance(body, t.Chain) or body.operator not in ("&&", "||"):
            return None
        names = [self._c.analysis.locals.get(param.pattern) for param in found.params]
        if [self._c.analysis.symbol(t.unopened(one)) for one in body.operands] != names:
            return None
        return Joined(line=body.line, operator="&" if body.operator == "&&" else "|", operands=tuple(values))

    def mapped(self, function: t.Expr, given: t.Expr, line: int) -> PyExpr:
        """`Key.map f value`."""
        value = self._c.emit(given)
        names, body = self._lists.several(function, function, "value")
        if isinstance(body, Not) and isinstance(body.value, Ref) and (body.value.local,) == names:
            return Inverted(line=line, value=value)
        step = Anonymous(line=line, params=names, body=body)
        return Called(line=line, function=Attribute(line=line, value=value, name="map"), args=(step,))

    def match_value(self, expr: t.Apply) -> PyExpr:
        """`Key.match_ value (function ...)`."""
        value, function = (argument.value for argument in expr.arguments)
        cases = self._c.analysis.followed(function)
        if not isinstance(cases, t.Match) or cases.subject is not None:
            raise CannotConvert(expr, "Key.match_ with a function of this form")
        pairs: list[tuple[PyExpr, PyExpr]] = []
        default: PyExpr | None = None
        for case in cases.cases:
            made = _as_tuple(self._c.emit(case.body))
            if isinstance(case.pattern, (t.Anything, t.Name)):
                default = made
                break
            pairs += [(word, made) for word in _pattern_words(case.pattern)]
        match_ = Attribute(line=expr.line, value=self._c.emit(value), name="match")
        return Called(
            line=expr.line,
            function=match_,
            args=(Mapped(line=expr.line, items=tuple(pairs)), default or pairs[-1][1]),
        )


def both(first: PyExpr, second: PyExpr, line: int) -> PyExpr:
    """One list of two."""
    items: list[PyExpr] = []
    for one in (first, second):
        items += one.items if isinstance(one, Listed) else (Spread(line=line, value=one),)
    return Listed(line=line, items=tuple(items))


def _as_tuple(made: PyExpr) -> PyExpr:
    if isinstance(made, Listed):
        return Listed(line=made.line, items=made.items, tuple_=True)
    return made


def _pattern_words(pattern: t.Pattern) -> Iterator[PyExpr]:
    match pattern:
        case t.Case_of(argument=None):
            yield Text(line=pattern.line, parts=(word_of(pattern.name, tag=pattern.tag),))
        case t.Literal(value=str() as value):
            yield Text(line=pattern.line, parts=(value,))
        case t.Either():
            for one in pattern.alternatives:
                yield from _pattern_words(one)
        case _:
            raise CannotConvert(pattern, "this pattern of a match")

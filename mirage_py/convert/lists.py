"""OCaml's standard library, as far as configurations call it: lists, strings, paths."""

from __future__ import annotations

from collections.abc import Callable

from mirage_py.convert import tree as t
from mirage_py.convert.catalogue import Entry
from mirage_py.convert.context import Context
from mirage_py.convert.infer import unopened
from mirage_py.convert.ocaml_types import Con
from mirage_py.convert.python import (
    Attribute,
    Builtin,
    Called,
    Each,
    Formatted,
    Imported,
    Listed,
    PyExpr,
    Ref,
    Spread,
    Text,
)
from mirage_py.convert.report import CannotConvert
from mirage_py.convert.scope import Local

_IDENTITIES = frozenset(("Key.v", "Key.abstract", "key", "dep", "abstract", "Runtime_arg.v", "Fun.id", "Key.value"))


class Lists:
    """The functions of `List`, `String`, `Filename` and `Sys` that configurations use."""

    def __init__(
        self, context: Context, function_value: Callable[[t.Expr], tuple[tuple[Local, ...], PyExpr] | None]
    ) -> None:
        self._c = context
        self._function_value = function_value

    def mapped(self, expr: t.Apply) -> PyExpr:
        """`List.map f list`."""
        function, items = self._two(expr)
        if self._c.analysis.entry(function) in _IDENTITIES:
            return self._c.emit(items)
        name, element = self._applied(function, expr)
        return Each(line=expr.line, element=element, name=name, iterable=self._c.emit(items))

    def filtered(self, expr: t.Apply) -> PyExpr:
        """`List.filter f list`."""
        function, items = self._two(expr)
        name, condition = self._applied(function, expr)
        element = Ref(line=expr.line, local=name)
        return Each(line=expr.line, element=element, name=name, iterable=self._c.emit(items), condition=condition)

    def flattened(self, expr: t.Apply) -> PyExpr:
        """`List.concat lists`, of lists that are written here."""
        items = self._c.emit(expr.arguments[0].value)
        if not isinstance(items, Listed):
            raise CannotConvert(expr, "List.concat of lists that are not written here")
        return Listed(
            line=expr.line,
            items=tuple(
                one
                for item in items.items
                for one in (item.items if isinstance(item, Listed) else (Spread(line=item.line, value=item),))
            ),
        )

    def mapped_flat(self, expr: t.Apply) -> PyExpr:
        """`List.concat_map f list`."""
        raise CannotConvert(expr, "List.concat_map")

    def appended(self, expr: t.Apply) -> PyExpr:
        """`List.append a b`."""
        first, second = self._two(expr)
        spread = (Spread(line=one.line, value=self._c.emit(one)) for one in (first, second))
        return Listed(line=expr.line, items=tuple(spread))

    def length(self, expr: t.Apply) -> PyExpr:
        """`List.length list`."""
        return self._builtin("len", expr)

    def joined(self, expr: t.Apply) -> PyExpr:
        """`String.concat separator list`."""
        separator, items = self._two(expr)
        join = Attribute(line=expr.line, value=self._c.emit(separator), name="join")
        return Called(line=expr.line, function=join, args=(self._c.emit(items),))

    def lower(self, expr: t.Apply) -> PyExpr:
        """`String.lowercase_ascii text`."""
        return self._method("lower", expr)

    def upper(self, expr: t.Apply) -> PyExpr:
        """`String.uppercase_ascii text`."""
        return self._method("upper", expr)

    def folder(self, expr: t.Apply) -> PyExpr:
        """`Sys.getcwd ()`: OCaml configurations run in their own folder."""
        return Attribute(line=expr.line, value=self._here(expr.line), name="parent")

    def dirname(self, expr: t.Apply) -> PyExpr:
        """`Filename.dirname path`."""
        path = self._path(expr.arguments[0].value)
        return Attribute(line=expr.line, value=path, name="parent")

    def basename(self, expr: t.Apply) -> PyExpr:
        """`Filename.basename path`."""
        path = self._path(expr.arguments[0].value)
        return Attribute(line=expr.line, value=path, name="name")

    def path(self, expr: t.Apply) -> PyExpr:
        """`Filename.concat folder name`."""
        first, second = self._two(expr)
        return Formatted(line=expr.line, parts=((self._c.emit(first), "/", self._c.emit(second)),))

    def _here(self, line: int) -> PyExpr:
        path = Imported(line=line, name="Path", module="pathlib")
        file = Called(line=line, function=path, args=(Builtin(line=line, name="__file__"),))
        return Called(line=line, function=Attribute(line=line, value=file, name="absolute"))

    def _path(self, expr: t.Expr) -> PyExpr:
        made = self._c.emit(expr)
        if isinstance(made, Attribute):
            return made
        return Called(line=expr.line, function=Imported(line=expr.line, name="Path", module="pathlib"), args=(made,))

    def _two(self, expr: t.Apply) -> tuple[t.Expr, t.Expr]:
        if len(expr.arguments) != 2:
            raise CannotConvert(expr, "a function of the standard library, given one argument of two")
        first, second = expr.arguments
        return first.value, second.value

    def _builtin(self, name: str, expr: t.Apply) -> PyExpr:
        args = (self._c.emit(expr.arguments[0].value),)
        return Called(line=expr.line, function=Builtin(line=expr.line, name=name), args=args)

    def _method(self, name: str, expr: t.Apply) -> PyExpr:
        text = self._c.emit(expr.arguments[0].value)
        return Called(line=expr.line, function=Attribute(line=expr.line, value=text, name=name))

    def _applied(self, function: t.Expr, expr: t.Apply) -> tuple[Local, PyExpr]:
        """A name for each item, and the function applied to it."""
        written = self._function_value(function)
        if written is not None and len(written[0]) == 1:
            return written[0][0], written[1]
        local = Local(name="name", line=expr.line, type=Con("string"))
        item = Ref(line=expr.line, local=local)
        function = unopened(function)
        symbol = self._c.analysis.symbol(function)
        if isinstance(symbol, (Local, Entry)):
            return local, Called(line=expr.line, function=self._c.emit(function), args=(item,))
        if isinstance(function, t.Apply):
            made = self._c.emit(function)
            if isinstance(made, Called) and not isinstance(made.function, Imported | Text):
                return local, Called(line=expr.line, function=made, args=(item,))
            if isinstance(made, Called) and isinstance(made.function, Imported) and made.function.name == "partial":
                head, *args = made.args
                return local, Called(line=expr.line, function=head, args=(*args, item), keywords=made.keywords)
            if isinstance(made, Called):
                return local, Called(
                    line=expr.line, function=made.function, args=(*made.args, item), keywords=made.keywords
                )
        raise CannotConvert(expr, "a function of this form, applied to each item of a list")

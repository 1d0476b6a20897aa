"""The language's verbs besides `main` and `impl`: package, register, typ, if_impl, match_impl, runtime_arg, @->."""

from __future__ import annotations

import re

from mirage_py.convert import tree as t
from mirage_py.convert.context import Context
from mirage_py.convert.ocaml_types import Con
from mirage_py.convert.python import Constant, Joined, Listed, Mapped, PyExpr, Text, mpy_call
from mirage_py.convert.report import CannotConvert


class Verbs:
    """How each of these verbs is said in mpy's."""

    def __init__(self, context: Context) -> None:
        self._c = context

    def package(self, expr: t.Apply) -> PyExpr:
        """`package`."""
        args = tuple(self._c.emit(one.value) for one in expr.arguments if one.label is None)
        keywords = tuple(
            (_PACKAGE.get(one.label, one.label), self._c.emit(one.value))
            for one in expr.arguments
            if one.label is not None
        )
        keywords += self._linked(expr, keywords)
        return mpy_call("package", expr.line, args, keywords)

    def _linked(self, expr: t.Apply, keywords: tuple[tuple[str, PyExpr], ...]) -> tuple[tuple[str, PyExpr], ...]:
        """The library of a package of the switch: OCaml's tool links it unless it is for building only."""
        given = dict(keywords)
        scope = given.get("scope")
        name = next((self._c.analysis.followed(one.value) for one in expr.arguments if one.label is None), None)
        if not isinstance(scope, Text) or scope.text != "switch" or given.keys() & {"build", "libs", "sublibs"}:
            return ()
        if not isinstance(name, t.Str):
            return ()
        library = Text(line=expr.line, parts=(name.text,))
        return (("libs", Listed(line=expr.line, items=(library,))),)

    def runtime_arg(self, expr: t.Apply) -> PyExpr:
        """`runtime_arg`."""
        args, keywords = [], []
        for one in expr.arguments:
            if one.label is None:
                args.append(self._c.emit(one.value))
                self._tell_name(one.value)
            elif one.label == "packages":
                keywords.append(("packages", self._c.emit(one.value)))
        return mpy_call("runtime_arg", expr.line, tuple(args), tuple(keywords))

    def _tell_name(self, code: t.Expr) -> None:
        text = self._c.analysis.followed(code)
        if self._c.dialect.before(4, 10) and isinstance(text, t.Str) and re.search(r'\[\s*"name"\s*\]', text.text):
            self._c.report.add(
                code.line,
                "boot",
                "every unikernel has the boot option --name since 4.10: one that defines it again ends when it boots",
                "take this boot-time argument out, and use Mirage_runtime.name () where its value was used",
            )

    def register(self, expr: t.Apply) -> PyExpr:
        """`register`."""
        args: list[PyExpr] = []
        keywords: list[tuple[str, PyExpr]] = []
        for one in expr.arguments:
            if one.label is None:
                args.append(self._c.emit(one.value))
            elif one.label == "src":
                keywords.append(("src", self._source(one.value)))
            elif one.label == "libraries":
                raise CannotConvert(one, "~libraries of before 3.0: each package says now which of its own it links")
            elif one.label == "tracing":
                self._c.report.add(one.line, "dropped", "tracing is gone (4.4)")
            elif one.label not in ("packages", "keys") and not self._c.is_gone_value(one.value):
                keywords.append((one.label, self._c.emit(one.value)))
        call = mpy_call("register", expr.line, tuple(args), tuple(keywords))
        return call.begun() if len(args) < 2 else call

    def _source(self, expr: t.Expr) -> PyExpr:
        found = self._c.analysis.followed(expr)
        if isinstance(found, t.Constructor) and found.tag and found.name == "None":
            return Constant(line=expr.line, value=None)
        if isinstance(found, t.Constructor) and found.argument is not None:
            return self._c.emit(found.argument)
        return self._c.emit(found)

    def typ(self, expr: t.Apply) -> PyExpr:
        """`typ Constructor`: a module type of its own, by the name of OCaml's type."""
        value = expr.arguments[0].value
        own = self._c.analysis.variants.get(value)
        name = own or (value.name if isinstance(value, t.Constructor) else "own")
        args = (Text(line=expr.line, parts=(name.lower(),)),)
        return mpy_call("typ", expr.line, args)

    def if_impl(self, expr: t.Apply) -> PyExpr:
        """`if_impl`."""
        args = tuple(self._c.emit(argument.value) for argument in expr.arguments)
        call = mpy_call("if_impl", expr.line, args)
        return call.begun() if len(args) < 3 else call

    def match_impl(self, expr: t.Apply) -> PyExpr:
        """`match_impl value [(case, device); ...] ~default`."""
        positional = [one.value for one in expr.arguments if one.label is None]
        default = next((one.value for one in expr.arguments if one.label == "default"), None)
        if len(positional) != 2 or default is None:
            raise CannotConvert(expr, "match_impl without all of its arguments")
        listed = self._c.analysis.followed(positional[1])
        if not isinstance(listed, t.ListOf) or not all(isinstance(one, t.TupleOf) for one in listed.items):
            raise CannotConvert(expr, "match_impl whose cases are not written here")
        pairs = tuple(
            (self._c.emit(one.items[0]), self._c.emit(one.items[1]))
            for one in listed.items
            if isinstance(one, t.TupleOf)
        )
        args = (self._c.emit(positional[0]), Mapped(line=expr.line, items=pairs))
        return mpy_call("match_impl", expr.line, args, (("default", self._c.emit(default)),))

    def arrow(self, expr: t.Chain) -> PyExpr:
        """`a @-> b`."""
        kept = [one for one in expr.operands if not self._is_gone_type(one)]
        made = [self._c.emit(one) for one in kept]
        if not made:
            raise CannotConvert(expr, "a functor type of module types that are gone")
        return made[0] if len(made) == 1 else Joined(line=expr.line, operator=">>", operands=tuple(made))

    def _is_gone_type(self, expr: t.Expr) -> bool:
        type_ = self._c.analysis.type_of(t.unopened(expr))
        return isinstance(type_, Con) and type_.name == "typ" and self._c.gone_name(type_.args[0]) is not None


_PACKAGE = {"ocamlfind": "libs"}

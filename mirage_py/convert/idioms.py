# ruff: noqa: ARG005  # all of them are called with the place, whether they tell it or not
"""What each function of OCaml's library is in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mirage_py.convert.python import Constant, Formatted, Item, Listed, Not, PyExpr, Slice

if TYPE_CHECKING:
    from mirage_py.convert import tree as t
    from mirage_py.convert.lists import Given, Lists

Build = Callable[..., PyExpr]
"""Given the maker of calls, the place and the arguments of the function."""


def _value_or(s: Lists, at: t.Expr, given: Given, default: Given) -> PyExpr:
    whole = s.plain(s.value(given), at)
    return s.where_there(whole, whole, s.value(default))


def _as_list(s: Lists, at: t.Expr, given: Given) -> PyExpr:
    whole = s.plain(s.value(given), at)
    return s.where_there(whole, s.list_of(whole), Listed(line=at.line, items=()))


IDIOMS: Final[dict[str, Build]] = {
    "List.map": lambda s, at, f, xs: s.mapped(f, s.value(xs), at),
    "List.mapi": lambda s, at, f, xs: s.counted(f, s.value(xs), at),
    "List.map2": lambda s, at, f, xs, ys: s.mapped_two(f, s.value(xs), s.value(ys), at),
    "List.rev_map": lambda s, at, f, xs: s.mapped(f, s.reversed(s.value(xs)), at),
    "List.filter": lambda s, at, f, xs: s.kept(f, s.value(xs), at),
    "List.find_all": lambda s, at, f, xs: s.kept(f, s.value(xs), at),
    "List.filter_map": lambda s, at, f, xs: s.some(f, s.value(xs), at),
    "List.concat": lambda s, at, xs: s.flat(s.value(xs), at),
    "List.flatten": lambda s, at, xs: s.flat(s.value(xs), at),
    "List.concat_map": lambda s, at, f, xs: s.flat(s.mapped(f, s.value(xs), at), at),
    "List.fold_left": lambda s, at, f, x, xs: s.fold(f, x, s.value(xs), at, right=False),
    "List.fold_right": lambda s, at, f, xs, x: s.fold(f, x, s.value(xs), at, right=True),
    "List.init": lambda s, at, n, f: s.mapped(f, s.builtin("range", s.value(n)), at),
    "List.rev": lambda s, at, xs: s.builtin("list", s.reversed(s.value(xs))),
    "List.append": lambda s, at, xs, ys: s.together(s.value(xs), s.value(ys)),
    "List.rev_append": lambda s, at, xs, ys: s.together(s.reversed(s.value(xs)), s.value(ys)),
    "List.cons": lambda s, at, x, xs: s.together(s.list_of(s.value(x)), s.value(xs)),
    "List.length": lambda s, at, xs: s.builtin("len", s.value(xs)),
    "List.is_empty": lambda s, at, xs: Not(line=at.line, value=s.value(xs)),
    "List.hd": lambda s, at, xs: s.item(s.value(xs), 0),
    "List.tl": lambda s, at, xs: Slice(line=at.line, value=s.value(xs), start=Constant(line=at.line, value=1)),
    "List.nth": lambda s, at, xs, n: Item(line=at.line, value=s.value(xs), index=s.value(n)),
    "List.mem": lambda s, at, x, xs: s.joined("in", s.value(x), s.value(xs)),
    "List.exists": lambda s, at, f, xs: s.builtin("any", s.mapped(f, s.value(xs), at, bare=True)),
    "List.for_all": lambda s, at, f, xs: s.builtin("all", s.mapped(f, s.value(xs), at, bare=True)),
    "List.find": lambda s, at, f, xs: s.found(f, s.value(xs), at, optional=False),
    "List.find_opt": lambda s, at, f, xs: s.found(f, s.value(xs), at, optional=True),
    "List.assoc": lambda s, at, k, xs: Item(line=at.line, value=s.builtin("dict", s.value(xs)), index=s.value(k)),
    "List.assoc_opt": lambda s, at, k, xs: s.method(s.builtin("dict", s.value(xs)), "get", s.value(k)),
    "List.mem_assoc": lambda s, at, k, xs: s.joined("in", s.value(k), s.builtin("dict", s.value(xs))),
    "List.combine": lambda s, at, xs, ys: s.builtin("list", s.zipped(s.value(xs), s.value(ys))),
    "List.sort": lambda s, at, f, xs: s.builtin("sorted", s.value(xs)),
    "List.sort_uniq": lambda s, at, f, xs: s.builtin("sorted", s.builtin("set", s.value(xs))),
    "String.map": lambda s, at, f, x: s.letters(f, s.value(x), at),
    "String.concat": lambda s, at, by, xs: s.method(s.value(by), "join", s.value(xs)),
    "String.cat": lambda s, at, a, b: s.joined("+", s.value(a), s.value(b)),
    "String.length": lambda s, at, x: s.builtin("len", s.value(x)),
    "String.equal": lambda s, at, a, b: s.joined("==", s.value(a), s.value(b)),
    "String.lowercase_ascii": lambda s, at, x: s.method(s.value(x), "lower"),
    "String.uppercase_ascii": lambda s, at, x: s.method(s.value(x), "upper"),
    "String.capitalize_ascii": lambda s, at, x: s.capital(s.plain(s.value(x), at), "upper"),
    "String.uncapitalize_ascii": lambda s, at, x: s.capital(s.plain(s.value(x), at), "lower"),
    "String.trim": lambda s, at, x: s.method(s.value(x), "strip"),
    "String.sub": lambda s, at, x, start, count: s.part(s.value(x), s.value(start), s.value(count)),
    "String.make": lambda s, at, n, x: s.joined("*", s.value(x), s.value(n)),
    "String.split_on_char": lambda s, at, by, x: s.method(s.value(x), "split", s.value(by)),
    "String.contains": lambda s, at, x, what: s.joined("in", s.value(what), s.value(x)),
    "String.starts_with": lambda s, at, what, x: s.method(s.value(x), "startswith", s.value(what)),
    "String.ends_with": lambda s, at, what, x: s.method(s.value(x), "endswith", s.value(what)),
    "Option.value": _value_or,
    "Option.map": lambda s, at, f, x: s.option(f, x, Constant(line=at.line, value=None), at),
    "Option.bind": lambda s, at, x, f: s.option(f, x, Constant(line=at.line, value=None), at),
    "Option.fold": lambda s, at, none, some, x: s.option(some, x, s.value(none), at),
    "Option.to_list": _as_list,
    "Option.is_some": lambda s, at, x: s.there(s.value(x)),
    "Option.is_none": lambda s, at, x: s.joined("is", s.value(x), Constant(line=at.line, value=None)),
    "Option.get": lambda s, at, x: s.value(x),
    "Option.some": lambda s, at, x: s.value(x),
    "Filename.dirname": lambda s, at, x: s.of_path(s.value(x), "parent"),
    "Filename.basename": lambda s, at, x: s.of_path(s.value(x), "name"),
    "Filename.concat": lambda s, at, a, b: Formatted(line=at.line, parts=((s.value(a), "/", s.value(b)),)),
    "Sys.getcwd": lambda s, at, _: s.here(at.line),
    "Unix.getcwd": lambda s, at, _: s.here(at.line),
    "fst": lambda s, at, x: s.item(s.value(x), 0),
    "snd": lambda s, at, x: s.item(s.value(x), 1),
    "not": lambda s, at, x: Not(line=at.line, value=s.value(x)),
    "succ": lambda s, at, x: s.joined("+", s.value(x), Constant(line=at.line, value=1)),
    "pred": lambda s, at, x: s.joined("-", s.value(x), Constant(line=at.line, value=1)),
    "abs": lambda s, at, x: s.builtin("abs", s.value(x)),
    "min": lambda s, at, a, b: s.builtin("min", s.value(a), s.value(b)),
    "max": lambda s, at, a, b: s.builtin("max", s.value(a), s.value(b)),
    "string_of_int": lambda s, at, x: s.builtin("str", s.value(x)),
    "Int.to_string": lambda s, at, x: s.builtin("str", s.value(x)),
    "string_of_bool": lambda s, at, x: s.method(s.builtin("str", s.value(x)), "lower"),
    "Bool.to_string": lambda s, at, x: s.method(s.builtin("str", s.value(x)), "lower"),
    "int_of_string": lambda s, at, x: s.builtin("int", s.value(x)),
    "float_of_int": lambda s, at, x: s.builtin("float", s.value(x)),
    "int_of_float": lambda s, at, x: s.builtin("int", s.value(x)),
    "ref": lambda s, at, x: s.list_of(s.value(x)),
    "!": lambda s, at, x: s.item(s.value(x), 0),
}
"""What each function of the library is in Python."""

"""Names: those of the OCaml file where Python and mpy's language leave them free, else the nearest that fit."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator

from mirage_py.convert.ocaml_types import Arrow, Con, argument, is_con, resolved
from mirage_py.convert.python import (
    Anonymous,
    AnyStatement,
    Assign,
    Attempt,
    Builtin,
    Define,
    DefineRecord,
    Each,
    Imported,
    Loop,
    PyExpr,
    Ref,
    Todo,
    When,
    annotations_of,
    blocks,
    expressions,
    within,
)
from mirage_py.convert.report import Report
from mirage_py.convert.scope import Local

_BETTER = {
    "main": ("unikernel",),
    "stackv4v6": ("stack",),
    "block": ("disk",),
    "network": ("interface",),
    "ethernet": ("link",),
    "happy_eyeballs": ("eyeballs",),
    "dns_client": ("dns",),
    "git_client": ("git",),
    "http_server": ("server",),
    "http_client": ("client",),
    "alpn_client": ("client",),
    "conduit": ("connections",),
    "mimic": ("connections",),
    "kv_ro": ("store",),
    "kv_rw": ("store",),
    "resolver": ("names",),
    "job": ("jobs",),
    "impl": ("device",),
    "key": ("choice",),
    "tcpv4v6": ("tcp",),
    "ipv4": ("ip4",),
    "ipv6": ("ip6",),
    "register": ("registration",),
}
"""What a name that mpy's language needs for itself is called instead, where that is free."""

_ANNOTATED = re.compile(r"\b(str|int|bool|float|list|tuple|None)\b")


def imports(statements: list[AnyStatement]) -> dict[str, set[str]]:
    """The names that the statements need, by the modules that have them, those of annotations among them."""
    found = imported(statements)
    for statement in statements:
        for one in annotations_of(statement):
            for module, name in one.needs:
                found.setdefault(module, set()).add(name)
    return found


def imported(statements: Iterable[AnyStatement]) -> dict[str, set[str]]:
    """The names that the statements need when they run, by the modules that have them."""
    found: dict[str, set[str]] = {}
    for statement in statements:
        for expr in within(statement):
            if isinstance(expr, Imported):
                found.setdefault(expr.module, set()).add(expr.name)
    return found


def name_all(statements: list[AnyStatement], report: Report) -> None:
    """Give every name of the file's own the one that it has in Python."""
    _Naming(statements, report).run()


class _Naming:
    def __init__(self, statements: list[AnyStatement], report: Report) -> None:
        self._statements = statements
        self._report = report
        self._named: set[Local] = set()
        self._imported = {name for names in imports(statements).values() for name in names}
        self._taken = self._imported | set(_builtins_used(statements)) | set(keyword.kwlist)

    def run(self) -> None:
        """The names at the top of the file first, then those within functions."""
        top = list(_defined(self._statements))
        functions = {one.name for one in self._statements if isinstance(one, Define)}
        several = _repeated(top)
        later_first = list(reversed(top))
        for local in sorted(later_first, key=lambda one: _rank(one, functions)):
            self._give(local, self._candidates(local, functions), self._taken)
        for local in top:
            self._tell(local, several)
        for statement in self._statements:
            self._inside(statement, set())

    def _inside(self, statement: AnyStatement, around: set[str]) -> None:
        if isinstance(statement, Define):
            taken = self._visible(statement) | around
            for param in statement.params:
                self._give(param.local, _with_numbers(param.local.python or python_name(param.local.name)), taken)
            for local in _defined(statement.body):
                self._give(local, _with_numbers(python_name(local.name)), taken)
            for inner in statement.body:
                self._inside(inner, taken)
            return
        for block in blocks(statement):
            for inner in block:
                self._inside(inner, around)
        for expr in _outermost(statement):
            if isinstance(expr, (Anonymous, Each)):
                self._bound_within(expr)

    def _bound_within(self, expr: Anonymous | Each) -> None:
        """Names that an expression binds for itself: any but those that it uses."""
        each = expr.params if isinstance(expr, Anonymous) else [one for c in expr.clauses for one in c.names]
        own = {local for local in each if local not in self._named}
        taken = set(keyword.kwlist)
        for inner in expressions(expr):
            if isinstance(inner, (Imported, Builtin)):
                taken.add(inner.name)
            elif isinstance(inner, Ref) and inner.local not in own and inner.local.python is not None:
                taken.add(inner.local.python)
        for local in each:
            self._give(local, _with_numbers(python_name(local.name)), taken)

    def _visible(self, function: Define) -> set[str]:
        """The names that a function must leave alone: those it uses, of this file and of others."""
        found = set(keyword.kwlist) | set(_builtins_used([function]))
        for expr in within(function):
            if isinstance(expr, Imported):
                found.add(expr.name)
            elif isinstance(expr, Ref) and expr.local.python is not None and expr.local not in _own(function):
                found.add(expr.local.python)
        return found

    def _give(self, local: Local, candidates: Iterable[str], taken: set[str]) -> None:
        if local in self._named:
            return
        self._named.add(local)
        name = next(one for one in candidates if one not in taken)
        local.python = name
        taken.add(name)

    def _candidates(self, local: Local, functions: set[Local]) -> Iterator[str]:
        plain = python_name(local.name)
        if local.name == "connect" and local.prefix:
            yield f"{python_name(local.prefix)}_connect"
        yield plain
        if plain in self._imported:
            yield from _BETTER.get(plain, ())
        if local.prefix:
            yield f"{python_name(local.prefix).strip('_')}_{plain}"
        yield f"make_{plain}" if local in functions else f"{plain}_{_kind(local)}"
        yield from _with_numbers(plain)

    def _tell(self, local: Local, several: set[str]) -> None:
        if local.python == local.name or local.line == 0 or not local.value:
            return
        plain = python_name(local.name)
        if plain in self._imported:
            why = f"{plain} is a name of mpy's language that this file needs"
        elif local.name in several:
            why = f"the file defines {local.name} more than once"
        else:
            why = f"{local.name} is no name that Python leaves free"
        self._report.add(local.line, "renamed", f"{local.name} is called {local.python}: {why}")


def _repeated(locals_: Iterable[Local]) -> set[str]:
    seen: set[str] = set()
    return {local.name for local in locals_ if local.name in seen or seen.add(local.name)}  # type: ignore[func-returns-value]


def _defined(statements: Iterable[AnyStatement]) -> Iterator[Local]:
    for statement in statements:
        match statement:
            case Assign():
                yield from (local for local in statement.targets if local is not None)
            case Define() | DefineRecord():
                yield statement.name
            case Todo():
                yield from statement.defines
            case When():
                yield from _defined(statement.then)
                yield from _defined(statement.otherwise)
            case Attempt():
                for block in blocks(statement):
                    yield from _defined(block)
            case Loop():
                yield from statement.names
                yield from _defined(statement.body)
            case _:
                continue


def _outermost(statement: AnyStatement) -> Iterator[PyExpr]:
    """The expressions of a statement, without those of the statements within."""
    inside = {id(expr) for block in blocks(statement) for inner in block for expr in within(inner)}
    return (expr for expr in within(statement) if id(expr) not in inside)


def _own(function: Define) -> set[Local]:
    return {param.local for param in function.params} | set(_defined(function.body))


def _rank(local: Local, functions: set[Local]) -> int:
    """Who may keep a name that several have: devices and plain values, then what makes them."""
    if local in functions:
        return 2
    return {"type": 3, "functor": 1}.get(_kind(local), 0)


def _kind(local: Local) -> str:
    type_ = resolved(local.type)
    if is_con(type_, "typ"):
        return "type"
    if is_con(type_, "impl"):
        return "functor" if isinstance(argument(type_), Arrow) else "device"
    if is_con(type_, "key") or is_con(type_, "value"):
        return "key"
    return "value" if not isinstance(type_, Con) or type_.name != "list" else "list"


def python_name(name: str) -> str:
    """The name without OCaml's primes, as Python can have it; an operator by the names of its characters."""
    if not re.fullmatch(r"[\w']+", name):
        return "_".join(part if part.isalpha() else _MARKS.get(part, "mark") for part in re.findall(r"[a-z]+|.", name))
    plain = name.replace("'", "_prime")
    return f"{plain}_" if keyword.iskeyword(plain) or not plain.isidentifier() else plain


_MARKS = {
    "+": "plus",
    "-": "minus",
    "*": "times",
    "/": "by",
    "@": "at",
    "^": "caret",
    "$": "dollar",
    "%": "percent",
    "&": "ampersand",
    "|": "bar",
    "<": "less",
    ">": "greater",
    "=": "equals",
    "!": "bang",
    "?": "question",
    "~": "tilde",
    ":": "colon",
    ".": "dot",
    "#": "hash",
}
"""What the characters of an operator are called in the name of a function."""


def _with_numbers(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _builtins_used(statements: Iterable[AnyStatement]) -> Iterator[str]:
    for statement in statements:
        yield from (expr.name for expr in within(statement) if isinstance(expr, Builtin))
        for one in annotations_of(statement):
            yield from _ANNOTATED.findall(one.text)

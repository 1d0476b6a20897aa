"""Types of OCaml values, as far as a configuration needs them: what is applied to what, and what Python calls it.

Inference is by unification, with let-polymorphism by levels. What does not fit is not refused here: the typed checks of
the language itself do that, at the same line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from mirage_py.dataclass import dataclass

GENERIC = 1 << 30
"""The level of a variable that every use of its value has anew."""


class Unknown_:  # noqa: N801  # a type variable is the type that is not known yet
    """A type that is not known yet."""

    __slots__ = ("is_", "level")

    def __init__(self, level: int) -> None:
        self.level = level
        self.is_: Type | None = None


@dataclass(frozen=True)
class Con:
    """A type constructor with its arguments: `network impl` is Con("impl", (Con("network"),))."""

    name: str
    args: tuple[Type, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """A function type: one parameter, and what is left to do."""

    param: Type
    result: Type
    label: str | None = None
    optional: bool = False


Type = Unknown_ | Con | Arrow


def resolved(type_: Type) -> Type:
    """The type that a variable has been found to be, or the variable itself."""
    while isinstance(type_, Unknown_) and type_.is_ is not None:
        type_ = type_.is_
    return type_


def unify(left: Type, right: Type) -> bool:
    """Make two types one; whether they can be."""
    pairs = [(left, right)]
    fits = True
    while pairs:
        a, b = (resolved(side) for side in pairs.pop())
        if a is b:
            continue
        if isinstance(a, Unknown_):
            fits = _bind(a, b) and fits
        elif isinstance(b, Unknown_):
            fits = _bind(b, a) and fits
        elif isinstance(a, Con) and isinstance(b, Con):
            if a.name == b.name and len(a.args) == len(b.args):
                pairs += zip(a.args, b.args, strict=True)
            else:
                fits = False
        elif isinstance(a, Arrow) and isinstance(b, Arrow):
            pairs += [(a.param, b.param), (a.result, b.result)]
            fits = fits and a.label == b.label
        else:
            fits = False
    return fits


def _bind(variable: Unknown_, type_: Type) -> bool:
    stack = [type_]
    while stack:
        one = resolved(stack.pop())
        if one is variable:
            return False  # a type within itself: nothing of a configuration has one
        if isinstance(one, Unknown_):
            one.level = min(one.level, variable.level)
        stack += parts(one)
    variable.is_ = type_
    return True


def parts(type_: Type) -> tuple[Type, ...]:
    """The types that a type is made of."""
    match type_:
        case Con():
            return type_.args
        case Arrow():
            return (type_.param, type_.result)
        case _:
            return ()


def generalized(type_: Type, level: int) -> Type:
    """The type, whose variables of a deeper level stand for any type."""
    stack = [type_]
    while stack:
        one = resolved(stack.pop())
        if isinstance(one, Unknown_) and one.level > level:
            one.level = GENERIC
        stack += parts(one)
    return type_


def instance(type_: Type, level: int) -> Type:
    """The type with fresh variables for those that stand for any type."""
    return _copied(type_, level, {})


def _copied(type_: Type, level: int, fresh: dict[Unknown_, Type]) -> Type:
    type_ = resolved(type_)
    match type_:
        case Unknown_():
            if type_.level != GENERIC:
                return type_
            if type_ not in fresh:
                fresh[type_] = Unknown_(level)
            return fresh[type_]
        case Con(name, args):
            return Con(name, tuple(_copied(arg, level, fresh) for arg in args)) if args else type_
        case Arrow():
            param, result = _copied(type_.param, level, fresh), _copied(type_.result, level, fresh)
            return Arrow(param, result, type_.label, type_.optional)


def parameters(type_: Type) -> Iterator[Arrow]:
    """The parameters of a function type, in order."""
    type_ = resolved(type_)
    while isinstance(type_, Arrow):
        yield type_
        type_ = resolved(type_.result)


def result(type_: Type) -> Type:
    """What a function type yields in the end."""
    type_ = resolved(type_)
    while isinstance(type_, Arrow):
        type_ = resolved(type_.result)
    return type_


def is_con(type_: Type, name: str) -> bool:
    """Whether the type is built with this constructor."""
    type_ = resolved(type_)
    return isinstance(type_, Con) and type_.name == name


def argument(type_: Type, index: int = 0) -> Type:
    """An argument of a type constructor."""
    type_ = resolved(type_)
    return resolved(type_.args[index]) if isinstance(type_, Con) and len(type_.args) > index else Unknown_(GENERIC)


def impl_type(type_: Type) -> Type | None:
    """What an implementation implements, or None for what is none."""
    type_ = resolved(type_)
    return resolved(type_.args[0]) if isinstance(type_, Con) and is_con(type_, "impl") else None


# ---------------------------------------------------------------------------------------------------------------------
# Signatures, as OCaml writes them

ALIASES: dict[str, Type] = {
    f"{layer}{version}": Con(layer, (Con(version),))
    for layer in ("ip", "tcp", "udp")
    for version in ("v4", "v6", "v4v6")
}
"""`ipv4` is `v4 ip`, and so on."""

_TOKEN = re.compile(r"\s*(->|\*|\(|\)|,|\?|'[a-z]+|[A-Za-z_][A-Za-z0-9_.]*|:)")


@cache
def signature(text: str) -> Type:
    """The type that a signature says: `?group:string -> network impl -> stackv4v6 impl`."""
    tokens = _TOKEN.findall(text)
    reader = _Signature(tokens)
    return reader.arrow()


class _Signature:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._variables: dict[str, Type] = {}

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def arrow(self) -> Type:
        optional = self._peek() == "?"
        if optional:
            self._next()
        label = None
        if self._peek(1) == ":":
            label = self._next()
            self._next()
        param = self._product()
        if self._peek() != "->":
            return param
        self._next()
        return Arrow(Con("option", (param,)) if optional else param, self.arrow(), label, optional)

    def _product(self) -> Type:
        items = [self._applied()]
        while self._peek() == "*":
            self._next()
            items.append(self._applied())
        return items[0] if len(items) == 1 else Con("*", tuple(items))

    def _applied(self) -> Type:
        token = self._next()
        type_: Type
        args: tuple[Type, ...] = ()
        if token == "(":  # noqa: S105  # a mark of the notation
            inner = [self.arrow()]
            while self._peek() == ",":
                self._next()
                inner.append(self.arrow())
            self._next()
            type_ = inner[0]
            args = tuple(inner)
            if len(inner) > 1:
                type_ = Con(self._next(), args)
        elif token.startswith("'"):
            type_ = self._variables.setdefault(token, Unknown_(GENERIC))
        else:
            type_ = ALIASES.get(token) or Con(token)
        while re.match(r"[A-Za-z_]", self._peek()) and self._peek(1) != ":":
            type_ = Con(self._next(), (type_,))
        return type_

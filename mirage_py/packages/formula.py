"""Filters and filtered formulas of opam: first the filters are decided, then what is left is a formula over versions.

The order matters. `"a" {os = "win32"} | "b"` is `"b"` elsewhere: a dependency whose condition does not hold is gone,
where a dependency whose bound cannot be met makes its package impossible.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from mirage_py.errors import MpyError
from mirage_py.model.version import compare_versions
from mirage_py.packages.syntax import And, Group, Ident, Not, Option, Or, Relation, Value

__all__ = [
    "AllOf",
    "AnyOf",
    "Bound",
    "Compare",
    "Dependency",
    "Environment",
    "Formula",
    "alternatives",
    "bound_text",
    "conjuncts",
    "dependencies",
    "evaluate",
    "filter_text",
    "formula",
    "holds",
    "interpolate",
    "truth",
    "without",
]

Environment = Mapping[str, "str | bool"]
"""Variables with their values; one that is not there is undefined."""


class Compare(NamedTuple):
    """A bound on a version."""

    operator: str
    version: str


class Both(NamedTuple):
    """Both bounds."""

    left: Bound
    right: Bound


class Either(NamedTuple):
    """One of two bounds."""

    left: Bound
    right: Bound


Bound: TypeAlias = "Compare | Both | Either | None"
"""What a version must satisfy; None for any version."""


class Dependency(NamedTuple):
    """A package in a version that satisfies the bound."""

    name: str
    bound: Bound


class AllOf(NamedTuple):
    """All parts; none is true."""

    parts: tuple[Formula, ...]


class AnyOf(NamedTuple):
    """At least one part."""

    parts: tuple[Formula, ...]


Formula: TypeAlias = "Dependency | AllOf | AnyOf"

Formulas: Final = (Dependency, AllOf, AnyOf)

COMPARISONS: Final[Mapping[str, Callable[[int], bool]]] = {
    "=": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}
OPPOSITE: Final = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
INTERPOLATED: Final = re.compile(r"%%|%\{([^{}%]*)\}%")


class _Wrong(MpyError):
    """A formula that says nothing; the reader of the file adds the place."""


# ---------------------------------------------------------------------------------------------------------------------
# Filters


def truth(value: Value, environment: Environment) -> bool:
    """Whether a filter holds; what is undefined does not."""
    return evaluate(value, environment) is True


def evaluate(value: Value, environment: Environment) -> str | bool | None:
    """A filter's value, None where it is undefined: undefined & false is false, undefined | true is true."""
    match value:
        case bool():
            return value
        case Ident():
            return environment.get(value.partition("?")[0])
        case str():
            return interpolate(value, environment)
        case int():
            return str(value)
        case Group((inner,)):
            return evaluate(inner, environment)
        case Not(operator, inner):
            return _not(operator, evaluate(inner, environment))
        case And(left, right):
            return _and(_boolean(evaluate(left, environment)), right, environment)
        case Or(left, right):
            return _or(_boolean(evaluate(left, environment)), right, environment)
        case Relation(operator, left, right) if left is not None:
            return _compared(operator, evaluate(left, environment), evaluate(right, environment))
        case _:
            raise _Wrong("this is no filter")


def _not(operator: str, value: str | bool | None) -> bool | None:
    if operator == "?":
        return value is not None
    found = _boolean(value)
    return None if found is None else not found


def _and(left: bool | None, right: Value, environment: Environment) -> bool | None:
    if left is False:
        return False
    found = _boolean(evaluate(right, environment))
    return found if left or found is False else None


def _or(left: bool | None, right: Value, environment: Environment) -> bool | None:
    if left is True:
        return True
    found = _boolean(evaluate(right, environment))
    return found if left is False or found is True else None


def _boolean(value: str | bool | None) -> bool | None:
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else value


def _compared(operator: str, left: str | bool | None, right: str | bool | None) -> bool | None:
    if left is None or right is None or operator not in COMPARISONS:
        return None
    return COMPARISONS[operator](compare_versions(_text(left), _text(right)))


def _text(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def interpolate(text: str, environment: Environment) -> str:
    """A string with the values of `%{variable}%` and `%{variable?if-true:if-false}%` put in."""
    if "%" not in text:
        return text
    return INTERPOLATED.sub(lambda found: _interpolated(found, environment), text)


def _interpolated(found: re.Match[str], environment: Environment) -> str:
    if found.group() == "%%":
        return "%"
    name, asked, choice = found.group(1).partition("?")
    value = environment.get(name)
    if asked:
        yes, _, no = choice.partition(":")
        return yes if _boolean(value) else no
    return "" if value is None else _text(value)


# ---------------------------------------------------------------------------------------------------------------------
# Formulas


def formula(value: Value, environment: Environment, *, listed: type[AllOf | AnyOf] = AllOf) -> Formula | None:
    """What a `depends:` field asks for where these variables hold, or None where it asks for nothing.

    The elements of a list are joined as `listed` says: `conflicts:` and `depopts:` are alternatives.
    """
    match value:
        case Ident():
            raise _Wrong(f"{value} stands where a package is expected")
        case str():
            return Dependency(value, None)
        case Option(str(name), arguments):
            bound = _reduced_all(arguments, environment)
            return None if bound is False else Dependency(name, None if bound is True else bound)
        case list():
            return _joined(listed, (formula(one, environment) for one in value))
        case Group(values):
            return _joined(AllOf, (formula(one, environment) for one in values))
        case And(left, right):
            return _joined(AllOf, (formula(left, environment), formula(right, environment)))
        case Or(left, right):
            return _joined(AnyOf, (formula(left, environment), formula(right, environment)))
        case _:
            raise _Wrong("a package is expected here")


def _joined(kind: type[AllOf | AnyOf], parts: Iterable[Formula | None]) -> Formula | None:
    """The parts that are left, flattened."""
    flat: list[Formula] = []
    for part in parts:
        if part is not None:
            flat.extend(part.parts if isinstance(part, kind) else (part,))
    if not flat:
        return None
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _reduced_all(values: Iterable[Value], environment: Environment) -> Bound | bool:
    found: Bound | bool = True
    for value in values:
        found = _both(found, _reduced(value, environment))
    return found


def _reduced(value: Value, environment: Environment) -> Bound | bool:
    """What is left of the argument of a dependency when its filters are decided: a bound, or a truth."""
    match value:
        case Relation(operator, None, right):
            version = evaluate(right, environment)
            return False if version is None else Compare(operator, _text(version))
        case And(left, right):
            return _both(_reduced(left, environment), _reduced(right, environment))
        case Or(left, right):
            return _either(_reduced(left, environment), _reduced(right, environment))
        case Group(values):
            return _reduced_all(values, environment)
        case Not("!", inner):
            return _negated(_reduced(inner, environment))
        case _:
            return truth(value, environment)


def _both(left: Bound | bool, right: Bound | bool) -> Bound | bool:
    if left is False or right is False:
        return False
    if left is True or left is None:
        return right
    return left if right is True or right is None else Both(left, right)


def _either(left: Bound | bool, right: Bound | bool) -> Bound | bool:
    if left is True or right is True:
        return True
    if left is False or left is None:
        return right
    return left if right is False or right is None else Either(left, right)


def _negated(bound: Bound | bool) -> Bound | bool:
    match bound:
        case bool():
            return not bound
        case Compare(operator, version):
            return Compare(OPPOSITE[operator], version)
        case Both(left, right):
            return _either(_negated(left), _negated(right))
        case Either(left, right):
            return _both(_negated(left), _negated(right))
        case None:
            return None


def holds(bound: Bound, version: str) -> bool:
    """Whether a version satisfies a bound."""
    match bound:
        case None:
            return True
        case Compare(operator, other):
            return COMPARISONS[operator](compare_versions(version, other))
        case Both(left, right):
            return holds(left, version) and holds(right, version)
        case Either(left, right):
            return holds(left, version) or holds(right, version)


def bound_text(bound: Bound) -> str:
    """A bound as a person reads it: `>= 1.0 & < 2.0`; empty for any version."""
    match bound:
        case None:
            return ""
        case Compare(operator, version):
            return f"{operator} {version}"
        case Both(left, right):
            return f"{_inner(left)} & {_inner(right)}"
        case Either(left, right):
            return f"{bound_text(left)} | {bound_text(right)}"


def _inner(bound: Bound) -> str:
    return f"({bound_text(bound)})" if isinstance(bound, Either) else bound_text(bound)


def conjuncts(wanted: Formula | None) -> tuple[Formula, ...]:
    """The parts that must all hold: dependencies, and choices between some."""
    match wanted:
        case None:
            return ()
        case AllOf(parts):
            return parts
        case _:
            return (wanted,)


def alternatives(wanted: Formula) -> tuple[Formula, ...]:
    """The parts of which one must hold."""
    return wanted.parts if isinstance(wanted, AnyOf) else (wanted,)


def dependencies(wanted: Formula | None) -> Iterator[Dependency]:
    """Every dependency that is named anywhere."""
    match wanted:
        case Dependency():
            yield wanted
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from dependencies(part)
        case None:
            return


def without(wanted: Formula | None, refused: Collection[str]) -> Formula | bool | None:
    """The formula where these packages are not to be had: False where it cannot be met without one of them."""
    match wanted:
        case Dependency(name, _):
            return False if name in refused else wanted
        case AllOf(parts):
            kept = [without(part, refused) for part in parts]
            return False if False in kept else AllOf(tuple(one for one in kept if isinstance(one, Formulas)))
        case AnyOf(parts):
            left = tuple(one for one in (without(part, refused) for part in parts) if isinstance(one, Formulas))
            return AnyOf(left) if left else False
        case None:
            return None


def filter_text(value: Value) -> str:
    """A filter as opam writes it."""
    match value:
        case bool():
            return str(value).lower()
        case Ident() | int():
            return str(value)
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case Group(values):
            return f"({' & '.join(filter_text(one) for one in values)})"
        case Not(operator, inner):
            return f"{operator}{filter_text(inner)}"
        case And(left, right):
            return f"{filter_text(left)} & {filter_text(right)}"
        case Or(left, right):
            return f"{filter_text(left)} | {filter_text(right)}"
        case Relation(operator, left, right):
            return f"{filter_text(left)} {operator} {filter_text(right)}" if left is not None else filter_text(right)
        case _:
            raise _Wrong("this is no filter")

"""Frozen dataclasses for the modules that every start imports.

`dataclasses` writes and compiles six methods for each class when its module is imported: half a millisecond a class, a
fifth of what a query may take. Classes of `@frozen` share their methods. To type checkers, and to `replace`, `asdict`
and `fields`, they are what `@dataclass(frozen=True, kw_only=True)` makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass
class _Pattern:
    one: int = 0


_KIND = fields(_Pattern)[0]._field_type  # type: ignore[attr-defined]  # noqa: SLF001  # what marks a plain field


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """The class as a frozen dataclass whose fields are given by keyword; it has no base class with fields."""
    declared = {name: _field(cls, name, type_) for name, type_ in cls.__annotations__.items()}
    members: dict[str, object] = {
        "__dataclass_fields__": declared,
        "__init__": _initializer(cls.__name__, declared),
        "__setattr__": _refuse,
        "__delattr__": _refuse,
        "__eq__": _equal,
        "__hash__": _hash,
        "__repr__": _show,
    }
    for name, member in members.items():
        setattr(cls, name, member)
    return cls


def _field(cls: type[object], name: str, type_: Any) -> Field[Any]:  # any: a type, or its text
    given = cls.__dict__.get(name, MISSING)
    found: Field[Any] = given if isinstance(given, Field) else field(default=given)
    found.name, found.type, found.kw_only = name, type_, True
    found._field_type = _KIND  # type: ignore[attr-defined]  # noqa: SLF001
    if given is found and found.default is MISSING:
        delattr(cls, name)
    elif given is found:
        setattr(cls, name, found.default)
    return found


def _initializer(name: str, declared: Mapping[str, Field[Any]]) -> Any:  # any: a method of whatever class
    known = frozenset(declared)
    defaults = {one.name: one.default for one in declared.values() if one.default is not MISSING}
    factories = {one.name: one.default_factory for one in declared.values() if one.default_factory is not MISSING}
    required = known - defaults.keys() - factories.keys()

    def initialize(self: object, **given: object) -> None:
        if not (required <= given.keys() <= known):
            wrong = ", ".join(sorted((required - given.keys()) | (given.keys() - known)))
            raise TypeError(f"{name}() was not given, or does not take: {wrong}")
        values = self.__dict__
        values.update(defaults)
        values.update(given)
        for missing in factories.keys() - given.keys():
            values[missing] = factories[missing]()

    return initialize


def _compared(one: object) -> tuple[object, ...]:
    values = one.__dict__
    return tuple(values[name] for name, each in type(one).__dataclass_fields__.items() if each.compare)  # type: ignore[attr-defined]


def _equal(self: object, other: object) -> bool:
    return _compared(self) == _compared(other) if type(self) is type(other) else NotImplemented


def _hash(self: object) -> int:
    return hash(_compared(self))


def _show(self: object) -> str:
    values = ", ".join(f"{name}={self.__dict__[name]!r}" for name in type(self).__dataclass_fields__)  # type: ignore[attr-defined]
    return f"{type(self).__qualname__}({values})"


def _refuse(_self: object, name: str, *_value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")

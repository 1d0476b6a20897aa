"""Module types and functor types: what may be applied to what.

A module type is a value that stands for an OCaml signature. `network >> ethernet` is the type of a functor from one to
the other; arrows are flattened, so `a >> (b >> c)` and `(a >> b) >> c` are one type and a functor is never a parameter.
The type parameters carry the same rule into the editor: a tag class stands for each module type.
"""

from __future__ import annotations

import re
from typing import Any, Generic, NoReturn, TypeVar, TypeVarTuple, overload

from mirage_py.dsl.check import shown
from mirage_py.dsl.place import here
from mirage_py.errors import ConfigError

T = TypeVar("T")
U = TypeVar("U")
Ts = TypeVarTuple("Ts")
Us = TypeVarTuple("Us")


class ModuleType(Generic[T]):
    """The type of a module, known by its identity: two module types are equal only when they are the same value."""

    __slots__ = ("name", "signature")

    def __init__(self, name: str, signature: str = "") -> None:
        self.name = name
        self.signature = signature

    @overload
    def __rshift__(self, other: ModuleType[U]) -> FunctorType[T, U]: ...
    @overload
    def __rshift__(self, other: FunctorType[*Us]) -> FunctorType[T, *Us]: ...
    def __rshift__(self, other: ModuleType[Any] | FunctorType[*Us]) -> FunctorType[*tuple[Any, ...]]:
        return _arrow((self,), other)

    def __rrshift__(self, other: object) -> NoReturn:
        _arrow((), other)
        raise AssertionError  # the line above has refused it

    def __matmul__(self, other: object) -> NoReturn:
        raise _ocaml_arrow("@")

    def __sub__(self, other: object) -> NoReturn:
        raise _ocaml_arrow("->")

    def __repr__(self) -> str:
        return self.name


def _ocaml_arrow(arrow: str) -> ConfigError:
    return ConfigError(f"functor types are written with >>, not with {arrow}", location=here(), hint="network >> job")


class FunctorType(Generic[*Ts]):
    """The type of a functor: its parameters in order, then its result."""

    __slots__ = ("params", "result")

    def __init__(self, params: tuple[ModuleType[Any], ...], result: ModuleType[Any]) -> None:
        self.params = params
        self.result = result

    @overload
    def __rshift__(self, other: ModuleType[U]) -> FunctorType[*Ts, U]: ...
    @overload
    def __rshift__(self, other: FunctorType[*tuple[Any, ...]]) -> FunctorType[*tuple[Any, ...]]: ...
    def __rshift__(self, other: ModuleType[Any] | FunctorType[*tuple[Any, ...]]) -> FunctorType[*tuple[Any, ...]]:
        return _arrow((*self.params, self.result), other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctorType) and (self.params, self.result) == (other.params, other.result)

    def __hash__(self) -> int:
        return hash((self.params, self.result))

    def __repr__(self) -> str:
        return " >> ".join(t.name for t in (*self.params, self.result))


AnyType = ModuleType[Any] | FunctorType[*tuple[Any, ...]]


def _arrow(params: tuple[ModuleType[Any], ...], result: object) -> FunctorType[*tuple[Any, ...]]:
    match result:
        case ModuleType():
            return FunctorType(params, result)
        case FunctorType():
            return FunctorType((*params, *result.params), result.result)
        case _:
            raise ConfigError(
                f"a functor type is made of module types, got {shown(result)}",
                location=here(),
                hint="write for instance network >> job; make a module type of your own with typ(...)",
            )


@overload
def typ(tag: type[T], *, signature: str = ...) -> ModuleType[T]: ...
@overload
def typ(tag: str, *, signature: str = ...) -> ModuleType[Any]: ...
def typ(tag: str | type[T], *, signature: str = "") -> ModuleType[Any]:
    """A new module type, different from every other, named by a string or by a tag class.

    A tag class (any empty class) lets mypy and pyright tell the new type from the others; a string does not.
    `signature` is the OCaml module type, for people to read.
    """
    name = tag if isinstance(tag, str) else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", tag.__name__).lower()
    return ModuleType(name, signature)


def params_of(type_: AnyType) -> tuple[ModuleType[Any], ...]:
    """The parameters of a functor type; none for a module type."""
    return type_.params if isinstance(type_, FunctorType) else ()


def result_of(type_: AnyType) -> ModuleType[Any]:
    """What a functor type yields; a module type itself."""
    return type_.result if isinstance(type_, FunctorType) else type_

"""Values computed from configure-time keys.

A `Value` remembers the keys it reads, so that mpy knows which options decide a branch, and is computed once choices are
known. It is never true or false by itself: Python's `if` cannot wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from mirage_py.dsl.place import guarded, here
from mirage_py.errors import ConfigError

if TYPE_CHECKING:
    from mirage_py.dsl.key import Key

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")
U = TypeVar("U")

Choices = Mapping[str, Any]
"""Key name to chosen value. Any: a key's own type says what its name maps to."""


class Value(Generic[T_co]):
    """Something that is known once the keys are: `keys` are those it reads, `compute` gets the chosen values."""

    __slots__ = ("_compute", "keys")

    def __init__(self, keys: tuple[Key[Any], ...], compute: Callable[[Choices], T_co]) -> None:
        self.keys = keys
        self._compute = compute

    def eval(self, choices: Choices) -> T_co:
        """The value under these choices; a key that was not chosen has its default."""
        return self._compute(choices)

    def map(self, function: Callable[[T_co], U]) -> Value[U]:
        """The value that `function` makes of this one."""
        safe = guarded(function, "a value computed from keys", here())
        return Value(self.keys, lambda choices: safe(self.eval(choices)))

    def is_(self, *alternatives: object) -> Value[bool]:
        """Whether the value equals one of the alternatives."""
        return self.map(alternatives.__contains__)

    def match(self, cases: Mapping[Any, T], default: T) -> Value[T]:
        """The entry of `cases` under this value, else `default`."""
        return Value(self.keys, lambda choices: cases.get(self.eval(choices), default))

    def __and__(self: Value[bool], other: Value[bool]) -> Value[bool]:
        return both(self, other).map(lambda pair: pair[0] and pair[1])

    def __or__(self: Value[bool], other: Value[bool]) -> Value[bool]:
        return both(self, other).map(lambda pair: pair[0] or pair[1])

    def __invert__(self: Value[bool]) -> Value[bool]:
        return self.map(lambda value: not value)

    def __bool__(self) -> NoReturn:
        raise ConfigError(
            f"{self} has no value yet: keys are chosen after config.py has run",
            location=here(),
            hint="decide with if_impl(value, a, b) or match_impl(value, ...); combine with &, | and ~",
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Value):
            return self is other
        raise ConfigError(
            f"{self} cannot be compared with == while config.py runs",
            location=here(),
            hint=f"write .is_({other!r}), which gives a value for if_impl",
        )

    __hash__ = object.__hash__

    def __str__(self) -> str:
        return "a value of " + (", ".join(key.name for key in self.keys) or "no key")


def pure(value: T) -> Value[T]:
    """A value that reads no key."""
    return Value((), lambda _: value)


def both(left: Value[T], right: Value[U]) -> Value[tuple[T, U]]:
    """Two values as a pair."""
    return Value(_union(left.keys, right.keys), lambda choices: (left.eval(choices), right.eval(choices)))


def as_value(value: T | Value[T]) -> Value[T]:
    """The value itself, or a plain thing wrapped as a value that reads no key."""
    return value if isinstance(value, Value) else pure(value)


def _union(left: tuple[Key[Any], ...], right: tuple[Key[Any], ...]) -> tuple[Key[Any], ...]:
    return left if left is right else (*left, *(key for key in right if key not in left))

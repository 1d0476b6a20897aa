"""Dataclasses that are quick to define are what Python's own are: each is made both ways here."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from functools import cached_property
from typing import Any, ClassVar

import pytest

import mirage_py.dataclass as light


def point(module: Any, **options: Any) -> Any:
    @module.dataclass(**options)
    class Point:
        """A place."""

        kinds: ClassVar[int] = 2
        x: int
        y: int = 7
        names: list[str] = module.field(default_factory=list)
        remark: str = module.field(default="", compare=False)
        secret: str = module.field(default="s", repr=False)

        @cached_property
        def both(self) -> int:
            return self.x + self.y

    return Point


def extended(module: Any) -> Any:
    @module.dataclass(frozen=True, kw_only=True)
    class Base:
        first: int
        second: int = 2

    @module.dataclass(frozen=True, kw_only=True)
    class Derived(Base):
        second: int = 3
        third: int = 4

    return Derived


def told(action: Any) -> Any:
    """What comes of an action: its value, or the kind of its failure."""
    try:
        return repr(action())
    except Exception as error:  # noqa: BLE001  # whatever it is
        return type(error).__name__


OPTIONS = [
    {"frozen": True},
    {"frozen": True, "kw_only": True},
    {"frozen": True, "eq": False},
    {"kw_only": True},
    {},
]
ACTIONS: dict[str, Any] = {
    "made": lambda of: of(x=1),
    "made by place": lambda of: of(1, 2),
    "made of nothing": lambda of: of(),
    "made of too much": lambda of: of(x=1, z=2),
    "equal": lambda of: (of(x=1) == of(x=1), of(x=1, remark="a") == of(x=1, remark="b"), of(x=1) == of(x=2)),
    "equal to others": lambda of: of(x=1) == (1, 7),
    "hashed": lambda of: {of(x=1, names=()): 1}[of(x=1, names=())],
    "changed": lambda of: setattr(of(x=1), "x", 2),
    "removed": lambda of: delattr(of(x=1), "x"),
    "own default": lambda of: of(x=1).names is of(x=1).names,
    "given default": lambda of: of(x=1, names=["a"]).names,
    "in the class": lambda of: (of.y, of.remark, hasattr(of, "names"), of.__doc__, of.__match_args__),
    "cached": lambda of: of(x=1).both,
    "fields": lambda of: [(one.name, one.compare, one.repr) for one in dataclasses.fields(of)],
    "as a dict": lambda of: dataclasses.asdict(of(x=1)),
    "fields, then made": lambda of: (len(dataclasses.fields(of)), of(x=1), of(x=1) == of(x=1)),
    "made, then fields": lambda of: (of(x=1), len(dataclasses.fields(of)), of(x=2)),
    "is one": lambda of: (dataclasses.is_dataclass(of), dataclasses.is_dataclass(of(x=1))),
    "copied": lambda of: copy.deepcopy(of(x=1, names=["a"])),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_class_does_what_pythons_own_does(action: str, options: dict[str, Any]) -> None:
    ours, theirs = (point(module, **options) for module in (light, dataclasses))
    assert told(lambda: ACTIONS[action](ours)) == told(lambda: ACTIONS[action](theirs))


@pytest.mark.parametrize("module", [light, dataclasses])
def test_a_class_extends_another(module: Any) -> None:
    derived = extended(module)
    assert repr(derived(first=1)).endswith("Derived(first=1, second=3, third=4)")
    assert [one.name for one in dataclasses.fields(derived)] == ["first", "second", "third"]
    assert module.replace(derived(first=1), third=9) == derived(first=1, third=9)


def test_replace_takes_both_kinds() -> None:
    for module in (light, dataclasses):
        assert light.replace(point(module, frozen=True)(x=1), x=2).x == 2


@light.dataclass(frozen=True, kw_only=True)
class Kept:
    """A value that is stored."""

    name: str
    parts: tuple[int, ...] = ()


def test_value_is_stored_and_read_again() -> None:
    assert pickle.loads(pickle.dumps(Kept(name="a", parts=(1,)))) == Kept(name="a", parts=(1,))


def test_class_with_an_own_beginning_keeps_it() -> None:
    @light.dataclass(frozen=True, init=False)
    class Own:
        value: int

        def __init__(self, text: str) -> None:
            object.__setattr__(self, "value", int(text))

        def __repr__(self) -> str:
            return f"<{self.value}>"

    assert repr(Own("7")) == "<7>"
    assert Own("7") == Own("7")


def test_what_is_to_be_done_after_the_beginning_is_done() -> None:
    @light.dataclass(frozen=True, kw_only=True)
    class Checked:
        value: int

        def __post_init__(self) -> None:
            if self.value < 0:
                raise ValueError("below zero")

    with pytest.raises(ValueError, match="below zero"):
        Checked(value=-1)

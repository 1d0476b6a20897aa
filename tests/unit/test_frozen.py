"""Classes of `@frozen` are the dataclasses that they stand for."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace

import pytest

from mirage_py.model.frozen import frozen


@frozen
class Ours:
    """A class of ours."""

    one: int
    two: str = "two"
    three: tuple[int, ...] = field(default_factory=tuple)
    place: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """The same."""

    one: int
    two: str = "two"
    three: tuple[int, ...] = field(default_factory=tuple)
    place: str | None = field(default=None, compare=False)


GIVEN = ({"one": 1}, {"one": 1, "two": "deux"}, {"one": 2, "three": (3,), "place": "here"})


@pytest.mark.parametrize("given", GIVEN, ids=["least", "some", "all"])
def test_shows_itself_as_a_dataclass_does(given: dict[str, object]) -> None:
    assert repr(Ours(**given)) == repr(Theirs(**given)).replace("Theirs", "Ours")  # type: ignore[arg-type]
    assert asdict(Ours(**given)) == asdict(Theirs(**given))  # type: ignore[arg-type]


def test_has_the_same_fields() -> None:
    def described(kind: type[Ours] | type[Theirs]) -> list[tuple[object, ...]]:
        return [(one.name, one.type, one.default, one.kw_only, one.compare, one.init) for one in fields(kind)]

    assert described(Ours) == described(Theirs)
    assert Ours.two == "two"
    assert not hasattr(Ours, "three")


def test_is_equal_by_what_is_compared() -> None:
    assert Ours(one=1, place="here") == Ours(one=1, place="there")
    assert hash(Ours(one=1, place="here")) == hash(Ours(one=1, place="there"))
    assert Ours(one=1) != Ours(one=2)
    assert Ours(one=1) != Theirs(one=1)  # type: ignore[comparison-overlap]
    assert len({Ours(one=1), Ours(one=1), Ours(one=2)}) == 2


def test_is_frozen() -> None:
    one = Ours(one=1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'one'"):
        one.one = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.one


def test_is_replaced_copied_and_pickled() -> None:
    one = Ours(one=1, three=(1, 2))
    assert replace(one, two="deux") == Ours(one=1, two="deux", three=(1, 2))
    assert copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize(
    ("given", "wrong"), [({}, "one"), ({"one": 1, "four": 4}, "four"), ({"two": "", "five": 5}, "five, one")]
)
def test_refuses_what_it_does_not_take(given: dict[str, object], wrong: str) -> None:
    with pytest.raises(TypeError, match=rf"^Ours\(\) was not given, or does not take: {wrong}$"):
        Ours(**given)  # type: ignore[arg-type]


def test_takes_keywords_only() -> None:
    with pytest.raises(TypeError):
        Ours(1)  # type: ignore[call-arg]


def test_every_instance_has_a_value_of_its_own_from_a_factory() -> None:
    @frozen
    class Holder:
        """Holds a list."""

        things: list[int] = field(default_factory=list)

    assert Holder().things is not Holder().things

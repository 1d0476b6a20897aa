"""Values: computed once keys are known, never true or false before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from mirage_py.dsl import key
from mirage_py.dsl.value import Value, both, pure
from mirage_py.errors import ConfigError

a, b = key.flag("a"), key.flag("b")
NOTHING: dict[str, str] = {}
truth = st.dictionaries(st.sampled_from(["a", "b"]), st.booleans())
formula: st.SearchStrategy[tuple[Value[bool], Any]] = st.recursive(
    st.sampled_from([(a, lambda c: c.get("a", False)), (b, lambda c: c.get("b", False))]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: (p[0][0] & p[1][0], lambda c: p[0][1](c) and p[1][1](c))),
        st.tuples(inner, inner).map(lambda p: (p[0][0] | p[1][0], lambda c: p[0][1](c) or p[1][1](c))),
        inner.map(lambda one: (~one[0], lambda c: not one[1](c))),
    ),
)


@given(formula, truth)
def test_formula_of_values_is_the_formula_of_its_choices(
    pair: tuple[Value[bool], Any], choices: dict[str, bool]
) -> None:
    value, meant = pair
    assert value.eval(choices) is meant(choices)
    assert {one.name for one in value.keys} <= {"a", "b"}


def test_value_remembers_the_keys_it_reads_once() -> None:
    assert [one.name for one in ((a & b) | ~a).keys] == ["a", "b"]
    assert pure(1).keys == ()


@given(st.text(), st.lists(st.text()))
def test_is_tells_whether_it_is_one_of_these(chosen: str, alternatives: list[str]) -> None:
    assert key.string("s", default="").is_(*alternatives).eval({"s": chosen}) is (chosen in alternatives)


def test_match_gives_the_entry_or_the_default() -> None:
    value = key.target.match({"hvt": 1}, 0)
    assert (value.eval({"target": "hvt"}), value.eval({"target": "spt"})) == (1, 0)


def test_pair_of_values() -> None:
    assert both(a, pure("x")).eval({"a": True}) == (True, "x")


def test_value_is_neither_true_nor_false_nor_equal() -> None:
    with pytest.raises(ConfigError, match="no value yet"):
        bool(a)
    with pytest.raises(ConfigError, match="cannot be compared with =="):
        _ = key.target == "hvt"
    assert a == a  # noqa: PLR0124
    assert a != b


def test_mistake_in_a_computation_points_to_its_line() -> None:
    broken = key.target.map(lambda target: NOTHING[target])
    with pytest.raises(ConfigError, match="KeyError: 'hvt'") as refused:
        broken.eval({"target": "hvt"})
    assert refused.value.location is not None
    assert refused.value.location.file.endswith("test_values.py")

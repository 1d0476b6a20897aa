"""Keys: what is written on the command line is what config.py reads."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from mirage_py.dsl import key
from mirage_py.dsl.value import RESERVED, Key
from mirage_py.errors import ConfigError, UsageError
from mirage_py.resolve.context import choose

WORD = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
names = st.from_regex(WORD, fullmatch=True).filter(lambda name: name not in RESERVED)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(names, st.booleans())
def test_flag_reads_what_it_shows(name: str, value: bool) -> None:
    flag = key.flag(name)
    assert flag.parse([flag.show(value)]) is value


@given(names, st.integers())
def test_integer_reads_what_it_shows(name: str, value: int) -> None:
    number = key.integer(name, default=0)
    assert number.parse([number.show(value)]) == value


@given(names, st.text())
def test_string_reads_what_it_shows(name: str, value: str) -> None:
    text = key.string(name, default="")
    assert text.parse([text.show(value)]) == value


@given(names, st.lists(st.text()))
def test_repeatable_key_keeps_all_in_order(name: str, values: list[str]) -> None:
    assert key.strings(name).parse(values) == tuple(values)


@given(
    names,
    st.dictionaries(words, st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.tuples()), min_size=1),
)
def test_enumeration_reads_what_it_shows(name: str, values: dict[str, Any]) -> None:
    choice: Key[Any] = key.enum(name, values)
    for meant in values.values():
        assert choice.parse([choice.show(meant)]) == meant


def test_enumeration_of_truth_values_shows_its_words() -> None:
    switch = key.enum("light", {"on": True, "off": False}, default=True)
    assert (switch.show(True), switch.show(False)) == ("on", "off")


@pytest.mark.slow
@given(st.lists(names, unique=True, min_size=2))
def test_environment_names_differ_as_names_do(given_names: list[str]) -> None:
    found = [key.flag(name).environment for name in given_names]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"MPY_KEY_[A-Z0-9_]+", name) for name in found)


@given(names, names)
def test_group_stands_before_the_name(group: str, name: str) -> None:
    if f"{group}-{name}" not in RESERVED:
        assert key.flag(name, group=group).name == f"{group}-{name}"


@given(names)
def test_empty_group_is_none(name: str) -> None:
    assert key.flag(name, group="").name == name


@pytest.mark.parametrize("name", ["", "-x", "x-", "a--b", "X", "é", "a b", "a_b", "1st", "x\n"])
def test_name_that_is_no_option_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="not a word for the command line"):
        key.flag(name)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_option_of_mpy_is_refused_unless_in_a_group(name: str) -> None:
    with pytest.raises(ConfigError, match="option of mpy"):
        key.flag(name)
    assert key.flag(name, group="my").name == f"my-{name}"


@pytest.mark.parametrize("text", ["", "x", "1.5", "0x10", "--1"])
def test_integer_refuses_what_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="whole number"):
        key.integer("n", default=0).parse([text])


def test_enumeration_suggests_the_nearest_word() -> None:
    with pytest.raises(UsageError) as refused:
        key.net().parse(["hots"])
    assert refused.value.hint == "did you mean host?"


@pytest.mark.parametrize("values", [[], [1, 2], [""], {1: "a"}])
def test_enumeration_wants_words(values: Any) -> None:
    with pytest.raises(ConfigError):
        key.enum("k", values)


def test_default_of_an_enumeration_is_one_of_its_values() -> None:
    with pytest.raises(ConfigError, match="not one of its values"):
        key.enum("k", ["a", "b"], default="c")


def test_key_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="given 2 times"):
        key.string("k", default="").parse(["a", "b"])


def test_required_key_is_asked_for_only_when_read() -> None:
    needed = key.string("needed", required=True, doc="what is needed")
    assert needed.eval({"needed": "x"}) == "x"
    with pytest.raises(UsageError, match="--needed has no default") as refused:
        needed.eval({})
    assert "MPY_KEY_NEEDED" in (refused.value.hint or "")


@given(st.booleans(), st.booleans(), st.booleans())
def test_flag_wins_over_environment_over_saved(by_flag: bool, by_environment: bool, saved: bool) -> None:
    text = key.string("k", default="default")
    context = choose(
        {"k": text},
        flags={"k": ("flag",)} if by_flag else {},
        environment={"MPY_KEY_K": "environment"} if by_environment else {},
        saved={"k": ("saved",)} if saved else {},
    )
    sources = [("flag", by_flag), ("environment", by_environment), ("saved", saved), ("default", True)]
    expected = next(source for source, present in sources if present)
    assert (text.eval(context), context.source(text)) == (expected, expected)


def test_saved_choice_satisfies_a_required_key() -> None:
    needed = key.string("needed", required=True)
    assert needed.eval(choose({"needed": needed}, flags={}, environment={}, saved={"needed": ("x",)})) == "x"


def test_unknown_key_gets_a_suggestion() -> None:
    with pytest.raises(UsageError) as refused:
        choose({"no-dhcp": key.no_dhcp()}, flags={"no-dchp": ("",)}, environment={}, saved={})
    assert refused.value.hint == "did you mean no-dhcp?"


def test_saved_choice_of_a_key_that_is_gone_is_dropped() -> None:
    assert dict(choose({}, flags={}, environment={}, saved={"gone": ("x",)})) == {}

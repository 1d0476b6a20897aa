"""Saved choices: read back as written, and never guessed at when they are damaged."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mirage_py.dsl.key import TARGETS
from mirage_py.errors import MpyError
from mirage_py.project.choices import FILE, Saved, SavedTarget, read_state, state_text

text = st.text(st.characters(exclude_categories=["Cs"]))
name = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True)
chosen = st.dictionaries(name, st.tuples(st.lists(text).map(tuple), st.sampled_from(["flag", "environment", "saved"])))


@st.composite
def targets(draw: st.DrawFn) -> SavedTarget:
    choices = draw(chosen)
    return SavedTarget(
        choices={key: words for key, (words, _) in choices.items()},
        sources={key: source for key, (_, source) in choices.items()},
        output=draw(st.none() | name),
        link=draw(st.sampled_from([None, "cross", "pkg-config"])),
    )


states = st.dictionaries(name, st.dictionaries(st.sampled_from(TARGETS), targets(), max_size=3), max_size=3)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(saved=states)
def test_state_is_read_back_as_written(tmp_path: Path, saved: Saved) -> None:
    (tmp_path / FILE).write_text(state_text(saved), encoding="utf-8")
    assert read_state(tmp_path) == saved
    assert state_text(dict(reversed(list(saved.items())))) == state_text(saved)


def test_no_file_is_no_choice(tmp_path: Path) -> None:
    assert read_state(tmp_path) == {}


GOOD = {"k": {"words": ["v"], "source": "flag"}}


def edited(**one: object) -> str:
    return json.dumps({"format": 1, "digest": "by hand", "unikernels": {"a": {"unix": {"choices": GOOD, **one}}}})


def test_file_edited_by_hand_is_read_when_it_is_right(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(edited(output="b"), encoding="utf-8")
    assert read_state(tmp_path)["a"]["unix"].output == "b"


BROKEN = {
    "nothing": "",
    "half": '{"format": 1, "unik',
    "list": "[]",
    "null": "null",
    "no unikernels": '{"format": 1}',
    "unikernels are null": '{"format": 1, "unikernels": null}',
    "digest of null": json.dumps({"format": 1, "unikernels": None, "digest": sha256(b"null").hexdigest()}),
    "unknown field": edited(more=1),
    "output is a path": edited(output="../../x"),
    "choices are text": edited(choices="x"),
    "words are no list": edited(choices={"k": {"words": "v"}}),
    "unknown target": edited().replace('"unix"', '"plan9"'),
    "unknown link": edited(link="static"),
    "no JSON": "<xml/>",
    "merge conflict": "<<<<<<< HEAD\n{}",
}  # fmt: skip


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_damaged_file_is_refused_with_the_way_out(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(MpyError, match="saved choices") as refused:
        read_state(tmp_path)
    assert "--reset" in (refused.value.hint or "")


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(MpyError, match="saved choices"):
        read_state(tmp_path)


def test_file_of_a_newer_mpy_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"format": 2, "unikernels": []}', encoding="utf-8")
    with pytest.raises(MpyError, match="newer mpy"):
        read_state(tmp_path)

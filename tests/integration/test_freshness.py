"""`mpy run` says when an image is no longer what its sources and choices make; `mpy run --build` builds it first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import MakeProject, Mpy

pytestmark = [pytest.mark.slow, pytest.mark.ocaml]

CONFIG = """from mirage_py import if_impl, job, key, main, package, register

shared = {"packages": [package("said")], "local_libs": ["here"]}
loud = key.flag("loud", doc="speak up")
register("words", [if_impl(loud, main("Unikernel.Loud", job, **shared), main("Unikernel.Quiet", job, **shared))])
"""
USER = """let say word = Logs.info (fun m -> m "%s %s" Said.word word); Lwt.return_unit
module Quiet = struct let start () = say Here.word end
module Loud = struct let start () = say (String.uppercase_ascii Here.word) end
"""
FILES = {
    "config.py": CONFIG,
    "unikernel.ml": USER,
    "here/dune": "(library (name here))\n",
    "here/here.ml": 'let word = "here"\n',
    "duniverse/said/dune-project": "(lang dune 2.9)\n",
    "duniverse/said/said.opam": "",
    "duniverse/said/dune": "(library (public_name said))\n",
    "duniverse/said/said.ml": 'let word = "said"\n',
}


@pytest.fixture
def words(project: MakeProject, mpy: Mpy) -> Path:
    """A project that is built for unix."""
    folder = project(FILES)
    mpy("build", "-t", "unix", code=0)
    return folder


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_image_that_is_what_its_sources_make_is_run_without_a_word(words: Path, mpy: Mpy) -> None:
    done = mpy("run", code=0)
    assert "older" not in done.stderr
    assert "said here" in done.stdout + done.stderr


def test_time_of_a_file_alone_says_nothing(words: Path, mpy: Mpy) -> None:
    os.utime(words / "unikernel.ml")
    assert "older" not in mpy("run", code=0).stderr
    replaced(words / "unikernel.ml", "let say", "(* a comment *) let say")
    mpy("build", code=0)
    assert "older" not in mpy("run", code=0).stderr, "the image did not change, and was built all the same"


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("unikernel.ml", '"%s %s"', '"%s, %s"', "unikernel.ml"),
        ("here/here.ml", '"here"', '"there"', "here/here.ml"),
        ("here/dune", "(name here)", "(name here) (wrapped false)", "here/dune"),
        ("duniverse/said/said.ml", '"said"', '"sung"', "duniverse/said"),
        ("config.py", 'register("words", [if', '\nregister("words", [if', "what is configured"),
    ],
)
def test_what_changed_since_is_named(file: str, old: str, new: str, named: str, words: Path, mpy: Mpy) -> None:
    replaced(words / file, old, new)
    told = mpy("run", code=0).stderr
    assert f"warning: dist/words is older than {named}\n" in told
    assert "hint:  mpy run --build builds it first" in told


def test_choice_that_changed_is_a_change(words: Path, mpy: Mpy) -> None:
    mpy("configure", "-t", "unix", "--loud", code=0)
    assert "dist/words is older than what is configured" in mpy("run", code=0).stderr
    done = mpy("run", "--build", code=0)
    assert "said HERE" in done.stdout + done.stderr
    (words / "more.ml").write_text("let more = 1\n")
    assert "dist/words is older than more.ml" in mpy("run", code=0).stderr


def test_it_is_built_first_where_that_is_wanted(words: Path, mpy: Mpy) -> None:
    replaced(words / "here/here.ml", '"here"', '"there"')
    done = mpy("run", "--build", code=0)
    assert "said there" in done.stdout + done.stderr
    assert "older" not in done.stderr
    assert "run it:" not in done.stdout, "standard output is the unikernel's"


def test_image_that_was_never_built_is_built_first(project: MakeProject, mpy: Mpy) -> None:
    project("noop")
    mpy("run", "-t", "unix", "--build", code=0)


def test_build_that_fails_is_the_end(words: Path, mpy: Mpy) -> None:
    replaced(words / "unikernel.ml", "Said.word", "Said.words")
    assert "error: unikernel.ml:1: " in mpy("run", "--build", code=6).stderr


def test_note_that_cannot_be_read_says_nothing(words: Path, mpy: Mpy) -> None:
    for text in ("", "{}", "[1]", '{"files": {"x": [1]}, "folders": {}, "plan": ""}'):
        (words / "mirage/.stubs/built/words-unix.json").write_text(text)
        assert "older" not in mpy("run", code=0).stderr

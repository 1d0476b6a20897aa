"""What describe, doctor, query and build say of mpy.lock: before anything is pulled, after, and beside a checkout."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mirage_py.cli.app import main
from mirage_py.errors import LibraryNotFound, PackageConflict
from mirage_py.libraries.missing import refusal
from mirage_py.model.closure import Closure, Conflict, Missing
from tests.unit.packages.releases import Releases, library

pytestmark = pytest.mark.ocaml

CONFIG = """\
from mirage_py import *

register("hello", [main("Unikernel", job, packages=[package("one"), package("two")])])
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "config.py").write_text(CONFIG)
    (folder / "unikernel.ml").write_text("let start () = Lwt.return_unit\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def releases(root: Path) -> Releases:
    made = Releases(root.parent / "mirror")
    made.add("one", version="1.2.0")
    made.add("two")
    made.write(root)
    return made


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main([*words, "-t", "unix"]) == code
    told = capsys.readouterr()
    return told.out + told.err


def pull(releases: Releases) -> None:
    assert main(["pull", "--offline", "--mirror", str(releases.mirror)]) == 0


def test_build_without_a_lock_says_lock_and_pull_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "build", code=5)
    assert "hint:  mpy lock && mpy pull\n       or mpy build --pull, which does both first\n" in told


def test_build_before_the_pull_says_pull_first(
    root: Path, releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(capsys, "build", code=5)
    assert "one: asked for by Unikernel (config.py:3); 1.2.0 in mpy.lock, not pulled" in told
    assert "hint:  mpy pull\n       or mpy build --pull, which does it first\n" in told


def test_build_with_a_package_that_is_not_locked_says_lock(
    root: Path, releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    releases.forget("two")
    releases.write(root)
    told = answer(capsys, "build", code=5)
    assert "hint:  mpy lock && mpy pull\n       opam" in told or "hint:  mpy lock && mpy pull\n       or put" in told


def test_describe_doctor_and_query_know_the_lock_before_the_pull(
    root: Path, releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(capsys, "describe")
    assert "1.2.0 in mpy.lock, not pulled" in told
    assert "mpy.lock  2 packages from 2 sources  2 not pulled: mpy pull" in told
    (line,) = answer(capsys, "describe", "--format", "json").splitlines()
    assert json.loads(line)["sources"]["waiting"] == ["one", "two"]
    told = answer(capsys, "doctor", code=5)
    assert "2 packages are in mpy.lock, not pulled: one, two" in told
    assert "2 sources of mpy.lock are not pulled" in answer(capsys, "query", "libraries")


def test_after_the_pull_nothing_is_said_of_it(
    root: Path, releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    pull(releases)
    told = answer(capsys, "describe")
    assert "not pulled" not in told
    assert "mpy.lock  2 packages from 2 sources  pulled" in told
    assert "not pulled" not in answer(capsys, "query", "libraries")


def test_checkout_is_shown_until_it_is_dropped(
    root: Path, releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    pull(releases)
    checkout = root.parent / "one"
    for name, text in library("one", version="9.0.0").items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    assert main(["dev", "one", "../one"]) == 0
    told = answer(capsys, "describe")
    assert "from the checkout ../one" in told
    assert "until mpy dev --drop one" in told
    assert "; one from the checkout ../one" in answer(capsys, "doctor")
    assert main(["dev", "--drop", "one", "--offline", "--mirror", str(releases.mirror)]) == 0
    assert "checkout" not in answer(capsys, "describe")


def test_damaged_lock_is_told_and_describe_still_answers(
    root: Path, releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "mpy.lock").write_text("<<<<<<< ours\n")
    assert "remove it and make it anew: mpy lock" in answer(capsys, "describe")
    assert "this lock is not TOML" in answer(capsys, "doctor", code=5)


def test_what_sources_would_mend_is_told_as_missing_before_it_is_told_as_a_conflict() -> None:
    installed = Conflict(kind="family", message="the installed one was compiled against another two")
    closure = Closure(label="hello-unix", target="unix", roots=("one",), libraries=(), conflicts=(installed,))
    assert isinstance(refusal([closure], None), PackageConflict)
    told = refusal([replace(closure, missing=(Missing(package="three", libraries=("three",)),))], None)
    assert isinstance(told, LibraryNotFound)
    assert told.hint is not None
    assert told.hint.startswith("mpy lock && mpy pull")

"""A checkout in a package's place, and what `--locked` refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mirage_py.errors import LockError, UsageError, WouldOverwrite
from mirage_py.libraries.vendored import Vendored
from mirage_py.workflow.dev import check_locked, chosen_folders, drop, put
from mirage_py.workflow.pull import Where, pull
from tests.unit.packages.releases import Releases, library


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OPAMROOT", str(tmp_path / "opam"))
    made = Releases(tmp_path / "mirror")
    made.add("one")
    made.add("two", library("two", "one"))
    return made


@pytest.fixture
def root(tmp_path: Path, releases: Releases) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    releases.write(folder)
    pull(folder, where(releases))
    return folder


def where(releases: Releases) -> Where:
    return Where(mirrors=(str(releases.mirror),), offline=True)


def checkout_of(folder: Path, name: str) -> Path:
    for file, text in library(name, version="9.9.9").items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder


def test_a_checkout_serves_until_it_is_dropped(root: Path, releases: Releases, tmp_path: Path) -> None:
    check_locked(root)
    checkout = checkout_of(tmp_path / "mine", "one")
    assert put(root, "one", checkout).checkout == "../mine"
    assert '"9.9.9"' in (root / "mirage/duniverse/one/src/one.ml").read_text()
    assert Vendored((root / "mirage/duniverse",)).libraries["one"].directory == root / "mirage/duniverse/one/src"
    assert [one.folder for one in chosen_folders(root)] == ["one"]
    assert pull(root, where(releases)).linked == {"one": "../mine"}
    with pytest.raises(LockError, match="--locked takes no others") as failed:
        check_locked(root)
    assert failed.value.details == ("one: a checkout serves, ../mine",)
    drop(root, "one")
    assert pull(root, where(releases)).laid == ("one",)
    assert '"1.0.0"' in (root / "mirage/duniverse/one/src/one.ml").read_text()
    assert (checkout / "src/one.ml").is_file()
    check_locked(root)


def test_an_edit_is_not_lost_to_a_checkout(root: Path, tmp_path: Path) -> None:
    (root / "mirage/duniverse/one/src/one.ml").write_text("let mine = 1\n")
    with pytest.raises(WouldOverwrite, match="this folder was edited"):
        put(root, "one", checkout_of(tmp_path / "mine", "one"))
    with pytest.raises(LockError, match="--locked") as failed:
        check_locked(root)
    assert failed.value.details == ("one: edited (src/one.ml)",)


def test_what_is_no_checkout_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        put(root, "one", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="has no dune-project"):
        put(root, "one", tmp_path / "empty")
    with pytest.raises(UsageError, match="three is not vendored") as failed:
        put(root, "three", checkout_of(tmp_path / "mine", "three"))
    assert failed.value.hint == "there is one, two"
    with pytest.raises(UsageError, match="no checkout serves for one"):
        drop(root, "one")


def test_before_anything_was_locked(tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    put(folder, "one", checkout_of(tmp_path / "mine", "one"))
    assert os.readlink(folder / "mirage/duniverse/one") == "../../../mine"

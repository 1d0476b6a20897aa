"""mpy bundle: what is in the archive, and that it is the same bits each time."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from mirage_py.errors import LockError
from mirage_py.libraries import bundled
from mirage_py.workflow.bundle import bundle
from mirage_py.workflow.dev import check_locked, put
from mirage_py.workflow.pull import Where, pull
from tests.unit.packages.releases import Releases, library

HIDDEN = {".github/workflows/test.yml": "on: push\n", ".ocamlformat": "", "one.install": "lib: []\n"}
"""What belongs to a release as everything else does."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OPAMROOT", str(tmp_path / "opam"))
    releases = Releases(tmp_path / "mirror")
    releases.add("one", library("one") | HIDDEN | {"link": "placeholder"})
    folder = tmp_path / "project"
    for name in (
        "config.py",
        "unikernel.ml",
        "data/keep.txt",
        ".git/config",
        "dist/hello",
        "_build/x",
        "__pycache__/y.pyc",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    releases.write(folder)
    pull(folder, Where(mirrors=(str(releases.mirror),), offline=True))
    return folder


def names(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return {name for name in tar.getnames() if "/.runtime/" not in name and "/.mpy/" not in name}


def test_everything_is_in_it_but_what_was_made(root: Path, tmp_path: Path) -> None:
    made = bundle(root, "config.py", tmp_path / "out/hello.tar.gz")
    assert names(made.path) == {
        "hello/config.py",
        "hello/data/keep.txt",
        "hello/mirage/bundle.json",
        "hello/mpy.lock",
        "hello/unikernel.ml",
        *(f"hello/mirage/duniverse/one/{name}" for name in (*library("one"), *HIDDEN, "link")),
    }


def test_the_same_files_give_the_same_archive_in_another_folder(root: Path, tmp_path: Path) -> None:
    first = bundle(root, "config.py", tmp_path / "a/hello.tar.gz")
    shutil.copytree(root, tmp_path / "elsewhere")
    second = bundle(tmp_path / "elsewhere", "config.py", tmp_path / "b/hello.tar.gz")
    assert first.sha256 == second.sha256
    assert first.path.read_bytes() == second.path.read_bytes()


def test_unpacked_it_is_right_without_a_network_and_without_a_cache(root: Path, tmp_path: Path) -> None:
    made = bundle(root, "config.py", tmp_path / "hello.tar.gz")
    with tarfile.open(made.path) as tar:
        tar.extractall(tmp_path / "there", filter="data")
    shutil.rmtree(tmp_path / "mirror")
    there = tmp_path / "there/hello"
    assert pull(there, Where(offline=True)).kept == ("one",)
    check_locked(there)
    note = json.loads((there / "mirage/bundle.json").read_text())
    assert note["files"]["config.py"].startswith("sha256=")


def test_the_runtime_that_came_along_is_taken(root: Path, tmp_path: Path) -> None:
    made = bundle(root, "config.py", tmp_path / "hello.tar.gz")
    with tarfile.open(made.path) as tar:
        tar.extractall(tmp_path / "there", filter="data")
    try:
        assert bundled.take_runtime_of(tmp_path / "there/hello")
        packages = bundled.bundled_packages()
        assert all(one.directory.is_relative_to(tmp_path / "there") for one in packages.values())
    finally:
        assert not bundled.take_runtime_of(root)
    assert set(bundled.bundled_packages()) == set(packages)


def test_what_is_not_locked_is_not_bundled(root: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "mine"
    shutil.copytree(root / "mirage/duniverse/one", checkout)
    put(root, "one", checkout)
    with pytest.raises(LockError, match="--locked takes no others"):
        bundle(root, "config.py", tmp_path / "hello.tar.gz")
    assert not (tmp_path / "hello.tar.gz").exists()

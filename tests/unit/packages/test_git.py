"""Sources from a git repository: a branch becomes a commit and a tree, and the commit becomes a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mirage_py.errors import FetchFailed
from mirage_py.packages.git import check_out, resolve

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not on PATH")


@pytest.fixture
def url(tmp_path: Path) -> str:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "dune-project").write_text("(lang dune 2.9)\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    git(folder, "tag", "-a", "v1", "-m", "one")
    (folder / "later").write_text("later\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "second")
    return f"git+file://{folder}"


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@invalid")
    subprocess.run(("git", *who, *words), cwd=folder, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})


def test_a_ref_is_resolved_and_its_files_are_laid(url: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for ref, files in (
        ("v1", ["dune-project"]),
        ("main", ["dune-project", "later"]),
        (None, ["dune-project", "later"]),
    ):
        found = resolve(url, ref, cache)
        check_out(found, tmp_path / f"into-{ref}", cache)
        assert sorted(os.listdir(tmp_path / f"into-{ref}")) == files
        assert resolve(url, found.commit, cache).tree == found.tree


def test_another_tree_than_the_locked_one_is_refused(url: str, tmp_path: Path) -> None:
    found = replace(resolve(url, "v1", tmp_path / "cache"), tree="0" * 40)
    with pytest.raises(FetchFailed, match="has another tree than") as failed:
        check_out(found, tmp_path / "into", tmp_path / "cache")
    assert failed.value.details[0] == f"expected {'0' * 40}"
    assert not (tmp_path / "into").exists()


def test_what_is_not_there_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="has no branch or tag nowhere"):
        resolve(url, "nowhere", tmp_path / "cache")
    with pytest.raises(FetchFailed, match="has no commit 1111"):
        resolve(url, "1" * 40, tmp_path / "cache")
    with pytest.raises(FetchFailed, match="cannot be fetched by git"):
        resolve(f"git+file://{tmp_path}/nothing", None, tmp_path / "cache")


def test_offline_takes_a_commit_from_the_cache_alone(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="--offline opens no connection"):
        resolve("git+https://example.invalid/x.git", "1" * 40, tmp_path / "cache", offline=True)


def test_a_path_is_relative_to_the_folder_of_the_lock(url: str, tmp_path: Path) -> None:
    cache, root = tmp_path / "cache", tmp_path / "project"
    found = resolve("../repository", "v1", cache, root=root)
    assert found.url == "../repository"
    assert found.commit == resolve(url, "v1", cache).commit
    check_out(found, tmp_path / "into", cache, root=root)
    assert os.listdir(tmp_path / "into") == ["dune-project"]

"""Which dune-project above counts: dune carries out the rules of whatever is below the root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mirage_py.project.folders import dune_root, has_dune_project

ME = 4711
"""Who runs mpy, for these tests; files are of who runs the tests, or of whom `owned` says."""


class Owned:
    """Files that say they belong to somebody: only root could give them away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.owners: dict[Path, int] = {}
        real = os.stat

        def told(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
            state = real(path, follow_symlinks=follow_symlinks)
            owner = self.owners.get(Path(path), ME)
            return os.stat_result((*state[:4], owner, *state[5:10]))

        monkeypatch.setattr(Path, "stat", told)
        monkeypatch.setattr(Path, "lstat", lambda path: told(path, follow_symlinks=False))
        monkeypatch.setattr(os, "getuid", lambda: ME)


@pytest.fixture
def owned(monkeypatch: pytest.MonkeyPatch) -> Owned:
    return Owned(monkeypatch)


def project(tmp_path: Path) -> tuple[Path, Path]:
    """A project, and the dune-project of a folder above it."""
    folder = tmp_path / "shared" / "mine" / "unikernel"
    folder.mkdir(parents=True)
    above = tmp_path / "shared" / "dune-project"
    above.write_text("(lang dune 2.9)\n", encoding="utf-8")
    return folder, above


def test_own_one_above_is_the_root(tmp_path: Path, owned: Owned) -> None:
    folder, above = project(tmp_path)
    assert dune_root(folder) == above.parent
    assert has_dune_project(folder)


@pytest.mark.parametrize("owner", [0, 1234])
def test_one_of_somebody_else_does_not_count(tmp_path: Path, owned: Owned, owner: int) -> None:
    folder, above = project(tmp_path)
    owned.owners[above] = owner
    assert dune_root(folder) == folder
    assert not has_dune_project(folder)


def test_one_of_root_counts_within_the_repository(tmp_path: Path, owned: Owned) -> None:
    folder, above = project(tmp_path)
    owned.owners[above] = 0
    (folder / ".git").mkdir()
    assert dune_root(folder) == folder
    (folder / ".git").rmdir()
    (above.parent / ".git").mkdir()
    assert dune_root(folder) == above.parent


def test_one_of_who_owns_the_project_counts_for_root_too(tmp_path: Path, owned: Owned) -> None:
    folder, above = project(tmp_path)
    owned.owners |= {above: 1234, folder: 1234}
    assert dune_root(folder) == above.parent


def test_link_does_not_count(tmp_path: Path, owned: Owned) -> None:
    folder, above = project(tmp_path)
    above.rename(tmp_path / "elsewhere")
    above.symlink_to(tmp_path / "elsewhere")
    assert dune_root(folder) == folder

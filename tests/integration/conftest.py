"""What the tests share that build: dune's cache, running an image, and what a folder holds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Finished


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder, the same for all tests of a process: dune's cache remembers where something was compiled."""
    folder = tmp_path_factory.getbasetemp() / "here"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def dune_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile what all examples link once in a test session: the cache is where `mpy` has its own caches."""
    monkeypatch.setenv("DUNE_CACHE", "enabled")
    monkeypatch.setenv("DUNE_CACHE_TRANSPORT", "direct")  # dune 2.9 would start a daemon


Start = Callable[..., Finished]


@pytest.fixture
def start() -> Start:
    """Runs an image of the unix target: `start(folder / "dist/hello", "--help=plain")`."""

    def run(image: Path, *args: str, code: int = 0) -> Finished:
        done = subprocess.run(
            (str(image), *args), capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Finished(code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    return run


def log_lines(finished: Finished) -> list[str]:
    """The lines that a unikernel logged, without their time."""
    lines = (finished.stdout + finished.stderr).splitlines()
    return [line.split("Z: ", 1)[1] for line in lines if re.match(r"\d{4}-\d\d-\d\dT[\d:]+Z: ", line)]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What lies below a folder: each file with its content, mode and time of change; folders end in a slash."""

    entries: dict[str, tuple[bytes, int, int]]

    @property
    def names(self) -> set[str]:
        return set(self.entries)

    @property
    def contents(self) -> dict[str, tuple[bytes, int]]:
        return {name: (content, mode) for name, (content, mode, _) in self.entries.items()}


def snapshot(folder: Path, *, without: tuple[str, ...] = ()) -> Snapshot:
    """What lies below a folder, leaving out these paths and what is below them."""
    entries = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(name == left or name.startswith(f"{left}/") for left in without):
            continue
        state = path.lstat()
        if path.is_dir():
            entries[f"{name}/"] = (b"", state.st_mode, 0)
        else:
            link = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            entries[name] = (link, state.st_mode, state.st_mtime_ns)
    return Snapshot(entries=entries)

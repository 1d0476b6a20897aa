"""Starting is cheap: what the interpreter loads for short commands; and whatever is behind the output will do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mirage_py import __version__
from tests.conftest import ROOT, MakeProject


def imported_by(*args: str) -> set[str]:
    """The top-level modules that `mpy ARGS` imports."""
    done = subprocess.run(
        (sys.executable, "-X", "importtime", "-m", "mirage_py", *args), capture_output=True, text=True, check=True
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_version_is_printed() -> None:
    done = subprocess.run((sys.executable, "-m", "mirage_py", "--version"), capture_output=True, text=True, check=True)
    assert done.stdout == f"mpy {__version__}\n"


def test_version_imports_nothing_heavy() -> None:
    heavy = {"click", "jinja2", "mirage_py.cli", "mirage_py.dsl", "pathlib", "pydantic", "rich", "subprocess", "typer"}
    assert imported_by("--version") & heavy == set()


def mpy(folder: Path, *line: str, **given: Any) -> subprocess.CompletedProcess[bytes]:  # any: what a process is given
    command = (sys.executable, "-m", "mirage_py", *line)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **given.pop("env", {})}
    return subprocess.run(command, cwd=folder, env=environment, stderr=subprocess.PIPE, check=False, **given)


@pytest.mark.parametrize("line", [("--version",), ("--help",), ("describe",), ("query", "packages")])
def test_a_full_disk_behind_the_output_is_told(project: MakeProject, line: tuple[str, ...]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with open("/dev/full", "wb") as full:
        done = mpy(project("noop"), *line, stdout=full)
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("line", [("--version",), ("--help",), ("describe",), ("configure",)])
def test_a_closed_output_is_no_failure(project: MakeProject, line: tuple[str, ...]) -> None:
    done = mpy(project("noop"), *line, preexec_fn=lambda: os.close(1))
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize("remember", ["yes", "no"])
def test_an_output_that_is_narrow_shows_what_it_can(project: MakeProject, remember: str) -> None:
    folder = project("noop")
    (folder / "config.py").rename(folder / "é.py")
    narrow = {"PYTHONIOENCODING": "ascii", "MPY_REMEMBER": remember}
    for _ in range(2):
        done = mpy(folder, "describe", "-f", "é.py", env=narrow, stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        assert b"noop for unix" in done.stdout

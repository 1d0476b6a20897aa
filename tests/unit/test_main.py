"""Starting is cheap: what the interpreter loads for the shortest commands."""

from __future__ import annotations

import subprocess
import sys

from mirage_py import __version__


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

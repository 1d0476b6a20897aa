"""Where the locale has no letters beyond ASCII, and for names that are no text, mpy says what it can."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
CONFIG = 'from mirage_py import *\nregister("x", [main("Unikernel", job)])  # h\u00e9\n'


def run(folder: Path, *line: str | bytes, **env: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    whole = {**kept, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache"), **env}
    return subprocess.run(
        (sys.executable, "-m", "mirage_py", *line), cwd=folder, env=whole, capture_output=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.py").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "unikernel.ml").write_text("let start () = Lwt.return_unit\n")
    return tmp_path


@pytest.mark.parametrize("line", [("describe",), ("devices",), ("help", "build"), ("query", "graph")])
def test_locale_without_letters_is_told_what_it_can_say(line: tuple[str, ...], folder: Path) -> None:
    done = run(folder, *line, **ASCII)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_remembered_answer_is_told_in_another_locale(folder: Path) -> None:
    for _ in range(3):
        assert "\u2514" in run(folder, "describe", LC_ALL="C.UTF-8").stdout.decode()
    assert run(folder, "describe", **ASCII).returncode == 0


def test_name_that_is_no_text_is_told_byte_for_byte(folder: Path) -> None:
    done = run(folder, "query", "name", "-f", b"no-\xff.py", LC_ALL="C.UTF-8")
    assert done.returncode == 3
    assert b"no-\xff.py" in done.stderr

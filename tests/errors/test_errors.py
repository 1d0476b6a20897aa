"""Broken input gets its exit code, a place, a reason and a next step; nothing is lost, nothing is half written.

Each folder holds a config.py (with what lies beside it), the `command`, whose last line is the one that fails, and what
mpy answers, as `expected`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Golden

HERE = Path(__file__).parent
CASES = sorted(folder.name for folder in HERE.iterdir() if (folder / "command").is_file())
NOT_INPUT = ("command", "expected")
PROLOGUE = 'mpy() { "$PYTHON" -m mirage_py "$@"; }\n'


def copied(name: str, folder: Path) -> Path:
    return shutil.copytree(HERE / name, folder / "project", ignore=shutil.ignore_patterns(*NOT_INPUT, "__pycache__"))


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MPY_")}
    env = {**kept, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        ("bash", "-c", PROLOGUE + script), cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def files(folder: Path) -> dict[str, bytes]:
    """Everything below the folder, but for the lock, which says nothing."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def told(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    """What was answered, without what differs from machine to machine."""
    text = f"{done.stdout}{done.stderr}exit {done.returncode}\n"
    return text.replace(sys.executable, "PYTHON").replace(str(folder), "FOLDER")


@pytest.mark.parametrize("name", CASES)
def test_is_answered_with_help(name: str, tmp_path: Path, golden: Golden) -> None:
    folder = copied(name, tmp_path)
    *before, failing = (HERE / name / "command").read_text(encoding="utf-8").splitlines()
    for line in before:
        done = shell(line, folder)
        assert done.returncode == 0, done.stderr
    there = files(folder)
    done = shell(failing, folder)
    golden.text(told(done, folder), f"errors/{name}/expected")
    assert files(folder) == there, "a refusal leaves every file as it was"


@pytest.mark.parametrize("name", CASES)
def test_answer_has_a_code_and_no_traceback(name: str) -> None:
    expected = (HERE / name / "expected").read_text(encoding="utf-8")
    *_, code = expected.split()
    assert int(code) in range(1, 9)
    assert "Traceback" not in expected
    assert "failed in a way that it should not" not in expected

"""What `mpy init` begins: each template configures everywhere, pleases the type checkers, is built and runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from mirage_py.cli.init import TEMPLATES, Template, name_for
from mirage_py.dsl.config import check_unikernel_name
from mirage_py.dsl.key import TARGETS
from tests.conftest import Mpy

NAMES = get_args(Template)
SAYS = {"hello": "hello", "keys": "hello, world!", "c-stubs": "2026 has 8 bits set", "device": "3"}


@pytest.fixture
def begun(tmp_path: Path, mpy: Mpy, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "my unikernel"
    mpy("init", str(folder), "--template", request.param, cwd=tmp_path, code=0)
    return folder


def test_every_template_is_offered() -> None:
    assert {folder.name for folder in TEMPLATES.iterdir()} == {*NAMES}


@pytest.mark.parametrize("begun", NAMES, indirect=True)
def test_template_configures_on_every_target(begun: Path, mpy: Mpy) -> None:
    mpy("configure", *(word for target in TARGETS for word in ("-t", target)), cwd=begun, code=0)
    assert mpy("query", "name", cwd=begun, code=0).stdout == "my-unikernel\n"


@pytest.mark.slow
@pytest.mark.parametrize("begun", NAMES, indirect=True)
def test_template_pleases_mypy(begun: Path) -> None:
    argv = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "config.py")
    done = subprocess.run(argv, cwd=begun, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.ocaml
@pytest.mark.slow
@pytest.mark.parametrize(("begun", "words"), SAYS.items(), indirect=["begun"])
def test_template_is_built_and_says_something(begun: Path, words: str, mpy: Mpy) -> None:
    mpy("build", "-t", "unix", cwd=begun, code=0)
    done = mpy("run", "-t", "unix", cwd=begun, code=0)
    assert words in done.stdout + done.stderr


def test_what_is_there_stays(tmp_path: Path, mpy: Mpy) -> None:
    (tmp_path / "unikernel.ml").write_text("mine\n")
    done = mpy("init", ".", cwd=tmp_path, code=7)
    assert "unikernel.ml: this file is there already" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["unikernel.ml"]


def test_a_gitignore_that_is_there_is_no_hindrance(tmp_path: Path, mpy: Mpy) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    mpy("init", ".", cwd=tmp_path, code=0)
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize("folder", ["hello", "my unikernel", "grüße", "-v", "...", "x" * 200, "a/../b", "/"])
def test_any_folder_gives_a_name(folder: str) -> None:
    check_unikernel_name(name_for(Path(folder)), None)


def test_templates_hold_text_only() -> None:
    for path in TEMPLATES.rglob("*"):
        assert path.is_dir() or path.read_text(encoding="utf-8")

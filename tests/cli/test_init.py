"""What `mpy init` begins: each template configures everywhere and pleases the type checkers.

Those that need nothing but what comes with mpy are built and run here, the others in integration/test_templates.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import tree_sitter_ocaml
from tree_sitter import Language, Parser

from mirage_py.cli.init import COMMAND, TEMPLATES, Template, name_for
from mirage_py.dsl.config import check_unikernel_name
from mirage_py.dsl.key import TARGETS
from tests.conftest import Mpy

NAMES = get_args(Template)
LACKING = {"block": ("muen",)}
"""Targets without the devices of a template."""

SAYS = {"hello": "hello", "keys": "hello, world!", "c-stubs": "2026 has 8 bits set", "device": "3"}


@pytest.fixture
def begun(tmp_path: Path, mpy: Mpy, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "my unikernel"
    mpy("init", str(folder), "--template", request.param, cwd=tmp_path, code=0)
    return folder


def test_every_template_is_offered() -> None:
    assert {folder.name for folder in TEMPLATES.iterdir()} == {*NAMES}


@pytest.mark.parametrize("begun", NAMES, indirect=True)
def test_template_configures_on_every_target(begun: Path, mpy: Mpy, request: pytest.FixtureRequest) -> None:
    lacking = LACKING.get(request.node.callspec.params["begun"], ())
    mpy("configure", *targets(*(one for one in TARGETS if one not in lacking)), cwd=begun, code=0)
    for target in lacking:
        mpy("configure", "-t", target, cwd=begun, code=4)
    assert mpy("query", "name", cwd=begun, code=0).stdout == "my-unikernel\n"


def targets(*names: str) -> list[str]:
    return [word for name in names for word in ("-t", name)]


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.ml")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_ocaml_of_a_template_is_ocaml(file: Path) -> None:
    """As far as that can be told where its libraries are not."""
    tree = Parser(Language(tree_sitter_ocaml.language_ocaml())).parse(file.read_bytes())
    assert not tree.root_node.has_error


@pytest.mark.parametrize("name", NAMES)
def test_help_tells_of_every_template(name: str) -> None:
    assert re.search(rf"\b{name}\b(?! unless)", COMMAND.help)


@pytest.mark.slow
def test_templates_please_mypy(tmp_path: Path) -> None:
    for name in NAMES:
        text = (TEMPLATES / name / "config.py").read_text(encoding="utf-8")
        (tmp_path / f"{name.replace('-', '_')}.py").write_text(text, encoding="utf-8")
    argv = (sys.executable, "-m", "mypy", "--strict", "--config-file=", ".")
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert f"in {len(NAMES)} source files" in done.stdout


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
        assert path.is_dir() or "__pycache__" in path.parts or path.read_text(encoding="utf-8")

"""Completion, asked as the shells ask: commands, options, targets, and the keys of the config.py that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_sessions import HELLO, KEYS
from tests.conftest import ROOT, MakeProject, Mpy

pytestmark = pytest.mark.slow

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def folder(project: MakeProject, mpy: Mpy) -> Path:
    made = project({"config.py": KEYS, "other.py": HELLO, "unikernel.ml": "let start () = ()"})
    mpy("configure", cwd=made, code=0)
    return made


def answers(line: str, folder: Path) -> list[str]:
    """What bash is offered for the last word of a line."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "_MPY_COMPLETE": "bash"}
    done = subprocess.run(
        (sys.executable, "-m", "mirage_py", *line.split(" ")[1:]),
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [line.removeprefix("word\t").split("\t")[0] for line in done.stdout.splitlines()]


def test_commands_are_completed(folder: Path) -> None:
    assert answers("mpy con", folder) == ["configure", "convert"]
    assert answers("mpy toolchain ", folder) == ["show", "export", "install"]


def test_options_and_keys_are_completed(folder: Path) -> None:
    assert answers("mpy configure --k", folder) == ["--kind"]
    assert answers("mpy configure --d", folder) == ["--dry-run", "--drop"]
    assert {"--kind", "--level", "--place", "--safe", "--tag"} <= {*answers("mpy query --", folder)}


def test_keys_are_those_of_the_file_that_is_named(folder: Path) -> None:
    assert "--kind" not in answers("mpy configure -f other.py --", folder)


def test_values_are_completed(folder: Path) -> None:
    assert answers("mpy configure --kind ", folder) == ["fast", "small"]
    assert answers("mpy configure -t unik", folder) == ["unikraft-firecracker", "unikraft-qemu"]
    assert answers("mpy query r", folder) == ["runtime-args"]
    assert answers("mpy describe --format s", folder) == ["svg"]
    assert answers("mpy configure -f ", folder) == ["file"]
    assert answers("mpy -C ", folder) == ["folder"]
    assert answers("mpy run -- ", folder) == []


def test_no_configuration_is_run(project: MakeProject) -> None:
    ran = "open('ran', 'w')\n"
    folder = project({"config.py": f"{ran}{KEYS}"})
    assert answers("mpy configure --k", folder) == []
    assert answers("mpy configure --kind ", folder) == []
    assert not (folder / "ran").exists()


def test_keys_of_a_configuration_that_was_broken_since_are_completed(folder: Path) -> None:
    (folder / "config.py").write_text("register(", encoding="utf-8")
    assert answers("mpy configure --k", folder) == ["--kind"]


@pytest.mark.parametrize("text", ["", "[]", '{"files": 1}', '{"files": {"config.py": [{"name": 1}, 2]}}', "[" * 9999])
def test_offers_that_cannot_be_read_are_none(folder: Path, text: str) -> None:
    (folder / "mirage/keys.json").write_text(text, encoding="utf-8")
    assert answers("mpy configure --k", folder) == []


def test_a_broken_configuration_completes_the_rest(project: MakeProject) -> None:
    assert answers("mpy configure --dry", project({"config.py": "register("})) == ["--dry-run"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_of_its_shell(shell: str, mpy: Mpy, folder: Path) -> None:
    script = mpy("completion", shell, cwd=folder, code=0).stdout
    assert "_MPY_COMPLETE" in script
    if not shutil.which(shell):
        pytest.skip(f"no {shell} to read the script")
    subprocess.run((shell, "-n"), input=script, text=True, check=True)


def test_bash_completes_with_the_script(mpy: Mpy, folder: Path) -> None:
    """The script is read, and its function called as bash calls it when Tab is pressed."""
    script = mpy("completion", "bash", cwd=folder, code=0).stdout
    press = """
COMP_WORDS=(mpy configure --kin); COMP_CWORD=2
_mpy_completion mpy
echo "${COMPREPLY[@]}"
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    program = folder / "bin" / "mpy"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mirage_py "$@"\n')
    program.chmod(0o755)
    env["PATH"] = f"{program.parent}:{env['PATH']}"
    done = subprocess.run(
        ("bash", "-c", script + press), cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["--kind"]

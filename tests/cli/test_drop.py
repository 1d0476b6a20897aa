"""Targets that come and go: `--drop` takes one away, `--reset` forgets what was chosen for one."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_sessions import HELLO
from tests.conftest import MakeProject, Mpy


def saved(folder: Path) -> dict[str, dict[str, list[str]]]:
    targets = json.loads((folder / "mirage/choices.json").read_text())["unikernels"]["hello"]
    return {target: one["choices"] for target, one in targets.items()}


def test_dropped_target_leaves_nothing_and_the_others_as_they_were(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": HELLO})
    mpy("configure", "-t", "unix", "-t", "hvt", code=0)
    before = {path: path.read_bytes() for path in (folder / "mirage/hello-unix").rglob("*") if path.is_file()}
    assert mpy("configure", "--drop", "-t", "hvt", code=0).stderr == "dropped mirage/hello-hvt/\n"
    assert not (folder / "mirage/hello-hvt").exists()
    assert {path: path.read_bytes() for path in before} == before
    assert list(saved(folder)) == ["unix"]
    assert "solo5" not in (folder / "mirage/dune-workspace").read_text()
    assert "configured: unix" in mpy("configure", "--drop", "-t", "hvt", code=2).stderr


def test_drop_keeps_a_file_of_the_users(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": HELLO})
    mpy("configure", "-t", "hvt", code=0)
    (folder / "mirage/hello-hvt/notes.txt").write_text("mine")
    mpy("configure", "--drop", "-t", "hvt")
    assert (folder / "mirage/hello-hvt/notes.txt").read_text() == "mine"


def test_drop_needs_a_target_and_nothing_else(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": HELLO})
    assert "-t names" in mpy("configure", "--drop", code=2).stderr
    assert "-t names" in mpy("configure", "--drop", "-t", "hvt", "--reset", code=2).stderr


def test_reset_of_one_target_touches_no_other(project: MakeProject, mpy: Mpy) -> None:
    folder = project("keys")
    mpy("configure", "-t", "unix", "-t", "hvt", code=0)
    name = next(iter(json.loads((folder / "mirage/choices.json").read_text())["unikernels"]))
    before = (folder / "mirage/choices.json").read_text()
    mpy("configure", "--reset", "-t", "hvt", code=0)
    after = json.loads((folder / "mirage/choices.json").read_text())["unikernels"][name]
    assert after["unix"] == json.loads(before)["unikernels"][name]["unix"]

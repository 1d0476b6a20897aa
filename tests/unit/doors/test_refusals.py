"""Whatever the system refuses, at whichever call: one line and a code, nothing lost, and the next try succeeds."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mirage_py.cli.app import main
from mirage_py.doors.below import translated
from mirage_py.doors.files import Tree
from mirage_py.errors import MpyError
from tests.conftest import EXAMPLES, copy_example
from tests.unit.doors.faults import CHANGES, READS, quick_folder, refused

pytestmark = pytest.mark.slow

STEP, EVERY = (1, 1) if os.environ.get("MPY_TEST_ALL") else (3, 13)
"""A write makes hundreds of calls, a whole command more: some of them, all where MPY_TEST_ALL is set."""

FIRST = ({"mirage/a-unix": {"dune": "1", "main.ml": "1"}, "mirage/a-hvt": {"dune": "1"}}, {"mirage/dune": "1"})
SECOND = ({"mirage/a-unix": {"dune": "2"}, "mirage/a-hvt": {"dune": "2"}}, {"mirage/dune": "2", "dune-project": "2"})
USERS = {"config.py": "mine", "mirage/notes": "mine", "mirage/deep/notes": "mine", "built": "image"}
MADE = {"mirage/_build/log": "log", "mirage/machine/x": "x", "mirage/duniverse/a/dune": "a"}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    with quick_folder(tmp_path) as folder:
        yield folder


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only a power cut would tell costs milliseconds."""

    def fsync(_descriptor: int) -> None:
        pass

    monkeypatch.setattr(os, "fsync", fsync)


def _swap_in(tree: Tree) -> None:
    made = tree.scratch()
    with translated(made):
        shutil.copytree(tree.root / "mirage/duniverse", made)
    tree.swap_in("mirage/duniverse", made)


def _install(tree: Tree) -> None:
    with tree.installing() as installing:
        for path in ("dist/a", "dist/b"):
            installing.bring(path, tree.root / "built")


OPERATIONS: dict[str, Callable[[Tree], object]] = {
    "write": lambda tree: tree.write(*SECOND),
    "install": _install,
    "mirror": lambda tree: tree.mirror("mirage/machine", {"y/z": "y", "x": "y"}),
    "discard": lambda tree: tree.discard("mirage/_build"),
    "swap in": _swap_in,
    "clean": lambda tree: tree.clean(),
}


def _lived_in(base: Path) -> Tree:
    root = base / "tree"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    tree = Tree(root)
    with tree.locked():
        tree.write(*FIRST)
    for name, text in (USERS | MADE).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return tree


def _files(root: Path) -> dict[str, str]:
    left_out = {"mirage/.lock", "mirage/owned.json"}
    found = {str(path.relative_to(root)): path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}
    return {name: text for name, text in found.items() if name not in left_out}


def _attempt(tree: Tree, operation: Callable[[Tree], object]) -> None:
    with tree.locked():
        operation(tree)


@pytest.mark.parametrize("name", OPERATIONS)
def test_refused_call_is_one_line_and_loses_nothing(memory: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    tree = _lived_in(memory)
    _attempt(tree, OPERATIONS[name])
    expected = _files(tree.root)
    for at in range(0, 1000, STEP):
        tree = _lived_in(memory)
        with refused(at).within(monkeypatch, (*READS, *CHANGES)) as faults, suppress(MpyError):
            _attempt(tree, OPERATIONS[name])
        now = _files(tree.root)
        assert {path: now.get(path) for path in USERS} == USERS, f"{name}, call {at}"
        _attempt(tree, OPERATIONS[name])
        assert _files(tree.root) == expected, f"{name}, call {at}"
        if not faults.reached:
            return
    pytest.fail("the calls never came to an end")


def test_what_a_full_disk_refuses_is_named_by_the_place_that_it_was_to_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    tree = _lived_in(tmp_path)
    for operation, place in ((_install, "dist/a"), (OPERATIONS["write"], "mirage/owned.json")):
        with tree.locked(), monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(MpyError, match="No space left") as caught:
                operation(tree)
        assert str(caught.value.location).endswith(place)


COMMANDS = {
    "configure": (None, ("configure", "-t", "unix", "-t", "hvt")),
    "configure again": (("configure", "-t", "unix"), ("configure", "-t", "unix", "-t", "hvt", "-o", "other")),
    "drop": (("configure", "-t", "unix", "-t", "hvt"), ("configure", "--drop", "-t", "hvt")),
    "describe": (("configure", "-t", "unix"), ("describe", "--format", "json")),
    "clean": (("configure", "-t", "unix", "-t", "hvt"), ("clean",)),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_refusal_is_a_bug(
    memory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    before, line = COMMANDS[name]
    fresh = copy_example(EXAMPLES / "hello-key", memory / "fresh")
    monkeypatch.setenv("MPY_REMEMBER", "no")
    if before:
        monkeypatch.chdir(fresh)
        assert main([*before]) == 0
    folder = memory / "project"
    for at in range(0, 10000, EVERY):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(fresh, folder)
        monkeypatch.chdir(folder)
        capsys.readouterr()
        with refused(at).within(monkeypatch, (*READS, *CHANGES)) as faults:
            code = main([*line])
        said = capsys.readouterr().err
        assert code in range(9), f"call {at}: {code}\n{said}"
        assert "Traceback" not in said
        assert code == 0 or said.startswith("error: ")
        assert (folder / "config.py").read_bytes() == (fresh / "config.py").read_bytes()
        if not faults.reached:
            return
    pytest.fail("the calls never came to an end")

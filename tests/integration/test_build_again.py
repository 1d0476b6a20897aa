"""A build that was made before asks dune at once: what it makes and tells is what it would be without memory.

Two equal folders go through the same steps; in one of them nothing is ever remembered.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.ocaml]

How = Literal["begun", "finished", "remembered"]
"""Made from the beginning; only what follows dune was made; nothing was made."""

START = "from mirage_py.__main__ import main; main()"

CONFIG = """from mirage_py import if_impl, job, key, main, package, register, runtime_arg

shared = {
    "packages": [package("said")],
    "local_libs": ["here"],
    "c_sources": ["c/*.c"],
    "runtime_args": [runtime_arg("Unikernel.times")],
}
loud = key.flag("loud", doc="speak up")
register("words", [if_impl(loud, main("Unikernel.Loud", job, **shared), main("Unikernel.Quiet", job, **shared))])
"""
USER = """external number : unit -> int = "words_number"

let times = Cmdliner.Arg.(value & opt int 1 & info ~doc:"how often" [ "times" ])
let say word times =
  Logs.info (fun m -> m "%s %s %d %d" Said.word word (number ()) times); Lwt.return_unit
module Quiet = struct let start () times = say Here.word times end
module Loud = struct let start () times = say (String.uppercase_ascii Here.word) times end
"""
STUB = """#include <caml/mlvalues.h>
#include "number.h"
value words_number(value unit) { (void)unit; return Val_int(NUMBER); }
"""
FILES = {
    "config.py": CONFIG,
    "unikernel.ml": USER,
    "c/number.c": STUB,
    "c/number.h": "#define NUMBER 1\n",
    "here/dune": "(library (name here))\n",
    "here/here.ml": 'let word = "here"\n',
    "duniverse/said/dune-project": "(lang dune 2.9)\n",
    "duniverse/said/said.opam": "",
    "duniverse/said/dune": "(library (public_name said))\n",
    "duniverse/said/said.ml": 'let word = "said"\n',
}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two folders of the same content, the second without memory."""

    folders: tuple[Path, Path]
    cache: Path

    def change(self, edit: Callable[[Path], object]) -> None:
        for folder in self.folders:
            edit(folder)

    def run(self, *line: str, **env: str) -> tuple[int, str, How]:
        """The same line in both: the exit code, all that was told, and how the first came to it."""
        code, told, how = self._ran(self.folders[0], line, env)
        others = self._ran(self.folders[1], line, {**env, "MPY_REMEMBER": "no"})
        assert (code, told) == others[:2]
        assert images(self.folders[0]) == images(self.folders[1])
        assert generated(self.folders[0]) == generated(self.folders[1])
        return code, told, how

    def started(self) -> str:
        """What the first image tells, and what is told of it."""
        return self._ran(self.folders[0], ("run",), {})[1]

    def _ran(self, folder: Path, line: tuple[str, ...], env: dict[str, str]) -> tuple[int, str, How]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MPY_")}
        done = subprocess.run(
            (sys.executable, "-X", "importtime", "-c", START, *line),
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.cache), "COLUMNS": "80", **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stderr.splitlines()
        imported = {one.rpartition("|")[2].strip() for one in lines if one.startswith("import time:")}
        told = "\n".join(one for one in lines if not one.startswith("import time:"))
        how: How = "begun" if "mirage_py.project.loader" in imported else "remembered"
        if how == "remembered" and "mirage_py.build.finish" in imported:
            how = "finished"
        return done.returncode, done.stdout + told, how


def images(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "dist").glob("*")}


def generated(folder: Path) -> dict[str, bytes]:
    """What is the same in every folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in (*folder.glob("mirage/*"), *folder.glob("mirage/words-*/*"))
        if path.is_file() and path.name not in {".lock", "owned.json"}
    }


@pytest.fixture
def pair(tmp_path: Path, caches: Path) -> Pair:
    """Two projects that are built for unix."""
    return made(tmp_path, caches)


def made(place: Path, cache: Path) -> Pair:
    folders = (place / "with" / "project", place / "without" / "project")
    for folder in folders:
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
    pair = Pair(folders=folders, cache=cache)
    code, told, _ = pair.run("build", "-t", "unix")
    assert code == 0, told
    return pair


def replaced(file: str, old: str, new: str) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        text = (folder / file).read_text("utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), "utf-8")

    return edit


def broken(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:-1] + b"?")


CHANGES: dict[str, tuple[Callable[[Path], object], How]] = {
    "nothing": (lambda _: None, "remembered"),
    "a time": (lambda folder: os.utime(folder / "unikernel.ml"), "finished"),
    "the sources": (replaced("unikernel.ml", "%s %s", "%s, %s"), "finished"),
    "a comment in them": (replaced("unikernel.ml", "let say", "(* say *) let say"), "finished"),
    "a library here": (replaced("here/here.ml", '"here"', '"there"'), "finished"),
    "a vendored library": (replaced("duniverse/said/said.ml", '"said"', '"sung"'), "finished"),
    "C of its own": (replaced("c/number.c", "NUMBER)", "NUMBER + 1)"), "finished"),
    "a header": (replaced("c/number.h", "NUMBER 1", "NUMBER 7"), "finished"),
    "an image that is gone": (lambda folder: (folder / "dist/words").unlink(), "begun"),
    "an option that it defines": (replaced("unikernel.ml", '"times"', '"often"'), "begun"),
    "a library's rules": (replaced("here/dune", "(name here)", "(name here) (wrapped false)"), "begun"),
    "a vendored library's rules": (replaced("duniverse/said/dune", "said)", "said) (wrapped false)"), "begun"),
    "another module": (lambda folder: (folder / "more.ml").write_text("let more = 1\n"), "begun"),
    "more C": (lambda folder: (folder / "c/more.c").write_text("int more;\n"), "begun"),
    "the configuration": (replaced("config.py", "speak up", "speak louder"), "begun"),
    "what is built": (lambda folder: shutil.rmtree(folder / "mirage/_build"), "begun"),
    "what is generated": (lambda folder: (folder / "mirage/words-unix/main.ml").unlink(), "begun"),
}


def test_changes_are_seen(pair: Pair) -> None:
    pair.run("build")
    for change, (edit, expected) in CHANGES.items():
        pair.change(edit)
        code, told, how = pair.run("build")
        assert (code, how) == (0, expected), f"{change}\n{told}"
        assert "older" not in pair.started(), change
        assert pair.run("build")[2] != "begun", change  # dune marks what it takes from its cache for the other folder


def test_environment_is_an_input(pair: Pair, tmp_path: Path) -> None:
    pair.run("build")
    assert pair.run("build", MPY_KEY_LOUD="true")[2] == "begun"
    assert pair.run("build", MPY_KEY_LOUD="true")[2] != "begun"
    (tmp_path / "bin").mkdir()
    assert pair.run("build", PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")[2] == "begun"


def test_tool_that_is_put_before_others_is_taken(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    path = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    for _ in range(2):
        pair.run("build", **path)
    assert pair.run("build", **path)[2] != "begun"
    (tmp_path / "bin" / "dune").write_text(f'#!/bin/sh\nexec {shutil.which("dune")} "$@"\n')
    (tmp_path / "bin" / "dune").chmod(0o755)
    assert pair.run("build", **path)[2] == "begun"


def test_what_fails_is_told_alike(pair: Pair) -> None:
    pair.run("build")
    pair.change(replaced("unikernel.ml", "let say", "let say : int ="))
    code, told, how = pair.run("build")
    assert (code, how) == (6, "finished")
    assert "unikernel.ml:4" in told
    pair.change(replaced("unikernel.ml", "let say : int =", "let say"))
    assert pair.run("build")[::2] == (0, "finished")


@pytest.mark.parametrize("file", ["dist/words", "mirage/words-unix/main.ml", "mirage/words-unix/dune"])
def test_what_was_changed_by_hand_is_refused(file: str, pair: Pair) -> None:
    pair.run("build")
    pair.change(broken(file))
    code, told, _ = pair.run("build")
    assert code == 7
    assert "changed since mpy wrote it" in told


EDITS = st.sampled_from([*CHANGES, "loud", "quiet"])
LINES = st.sampled_from([("build",), ("build", "--dev"), ("build", "-t", "unix"), ("configure",), ("query", "plan")])


@pytest.mark.skipif(not os.environ.get("MPY_TEST_ALL"), reason="takes minutes: MPY_TEST_ALL=1")
@given(steps=st.lists(st.tuples(EDITS, LINES), min_size=3, max_size=8))
@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_tells_memory_from_none(
    steps: list[tuple[str, tuple[str, ...]]], tmp_path: Path, caches: Path
) -> None:
    shutil.rmtree(tmp_path, ignore_errors=True)
    pair = made(tmp_path, caches)
    for edit, line in steps:
        if edit in CHANGES:
            pair.change(attempted(CHANGES[edit][0]))
        else:
            pair.run("configure", f"--loud={'true' if edit == 'loud' else 'false'}")
        pair.run(*line)
        pair.run(*line)


def attempted(edit: Callable[[Path], object]) -> Callable[[Path], object]:
    """The edit, which changes nothing where it was made already."""

    def attempt(folder: Path) -> None:
        with suppress(AssertionError, OSError):
            edit(folder)

    return attempt

"""`mpy build --watch` builds again on save; `mpy run` offers to build what is not there, where somebody can answer."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, MakeProject, Mpy, environment

pytestmark = pytest.mark.ocaml

HELLO = 'let start () = print_endline "first"; Lwt.return_unit\n'
CONFIG = 'from mirage_py import job, main, register\n\nregister("hello", [main("Unikernel", job)])\n'


def until(said: str, log: Path, count: int = 1) -> None:
    """Wait until a watching mpy has said something so many times."""
    for _ in range(600):
        if log.read_text(encoding="utf-8").count(said) >= count:
            return
        time.sleep(0.1)
    pytest.fail(f"{said!r} was not said {count} times:\n{log.read_text(encoding='utf-8')}", pytrace=False)


def test_build_is_repeated_on_save_also_after_an_error(project: MakeProject, caches: Path, tmp_path: Path) -> None:
    folder = project({"config.py": CONFIG, "unikernel.ml": HELLO})
    log = folder / "log"  # beside the sources: what mpy itself writes there is no reason to build
    env = {**environment(), "XDG_CACHE_HOME": str(caches), "PYTHONPATH": str(ROOT)}
    argv = (sys.executable, "-m", "mirage_py", "build", "--watch", "-t", "unix")
    with log.open("w") as out, subprocess.Popen(argv, cwd=folder, env=env, stdout=out, stderr=out) as watching:
        try:
            until("waiting for a source", log)
            (folder / "unikernel.ml").write_text(HELLO.replace("Lwt.return_unit", "3"))
            until("waiting for a source", log, 2)
            assert "error: " in log.read_text()
            (folder / "unikernel.ml").write_text(HELLO.replace("first", "second"))
            until("saved: unikernel.ml", log, 2)
            until("waiting for a source", log, 3)
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=30) == 130
    assert subprocess.run((folder / "dist/hello",), capture_output=True, check=True).stdout == b"second\n"
    assert log.read_text().count("waiting for a source") == 3


def on_terminal(folder: Path, caches: Path, answer: bytes) -> tuple[str, int]:
    """What `mpy run` says on a terminal where somebody types an answer, and its exit code."""
    env = {**environment(), "XDG_CACHE_HOME": str(caches), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    ours, theirs = pty.openpty()
    argv = (sys.executable, "-m", "mirage_py", "run", "-t", "unix")
    child = subprocess.Popen(argv, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, answer)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    return text.decode().replace("\r\n", "\n"), child.wait()


def test_run_offers_to_build_an_image_that_is_not_there(project: MakeProject, mpy: Mpy, caches: Path) -> None:
    folder = project({"config.py": CONFIG, "unikernel.ml": HELLO})
    refused, code = on_terminal(folder, caches, b"n\n")
    assert "dist/hello is not built. Build it for unix now? [Y/n]" in refused
    assert "the image is not there" in refused
    assert code == 1
    told, code = on_terminal(folder, caches, b"\n")
    assert told.endswith("first\n")
    assert code == 0


def test_run_asks_nobody_in_a_pipe_and_says_the_command(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": CONFIG, "unikernel.ml": HELLO})
    done = mpy("run", "-t", "unix", code=1)
    assert "mpy build -t unix" in done.stderr
    assert "[Y/n]" not in done.stderr + done.stdout
    assert mpy("run", "-t", "unix", env={"MPY_YES": "1"}, code=0).stdout == "first\n"

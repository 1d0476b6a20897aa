"""The first step of an image gets a head start, and is performed again where that was too early."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mirage_py.build.early import Early
from mirage_py.build.ending import Ending, Grounds
from mirage_py.doors import signals
from mirage_py.doors.children import Children
from mirage_py.doors.rows import Begun, Row, Wish, side_by_side
from mirage_py.errors import ToolFailed
from mirage_py.model.command import Command
from mirage_py.toolchain.steps import Step, end


@pytest.fixture
def children() -> Iterator[Children]:
    with Children() as found:
        yield found


def ending(folder: Path, script: str) -> Ending:
    """An image that is made of `program` by a script, which tells of each time in `log`."""
    program, output = folder / "program", folder / "made"
    command = Command(argv=("sh", "-c", f"echo made >>log; {script}"), purpose="strip", cwd=folder)
    return Ending(
        label="hello-unix",
        name="hello",
        target="unix",
        image="hello",
        leader="hello-unix",
        folder=folder,
        context=folder,
        program=program,
        mapped_by_dune=False,
        link=None,
        strip=Step(command=command, inputs=(program,), output=output),
        grounds=Grounds(trees=(), folders=(), files=frozenset()),
        run_command="",
    )


def write(program: Path, text: str, mode: int = 0o555) -> None:
    program.unlink(missing_ok=True)
    program.write_text(text)
    program.chmod(mode)


def performed(one: Ending, early: Early) -> None:
    def row() -> Row[None]:
        failed = end(one.strip, (yield Wish(early.begin(one.strip))))
        if failed:
            raise failed

    side_by_side([row()])


def test_step_is_begun_when_its_program_is_there_and_performed_once(tmp_path: Path, children: Children) -> None:
    one = ending(tmp_path, "cp program made")
    write(one.program, "old")
    early = Early([one], children)
    early.go_ahead()
    assert not children.codes
    write(one.program, "new", 0o755)  # still being written
    early.go_ahead()
    assert not children.codes
    one.program.chmod(0o555)
    early.go_ahead()
    early.go_ahead()
    assert len(children.codes) == 1
    performed(one, early)
    assert one.strip.output.read_text() == "new"
    performed(one, Early())
    assert (tmp_path / "log").read_text() == "made\n"


def test_step_is_performed_again_where_its_program_is_another_one_in_the_end(
    tmp_path: Path, children: Children
) -> None:
    one = ending(tmp_path, "text=$(cat program); sleep 0.3; echo $text >made")
    early = Early([one], children)
    write(one.program, "first")
    early.go_ahead()
    while not (tmp_path / "log").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    write(one.program, "second")
    performed(one, early)
    assert one.strip.output.read_text() == "second\n"
    assert (tmp_path / "log").read_text() == "made\n" * 2


def test_step_that_failed_early_is_told_as_ever(tmp_path: Path, children: Children) -> None:
    one = ending(tmp_path, "echo no program of mine >&2; exit 3")
    early = Early([one], children)
    write(one.program, "new")
    early.go_ahead()
    with pytest.raises(ToolFailed, match="failed with exit code 3") as caught:
        performed(one, early)
    assert caught.value.output == "no program of mine"


def test_waiting_for_the_first_waits_for_no_other(children: Children) -> None:
    children.start(("/bin/sh", "-c", "echo first"), "/", {})
    children.start(("/bin/sh", "-c", "echo second; sleep 60"), "/", {})
    assert children.wait(first=1)
    assert children.codes[0] == 0
    assert not children.wait(0.01)


def test_what_was_begun_and_has_ended_is_not_waited_for_behind_others(tmp_path: Path, children: Children) -> None:
    children.start(("/bin/true",), "/", {})
    children.wait()
    script = "for tick in $(seq 500); do [ ! -e go ] || exit 0; sleep 0.01; done; exit 1"
    waiting = Command(argv=("sh", "-c", script), purpose="try", cwd=tmp_path)

    def other() -> Row[int]:
        return (yield Wish((waiting,)))[0].code

    def begun() -> Row[int]:
        (found,) = yield Wish((Begun(Command(argv=("x",), purpose="try"), children, 0),))
        (tmp_path / "go").touch()
        return found.code

    assert side_by_side([other(), begun()]) == (0, 0)


def test_program_that_is_being_started_is_ended_by_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    real, started = os.posix_spawn, list[int]()

    def spawn(*args: Any, **kwargs: Any) -> int:
        started.append(real(*args, **kwargs))
        os.kill(os.getpid(), signal.SIGTERM)
        return started[0]

    monkeypatch.setattr(os, "posix_spawn", spawn)
    with pytest.raises(signals.Stopped), signals.unwinding(), Children() as children:
        children.start(("/bin/sleep", "60"), "/", {})
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_row_takes_what_was_begun(children: Children) -> None:
    children.start(("/bin/sh", "-c", "echo out; echo err >&2; exit 4"), "/", {})

    def row() -> Row[tuple[int, str]]:
        (found,) = yield Wish((Begun(Command(argv=("x",), purpose="try"), children, 0),))
        return found.code, found.stderr

    assert side_by_side([row()]) == ((4, "out\nerr\n"),)

"""Rows of programs go on side by side, and what Python does meanwhile is done while they run."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mirage_py.doors.processes import Result
from mirage_py.doors.rows import Row, Wish, side_by_side
from mirage_py.errors import MpyError, ToolFailed, ToolNotFound
from mirage_py.model.command import Command


def shell(script: str, folder: Path | None = None) -> Command:
    return Command(argv=("sh", "-c", script), purpose="try a script", cwd=folder)


def row(*wishes: Wish) -> Row[list[tuple[Result, ...]]]:
    found = []
    for wish in wishes:
        found.append((yield wish))
    return found


def words(results: list[tuple[Result, ...]]) -> list[list[tuple[int, str, str]]]:
    return [[(one.code, one.stdout, one.stderr) for one in of] for of in results]


def test_each_row_is_sent_what_came_of_its_commands_in_their_order() -> None:
    first, second = side_by_side(
        [
            row(Wish((shell("sleep 0.1; echo slow"), shell("echo quick >&2; exit 3"))), Wish((shell("echo last"),))),
            row(Wish(()), Wish((shell("head -c 200000 /dev/zero"),))),
        ]
    )
    assert words(first) == [[(0, "slow\n", ""), (3, "", "quick\n")], [(0, "last\n", "")]]
    assert words(second) == [[], [(0, "\0" * 200000, "")]]


def test_what_is_done_meanwhile_is_done_while_commands_run(tmp_path: Path) -> None:
    waiting = Wish((shell("while [ ! -e go ]; do sleep 0.01; done", tmp_path),), (tmp_path / "go").touch)
    assert len(side_by_side([row(waiting), row(waiting)])) == 2


def test_rows_do_not_wait_for_each_other(tmp_path: Path) -> None:
    waiting = Wish((shell("while [ ! -e go ]; do sleep 0.01; done", tmp_path),))
    assert (
        len(side_by_side([row(waiting), row(Wish(()), Wish((shell("true"),)), Wish((shell("touch go", tmp_path),)))]))
        == 2
    )


def test_first_row_that_failed_is_told_when_all_have_ended(tmp_path: Path) -> None:
    def refuses(text: str) -> Row[None]:
        yield Wish((shell("sleep 0.1"),))
        raise ToolFailed(text)

    with pytest.raises(ToolFailed, match="one"):
        side_by_side([refuses("one"), refuses("two"), row(Wish((shell("sleep 0.2; touch done", tmp_path),)))])
    assert (tmp_path / "done").exists()


def test_what_fails_meanwhile_and_what_does_not_start_fail_the_row() -> None:
    def fails() -> None:
        raise MpyError("meanwhile")

    with pytest.raises(MpyError, match="meanwhile"):
        side_by_side([row(Wish((shell("sleep 0.1"),), fails))])
    with pytest.raises(ToolNotFound):
        side_by_side([row(Wish((Command(argv=("no-such-tool",), purpose="try"),)))])


def test_rows_that_are_cut_short_leave_no_program_behind(tmp_path: Path) -> None:
    def stops() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side([row(Wish((shell("echo $$ >new; mv new pid; sleep 60", tmp_path),), stops))])
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)

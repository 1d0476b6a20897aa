"""Inputs in short: fewer of them, and states in the place of contents, hold exactly while the inputs do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mirage_py.doors import answers, mounts
from mirage_py.doors.shortcuts import shortened
from tests.cli.test_ask_once import write_in_place


def test_inputs_in_short_hold_exactly_while_the_inputs_do(tmp_path: Path) -> None:
    """Of a folder that was listed nothing is asked twice; what is asked for in vain below one is asked of it."""
    listed, far, since = tmp_path / "listed", tmp_path / "far", time.time_ns()
    (listed / "folder").mkdir(parents=True)
    (listed / "file").write_text("2")
    (listed / "link").symlink_to("file")
    far.mkdir()
    (far / "there").touch()
    names = ["none", "file", "folder", "link", "folder/deep"]
    asked = [("there", str(listed / name)) for name in names] + [("file", str(listed / name)) for name in names]
    asked.append(("there", f"{listed}/../none"))
    asked += [("there", str(far / f"a{number}" / "b")) for number in range(20)] + [("folder", str(listed))]
    inputs = {one: answers.seen(*one) for one in asked}
    short, known = shortened(inputs, since + 10 * answers.GRAIN)
    kinds = {(kind, path.removeprefix(f"{tmp_path}/")) for kind, path in [*short, *known]}
    assert ("inside", "listed") in kinds
    assert ("inside", "far") in kinds
    assert not kinds & {
        ("there", "listed/none"),
        ("file", "listed/none"),
        ("there", "listed/file"),
        ("there", "far/a1/b"),
    }
    assert {("there", "listed/link"), ("file", "listed/file"), ("there", "listed/../none")} <= kinds
    assert ("inside", str(listed)) in short  # for there is a link in it
    assert ("inside", str(far)) in known
    answer = answers.Answer(short, [], None, known)
    assert answer.holds()
    assert {one: answers.seen(*one) for one in answer.inputs} == answer.inputs
    for change, holds in (
        ((listed / "none").touch, False),
        ((listed / "none").unlink, True),
        ((far / "a7").mkdir, False),  # nothing that was asked is different yet
        ((far / "a7").rmdir, True),
        (lambda: write_in_place(listed / "file"), False),
    ):
        change()
        assert answer.holds() == holds
        assert not holds or {one: answers.seen(*one) for one in asked} == inputs


def test_what_the_system_makes_up_is_read_each_time(tmp_path: Path) -> None:
    """Its times tell nothing, and of a file not even its size."""
    (tmp_path / "empty").touch()
    (tmp_path / "file").write_text("1")
    (tmp_path / "folder").mkdir()
    places = [
        ("file", "/proc/meminfo"),
        ("file", "/proc/self/status"),
        ("modules", "/proc"),
        ("modules", "/sys/class/net"),
    ]
    places += [
        ("file", str(tmp_path / "empty")),
        ("file", str(tmp_path / "file")),
        ("modules", str(tmp_path / "folder")),
    ]
    inputs = {one: answers.seen(*one) for one in places}
    short, known = shortened(inputs, time.time_ns() + answers.COARSE + answers.GRAIN)
    assert {*known} == {("file", str(tmp_path / "file")), ("modules", str(tmp_path / "folder"))}
    assert {*short} == {*inputs} - {*known}


@pytest.mark.parametrize(("kind", "told"), [("ext4", True), ("vfat", False), ("fuse.sshfs", False)])
def test_times_are_believed_where_nobody_can_set_them(
    kind: str, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("1")
    device = tmp_path.stat().st_dev
    at = f"{os.major(device)}:{os.minor(device)}"
    table = f"22 27 0:21 / /proc rw - proc proc rw\n27 1 {at} / / rw shared:1 - {kind} /dev/vda rw\n"
    (tmp_path / "mountinfo").write_text(table)
    monkeypatch.setattr(mounts, "TABLE", str(tmp_path / "mountinfo"))
    one = ("file", str(tmp_path / "file"))
    short, known = shortened({one: answers.seen(*one)}, time.time_ns() + answers.COARSE + answers.GRAIN)
    assert ([*known] == [one], [*short] == [one]) == (told, not told)


def test_a_renewed_answer_has_what_was_written_and_believes_no_other_change(tmp_path: Path) -> None:
    places = {name: ("file", str(tmp_path / name)) for name in ("own", "same", "other", "left")}
    for name in places:
        (tmp_path / name).write_text("1")
    later = time.time_ns() + answers.COARSE + answers.GRAIN
    inputs, known = shortened({one: answers.seen(*one) for one in places.values()}, later)
    assert {*known} == {*places.values()}
    os.utime(tmp_path / "same")
    time.sleep(2 * answers.GRAIN / 1e9)
    answer, since = answers.Answer(inputs, [], None, known), time.time_ns()
    assert answer.holds()
    (tmp_path / "own").write_text("2")
    (tmp_path / "other").write_text("2")
    inputs, known = answer.renewed(lambda path: path == places["own"][1], since)
    assert {*inputs} == {places["own"], places["other"]}
    assert {*known} == {places["same"], places["left"]}  # in short, by the states that they have now
    renewed = answers.Answer(inputs, [], None, known)
    assert not renewed.holds()
    (tmp_path / "other").write_text("1")
    assert renewed.holds()

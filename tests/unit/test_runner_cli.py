"""`mpy run` as a command line: which image, which options go together, what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeProject, Mpy
from tests.unit.runner_help import program
from tests.unit.test_json_forms import check

pytestmark = pytest.mark.slow

DISK = """\
from mirage_py import block, block_of_file, job, main, register

register("hello", [main("Unikernel.Main", block >> job)(block_of_file("storage"))])
"""


NO_TOOLS = {"PATH": "/nowhere", "MPY_SOLO5_PREFIX": "", "OPAM_SWITCH_PREFIX": ""}
"""A machine where nothing could look into an image."""


def events(text: str) -> list[dict[str, object]]:
    """The events on standard error; each keeps to its schema."""
    lines = text.splitlines()
    for line in lines:
        check(line, "events")
    return [json.loads(line) for line in lines]


def test_several_images_are_listed_with_the_command_for_each(project: MakeProject, mpy: Mpy) -> None:
    project("hello")
    mpy("configure", "-t", "unix", "-t", "spt", code=0)
    told = mpy("run", code=2).stderr
    assert "several images could be run" in told
    assert "mpy run -t spt\n" in told
    assert "mpy run -t unix\n" in told


def test_several_unikernels_are_told_apart_by_name(project: MakeProject, mpy: Mpy) -> None:
    project("two-unikernels")
    told = mpy("run", code=2).stderr
    assert "mpy run -u greeter -t unix" in told
    assert "dist/greeter: the image is not there" in mpy("run", "-u", "greeter", code=1).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--undo",), "--undo belongs to --setup"),
        (("--size", "5"), "--size belongs to --setup"),
        (("--setup", "--print"), "--setup runs none"),
        (("--mem", "0"), "--mem"),
        (("--timeout", "never"), "--timeout"),
        (("--net", "service"), "--net takes NAME=TAP"),
        (("-t", "spd"), "spt"),
    ],
)
def test_options_that_say_nothing_are_refused(
    words: tuple[str, ...], said: str, project: MakeProject, mpy: Mpy
) -> None:
    project("hello")
    assert said in mpy("run", *words, code=2).stderr


def test_exit_code_is_the_unikernels_and_json_says_so(project: MakeProject, mpy: Mpy) -> None:
    program(project("hello") / "dist" / "hello", 'echo "$# $1"; exit 3')
    done = mpy("--log-format", "json", "run", "--", "a b", code=3)
    assert done.stdout == '1 "a b"\n'
    (ended,) = events(done.stderr)
    assert (ended["event"], ended["by"], ended["exit_code"]) == ("ended", "unikernel", 3)


def test_exit_code_that_is_mpys_comes_with_an_error(project: MakeProject, mpy: Mpy) -> None:
    project("hello")
    (error,) = events(mpy("--log-format", "json", "run", code=1).stderr)
    assert (error["event"], error["exit_code"]) == ("error", 1)


def test_input_is_the_unikernels(project: MakeProject, mpy: Mpy) -> None:
    program(project("hello") / "dist" / "hello", "cat")
    assert mpy("run", stdin="for you\n", code=0).stdout == "for you\n"


def test_words_after_the_dashes_are_not_ours(project: MakeProject, mpy: Mpy) -> None:
    program(project("hello") / "dist" / "hello", 'echo "$@"')
    assert mpy("run", "--", "--help", "-t", "spt", "--print", code=0).stdout == "--help -t spt --print\n"


def test_disk_is_made_and_removed_again(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": DISK, "unikernel.ml": ""})
    yes = {"MPY_YES": "1"}
    mpy("configure", "-t", "virtio", code=0)
    assert "--block storage=FILE" in mpy_refused(folder, mpy)
    made = events(mpy("--log-format", "json", "run", "--setup", "--size", "1", env=yes, code=0).stderr)
    assert [(one["event"], one.get("action")) for one in made] == [("device", "made"), ("setup", None)]
    assert (folder / "storage.img").stat().st_size == 1 << 20
    printed = mpy("run", "--print", env=NO_TOOLS, code=0).stdout
    assert f"file={folder}/storage.img" in printed or "file=storage.img" in printed
    assert "every device is there" in mpy("run", "--setup", env=yes, code=0).stderr
    undone = events(mpy("--log-format", "json", "run", "--setup", "--undo", env=yes, code=0).stderr)
    assert [one["action"] for one in undone] == ["removed"]
    assert not (folder / "storage.img").exists()
    assert "nothing to remove" in mpy("run", "--setup", "--undo", env=yes, code=0).stderr


def mpy_refused(folder: Path, mpy: Mpy) -> str:
    """What is said of an image without its disk; the image is a file of no meaning, and no elftool looks at it."""
    program(folder / "dist" / "hello.virtio", "exit 0")
    return mpy("run", env=NO_TOOLS, code=2).stderr

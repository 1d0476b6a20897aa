"""The tutorial, done as it is written: its files written, its commands run, what it shows compared with what comes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from tests.conftest import Finished, MakeProject, Mpy

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-unikernel.md"
BLOCK = re.compile(r"(?:^% file: (?P<file>\S+)\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    kind: Literal["write", "run", "see"]
    text: str
    file: str = ""


def steps() -> Iterator[Step]:
    for block in BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")):
        match block["language"], block["file"]:
            case "sh", _:
                yield from (Step("run", line) for line in block["text"].splitlines() if line.startswith("mpy "))
            case "text", _:
                yield Step("see", block["text"].strip())
            case _, str(file):
                yield Step("write", block["text"], file)
            case language, _:
                pytest.fail(f"the tutorial has a block of {language} that nobody does")


@pytest.mark.ocaml
@pytest.mark.slow
def test_tutorial_can_be_followed(project: MakeProject, mpy: Mpy) -> None:
    folder = project({})
    last = Finished(code=0, stdout="", stderr="")
    for step in steps():
        match step.kind:
            case "write":
                (folder / step.file).write_text(step.text, encoding="utf-8")
            case "run":
                last = mpy(*shlex.split(step.text, comments=True)[1:])
                helps = step.text.endswith("--help")  # a unikernel tells of its arguments and ends with 63
                assert last.code == 0 or helps or step.text.endswith("# fails"), f"{step.text}\n{last.stderr}"
            case "see":
                assert step.text in last.stdout + last.stderr

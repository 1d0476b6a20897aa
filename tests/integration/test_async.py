"""The example in Async says the same on every target; it takes the sources that a lock names, and minutes."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.conftest import MakeProject, Mpy
from tests.sources import lay_sources

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ocaml,
    pytest.mark.skipif(not os.environ.get("MPY_TEST_ALL"), reason="MPY_TEST_ALL is not set: it builds 74 packages"),
]

SAID = """\
waited 200 ms: true
all of them: one, two, three
through a pipe came 6
caught (Failure "too late")
1970-01-01 00:00:00.000000000Z
1969-12-31 23:59:59.000000000Z
2000-02-29 00:00:00.000000000Z
2099-12-31 23:59:59.000000000Z
"""


def own_words(output: str) -> str:
    """What a unikernel wrote, without what Solo5 writes before and after it."""
    found = re.search(r"^waited.*?(?=^Solo5:|\\Z)", output, re.MULTILINE | re.DOTALL)
    return found[0] if found else output


@pytest.mark.solo5
def test_async_says_the_same_with_and_without_an_operating_system(project: MakeProject, mpy: Mpy) -> None:
    folder = project("async")
    lay_sources(folder, "async", mpy)
    targets = ("unix", "spt", "hvt", "virtio")
    options = [word for target in targets for word in ("-t", target)]
    mpy("configure", *options, cwd=folder, code=0)
    mpy("build", *options, cwd=folder, code=0, timeout=3000)
    image = subprocess.run((folder / "dist/async",), capture_output=True, text=True, timeout=60, check=True)
    assert image.stdout == SAID
    for target in targets[1:]:
        emulated = ("--emulate",) if target == "hvt" else ()
        assert own_words(mpy("run", "-t", target, *emulated, cwd=folder, code=0, timeout=300).stdout) == SAID, target

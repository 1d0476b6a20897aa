"""The example in Async says the same on every target; it takes the sources that a lock names, and minutes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, Mpy, copy_example, lacks
from tests.sources import lay_sources

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ocaml,
    pytest.mark.skipif(not os.environ.get("MPY_TEST_ALL"), reason="MPY_TEST_ALL is not set: it builds 66 packages"),
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
    found = re.search(r"^waited.*?(?=^Solo5:|\Z)", output, re.MULTILINE | re.DOTALL)
    return found[0] if found else output


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, mpy_in: Mpy) -> Path:
    """The example, built for every target that can be built for here."""
    folder = copy_example(EXAMPLES / "async", tmp_path_factory.mktemp("async") / "project")
    lay_sources(folder, "async", mpy_in)
    targets = ("unix",) if lacks("solo5") else ("unix", "spt", "hvt", "virtio")
    options = [word for target in targets for word in ("-t", target)]
    mpy_in("configure", *options, cwd=folder, code=0)
    mpy_in("build", *options, cwd=folder, code=0, timeout=3000)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("unix",), id="unix"),
        pytest.param(("spt",), id="spt", marks=pytest.mark.solo5),
        pytest.param(("hvt", "--emulate"), id="hvt", marks=[pytest.mark.solo5, pytest.mark.qemu]),
        pytest.param(("virtio", "--emulate"), id="virtio", marks=[pytest.mark.solo5, pytest.mark.qemu]),
    ],
)
def test_async_says_the_same_with_and_without_an_operating_system(
    built: Path, words: tuple[str, ...], mpy_in: Mpy
) -> None:
    assert own_words(mpy_in("run", "-t", *words, cwd=built, code=0).stdout) == SAID

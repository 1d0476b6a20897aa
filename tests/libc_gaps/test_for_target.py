"""What fills the gaps compiles for a target without an operating system, and wants nothing that is not there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mirage_py.libraries.gaps import compiled_with, headers, lacking, present_in, source_of
from mirage_py.model.gaps import FUNCTIONS, OFFERED
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment

pytestmark = pytest.mark.solo5

OF_SOLO5 = {"solo5_clock_wall", "solo5_clock_monotonic", "__stack_chk_fail", "__stack_chk_guard"}


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return discover("spt", from_environment(ToolchainChoice()))


def _compiled(toolchain: Toolchain, folder: Path, asked: list[str], sources: list[Path]) -> None:
    for name, text in headers(asked, present_in(toolchain)).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    path = os.pathsep.join([*map(str, toolchain.path), os.environ["PATH"]])
    flags = ("-Wall", "-Wextra", "-Werror=implicit-function-declaration", "-Wno-unused-parameter")
    argv = (*toolchain.c_compiler, *toolchain.cflags, *flags, *compiled_with(folder), "-c", *map(str, sources))
    done = subprocess.run(
        argv, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_all_that_is_lacking_compiles_and_needs_what_is_there(toolchain: Toolchain, tmp_path: Path) -> None:
    present = present_in(toolchain)
    names = lacking(FUNCTIONS, present)
    assert {"time", "strftime", "localtime"} <= set(names)
    _compiled(toolchain, tmp_path, list(OFFERED), [source_of(name) for name in names])
    objects = [tmp_path / f"{name}.o" for name in names]
    told = subprocess.run(("nm", "-u", *objects), capture_output=True, text=True, check=True).stdout
    wanted = {line.split()[-1] for line in told.splitlines() if line.startswith(" ")}
    assert wanted <= present | set(names) | OF_SOLO5


def test_a_stub_that_speaks_of_the_calendar_compiles(toolchain: Toolchain, tmp_path: Path) -> None:
    stub = tmp_path / "stub.c"
    stub.write_text(
        "#include <errno.h>\n#include <strings.h>\n#include <time.h>\n"
        "int stub(char *to) { time_t now = time(NULL); struct tm *date = localtime(&now);\n"
        'if (errno == EINTR) return strcasecmp(to, to); return (int)strftime(to, 9, "%F", date); }\n',
        encoding="utf-8",
    )
    _compiled(toolchain, tmp_path, ["time", "localtime", "strftime", "strcasecmp", "EINTR"], [stub])

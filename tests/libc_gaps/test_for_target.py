"""What fills the gaps compiles for a target without an operating system, and wants nothing that is not there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from mirage_py import fill, job, main, register
from mirage_py.build.gaps import filling
from mirage_py.libraries.gaps import c_library_of, compiled_with, headers, lacking, source_of
from mirage_py.model.gaps import FUNCTIONS, OFFERED
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.targets.plan import plan
from mirage_py.toolchain.discover import discover, from_environment
from mirage_py.toolchain.steps import to_linker
from tests.unit.helpers_core import registered, resolved_config

pytestmark = pytest.mark.solo5

OF_SOLO5 = {"solo5_clock_wall", "solo5_clock_monotonic", "__stack_chk_fail", "__stack_chk_guard"}


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return discover("spt", from_environment(ToolchainChoice()))


def _compiled(
    toolchain: Toolchain, folder: Path, asked: list[str], sources: list[Path], more: tuple[str, ...] = ()
) -> None:
    for name, text in headers(asked, c_library_of(toolchain).has).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    path = os.pathsep.join([*map(str, toolchain.path), os.environ["PATH"]])
    flags = ("-Wall", "-Wextra", "-Werror=implicit-function-declaration", "-Wno-unused-parameter")
    argv = (*toolchain.c_compiler, *toolchain.cflags, *flags, *compiled_with(folder), *more, "-c", *map(str, sources))
    _run(argv, folder, path)


def _run(argv: tuple[str, ...], folder: Path, path: str | None = None) -> str:
    env = os.environ | ({"PATH": path} if path else {})
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_all_that_is_lacking_compiles_and_needs_what_is_there(toolchain: Toolchain, tmp_path: Path) -> None:
    present = c_library_of(toolchain).has
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


PROGRAM = """
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <solo5.h>

extern void _nolibc_init(uintptr_t, size_t);

int solo5_app_main(const struct solo5_start_info *start)
{
    char place[16];

    _nolibc_init(start->heap_start, start->heap_size);
    printf("%s: %s\\n", getcwd(place, sizeof place), strerror(ENOENT));
    return 0;
}
"""
"""Two functions that nolibc has as stubs which abort, in one object with others that the program needs."""


def test_a_gap_takes_the_place_of_a_function_that_aborts(toolchain: Toolchain, tmp_path: Path) -> None:
    asked = ["getcwd", "strerror"]
    assert set(asked) <= c_library_of(toolchain).pretends
    config = registered(lambda: register("test", [main("Unikernel", job, libc_gaps=fill(*asked))]))
    planned = plan(*resolved_config(config, "spt"), modules=())
    filled = filling([planned], {"spt": toolchain})
    (dune,) = (str(text) for path, text in filled.files.items() if path.endswith("/dune"))
    (tmp_path / "program.c").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "manifest.json").write_text('{"type": "solo5.manifest", "version": 1, "devices": []}', encoding="utf-8")
    _run((str(toolchain.elftool), "gen-manifest", "manifest.json", "manifest.c"), tmp_path)
    _compiled(toolchain, tmp_path, asked, [tmp_path / "program.c", tmp_path / "manifest.c"])
    _compiled(toolchain, tmp_path, asked, [source_of(name) for name in asked], tuple(re.findall(r"-D\w+=\w+", dune)))
    objects = ("program.o", "manifest.o", *(f"{name}.o" for name in asked))
    flags = to_linker(toolchain, filled.linked_with(planned))
    _run((*toolchain.linker, *toolchain.ldflags, *objects, *flags, *toolchain.libs, "-o", "image"), tmp_path)
    assert "/: No such file or directory\n" in _run((str(toolchain.tender), "image"), tmp_path)

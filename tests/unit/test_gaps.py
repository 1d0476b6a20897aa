"""What fills the gaps of a C library: what is asked for, nothing else, and what it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mirage_py import fill, job, main, register
from mirage_py.build.gaps import filling
from mirage_py.errors import ConfigError
from mirage_py.libraries.gaps import CLibrary, c_library_of, headers, lacking, source_of
from mirage_py.model.gaps import CONSTANTS, DISHONEST, FUNCTIONS, OFFERED, closed, gaps_library
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import Toolchain
from mirage_py.targets.plan import plan
from tests.conftest import ROOT
from tests.unit.helpers_core import registered, resolved_config


def _plan(target: str, name: str, *names: str) -> Plan:
    config = registered(lambda: register(name, [main("Unikernel", job, libc_gaps=fill(*names))]))
    return plan(*resolved_config(config, target), modules=())


def _dune(target: str, *names: str) -> str:
    return next(file.content for file in _plan(target, "my-test", *names).files if file.path == "dune")


def test_every_function_has_a_file_that_is_called_so_and_every_file_a_function() -> None:
    files = {file.stem for file in source_of("time").parent.glob("*.c")}
    assert files == set(FUNCTIONS)
    for name, gap in FUNCTIONS.items():
        text = source_of(name).read_text(encoding="utf-8")
        assert text.startswith(f"/* {name}"), name
        assert f"#include <{gap.header}>" in text, name


def test_what_is_called_by_what_is_asked_for_comes_along() -> None:
    assert closed(["strftime"]) == ("gmtime_r", "mktime", "strftime", "timegm")
    assert lacking(["ctime", "EINTR"], frozenset({"gmtime_r"})) == ("asctime_r", "ctime", "ctime_r", "localtime_r")


def test_headers_declare_what_is_asked_for_and_no_more() -> None:
    texts = headers(["localtime", "EINTR"], frozenset())
    assert sorted(texts) == ["errno.h", "gaps.h", "time.h", "unistd.h"]
    assert "struct tm *localtime(const time_t *);" in texts["gaps.h"]
    assert "strftime" not in texts["gaps.h"]
    assert "struct timespec" not in texts["gaps.h"]
    assert f"#define EINTR {CONSTANTS['EINTR']}" in texts["gaps.h"]
    assert "EPIPE" not in texts["gaps.h"]


def test_types_are_left_to_a_libc_that_has_them() -> None:
    assert "struct tm {" in headers(["strftime"], frozenset())["gaps.h"]
    assert "struct tm {" not in headers(["strftime"], frozenset({"gmtime"}))["gaps.h"]
    assert headers(["strftime"], frozenset(closed(["strftime"]))) == {}


def test_the_library_is_the_first_of_a_freestanding_program_only() -> None:
    assert f"(libraries {gaps_library('my-test')}" in " ".join(_dune("spt", "time").split())
    assert "mpy_libc_gaps" not in _dune("unix", "time")
    assert "mpy_libc_gaps" not in _dune("spt", "EINTR")
    assert "mpy_libc_gaps" not in _dune("spt")


def test_no_two_unikernels_have_one_library() -> None:
    names = ["a-b", "a_b", "a.b", "ab", "a_2db"]
    assert len({gaps_library(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("strftme", "nothing to fill 'strftme' with"),
        ("fork", "nothing to fill 'fork' with: a unikernel is one process"),
        ("", "nothing to fill '' with"),
        ("open", "there are no files"),
    ],
)
def test_what_cannot_be_honest_is_not_offered(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        fill("time", name)
    assert not set(DISHONEST) & {*FUNCTIONS, *CONSTANTS}


def test_libc_gaps_is_what_fill_gives() -> None:
    with pytest.raises(ConfigError, match="libc_gaps"):
        main("Unikernel", job, libc_gaps=["time"])  # type: ignore[call-overload]


def test_no_file_speaks_of_this_machine() -> None:
    assert not [path for path in Path(source_of("time").parent).iterdir() if path.suffix != ".c"]


def test_reference_lists_all_that_is_offered() -> None:
    page = (ROOT / "docs/reference/libc-gaps.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([\w./]+)`", page)) >= {*OFFERED, *DISHONEST}


def _libc(folder: Path) -> Toolchain:
    """A toolchain whose C library has strlen, and stubs of getcwd and getpid."""
    folder.mkdir()
    (folder / "strlen.c").write_text("int strlen(const char *text) { return *text; }\n", "utf-8")
    (folder / "stubs.c").write_text("int getcwd(void) { return 0; }\nint getpid(void) { return 0; }\n", "utf-8")
    subprocess.run(("gcc", "-c", "-fno-builtin", "strlen.c", "stubs.c"), cwd=folder, check=True)
    subprocess.run(("ar", "rcs", "libnolibc.a", "strlen.o", "stubs.o"), cwd=folder, check=True)
    return Toolchain(
        target="spt",
        generation="cross",
        architecture="x86_64",
        ocaml_version="5.3.0",
        ocamlopt=folder / "ocamlopt",
        stdlib=folder,
        c_compiler=("cc",),
        cflags=(),
        linker=("cc",),
        ldflags=(),
        libs=(),
        runtime=(folder / "libnolibc.a",),
    )


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler on this machine")
def test_what_is_there_in_name_only_is_replaced_where_it_is_asked_for(tmp_path: Path) -> None:
    tools = _libc(tmp_path / "libc")
    assert c_library_of(tools) == CLibrary(has=frozenset({"strlen"}), pretends=frozenset({"getcwd", "getpid"}))
    asking, other = _plan("spt", "asking", "getcwd", "strdup"), _plan("spt", "other", "strdup")
    filled = filling([asking, other], {"spt": tools})
    assert filled.linked_with(asking) == ("--wrap=getcwd", "--undefined=__wrap_getcwd")
    assert filled.linked_with(other) == ()
    assert "-Dgetcwd=__wrap_getcwd" in str(filled.files["libc/asking/dune"])
    assert "-D" not in str(filled.files["libc/other/dune"])

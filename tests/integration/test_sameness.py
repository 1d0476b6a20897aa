"""One image from two folders, by two users, on two days, with one job or eight."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, MakeProject, Mpy, copy_example

pytestmark = [pytest.mark.slow, pytest.mark.ocaml]

HERE = {"USER": "ada", "TZ": "UTC", "LC_ALL": "C"}
THERE = {"USER": "grace", "LOGNAME": "grace", "TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8"}
NEVER = {"DUNE_CACHE": "disabled"}
"""dune's cache would hand the objects of the first build to the second."""

CONFIG = """from mirage_py import job, main, register
register("checksum", [main("Unikernel", job, c_sources=["stubs/crc32_table.c"], c_flags=["-O3"])])
"""


def images(folder: Path, mpy: Mpy, targets: tuple[str, ...], env: dict[str, str], jobs: str) -> dict[str, str]:
    """The digest of each image that a folder's build gives."""
    copy_example(EXAMPLES / "c-stubs", folder)
    (folder / "config.py").write_text(CONFIG, encoding="utf-8")
    mpy(
        "build",
        *(word for target in targets for word in ("-t", target)),
        "-j",
        jobs,
        cwd=folder,
        env=env | NEVER,
        code=0,
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "dist").glob("*")}


@pytest.mark.parametrize(
    "targets", [("unix",), pytest.param(("hvt", "spt", "virtio"), marks=pytest.mark.solo5)], ids=" ".join
)
def test_image_is_the_same_from_whatever_folder(targets: tuple[str, ...], tmp_path: Path, mpy: Mpy) -> None:
    one = images(tmp_path / "a", mpy, targets, HERE, "1")
    other = images(tmp_path / "another name" / "deeper", mpy, targets, THERE, "8")
    assert len(one) == 2 * len(targets)
    if targets != ("unix",):  # the assembler behind the cross compiler notes its folder, in what is for a debugger
        one, other = (
            {name: digest for name, digest in some.items() if not name.endswith(".debug")} for some in (one, other)
        )
    assert one == other


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not on PATH")
def test_image_is_stripped_and_its_twin_is_not(tmp_path: Path, mpy: Mpy) -> None:
    images(tmp_path / "a", mpy, ("unix",), {}, "2")
    image, twin = tmp_path / "a/dist/checksum", tmp_path / "a/dist/checksum.unix.debug"
    assert b".debug_info" not in image.read_bytes()
    assert b".debug_info" in twin.read_bytes()
    assert b"/workspace_root" in twin.read_bytes()
    assert str(tmp_path).encode() not in twin.read_bytes()


# ---------------------------------------------------------------------------------------------------------------------
# mpy verify

TOLD = """#include <caml/mlvalues.h>
#include <caml/alloc.h>
static const char built[] = __DATE__ " " __TIME__;
value when_built(value unit) { (void)unit; return caml_copy_string(built); }
"""
UNIKERNEL = """external when_built : unit -> string = "when_built"
let start () = Logs.info (fun m -> m "%s" (when_built ())); Lwt.return_unit
"""
TIMED = """from mirage_py import job, main, register
register("timed", [main("Unikernel", job, c_sources=["when.c"])])
"""


def test_verify_tells_that_an_image_is_the_same(tmp_path: Path, mpy: Mpy) -> None:
    folder = tmp_path / "a"
    images(folder, mpy, ("unix",), {}, "2")
    before = sorted(folder.rglob("*"))
    done = mpy("verify", cwd=folder, code=0)
    assert done.stdout == "dist/checksum: the same bits, built elsewhere\n"
    assert sorted(folder.rglob("*")) == before


def test_verify_names_what_differs(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": TIMED, "unikernel.ml": UNIKERNEL, "when.c": TOLD})
    mpy("build", "-t", "unix", code=0)
    done = mpy("verify", code=1)
    assert "dist/timed: built elsewhere, the image is another" in done.stderr
    assert ".rodata differs from its byte" in done.stderr
    assert "in built" in done.stderr
    assert "object mirage/timed-unix/when.o: .rodata" in done.stderr


def test_verify_wants_an_image_to_compare_with(project: MakeProject, mpy: Mpy) -> None:
    project("noop")
    assert "mpy build -t unix" in mpy("verify", "-t", "unix", code=1).stderr

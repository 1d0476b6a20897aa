"""One image from two folders, by two users, on two days, with one job or eight."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, Mpy, copy_example

pytestmark = [pytest.mark.slow, pytest.mark.ocaml]

HERE = {"USER": "ada", "TZ": "UTC", "LC_ALL": "C"}
THERE = {"USER": "grace", "LOGNAME": "grace", "TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8"}
NEVER = {"DUNE_CACHE": "disabled"}
"""dune's cache would hand the objects of the first build to the second."""

CONFIG = """from mirage_py import job, main, register
register("checksum", [main("Unikernel", job, c_sources=["stubs/crc32_table.c"], c_flags=["-O3"])])
"""


def images(folder: Path, mpy: Mpy, target: str, env: dict[str, str], jobs: str) -> dict[str, str]:
    """The digest of each image that a folder's build gives."""
    copy_example(EXAMPLES / "c-stubs", folder)
    (folder / "config.py").write_text(CONFIG, encoding="utf-8")
    mpy("build", "-t", target, "-j", jobs, cwd=folder, env=env | NEVER, code=0)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "dist").glob("*")}


@pytest.mark.parametrize(
    "target", ["unix", *(pytest.param(name, marks=pytest.mark.solo5) for name in ("hvt", "spt", "virtio"))]
)
def test_image_is_the_same_from_whatever_folder(target: str, tmp_path: Path, mpy: Mpy) -> None:
    one = images(tmp_path / "a", mpy, target, HERE, "1")
    other = images(tmp_path / "another name" / "deeper", mpy, target, THERE, "8")
    name = "checksum" if target == "unix" else f"checksum.{target}"
    assert one[name] == other[name]
    if target == "unix":  # the assembler behind the cross compiler notes its folder, in what is for a debugger
        assert one == other


@pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not on PATH")
def test_image_is_stripped_and_its_twin_is_not(tmp_path: Path, mpy: Mpy) -> None:
    images(tmp_path / "a", mpy, "unix", {}, "2")
    image, twin = tmp_path / "a/dist/checksum", tmp_path / "a/dist/checksum.unix.debug"
    assert b".debug_info" not in image.read_bytes()
    assert b".debug_info" in twin.read_bytes()
    assert b"/workspace_root" in twin.read_bytes()
    assert str(tmp_path).encode() not in twin.read_bytes()

"""A project that travels: pulled, bundled, and built elsewhere where no connection can be opened."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, MakeProject, Mpy
from tests.unit.packages.releases import Releases, library

pytestmark = pytest.mark.ocaml

CONFIG = """
from mirage_py import job, main, package, register

register("hello", [main("Unikernel", job, packages=[package("one")])])
"""


def no_network() -> tuple[str, ...]:
    """The words before a command that leave it without a network."""
    words = ("unshare", "--net")
    if not shutil.which("unshare") or subprocess.run((*words, "true"), capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here (unshare --net)")
    return words


def test_a_bundle_builds_the_same_image_without_a_network(mpy: Mpy, project: MakeProject, tmp_path: Path) -> None:
    unshare = no_network()
    folder = project({"config.py": CONFIG, "unikernel.ml": "let start () = Lwt.return (print_endline One.version)\n"})
    releases = Releases(tmp_path / "mirror")
    releases.add("one", library("one", version="1.2.3"), version="1.2.3")
    releases.write(folder)
    assert "mpy pull" in mpy("build", "-t", "unix", code=5).stderr
    mpy("pull", "--mirror", str(releases.mirror), code=0)
    mpy("build", "-t", "unix", "--locked", code=0)
    mpy("bundle", "-o", str(tmp_path / "hello.tar.gz"), code=0)
    with tarfile.open(tmp_path / "hello.tar.gz") as tar:
        tar.extractall(tmp_path / "there", filter="data")
    there = tmp_path / "there/hello"
    for words in (("pull", "--offline"), ("build", "--offline", "--locked")):
        subprocess.run(
            (*unshare, sys.executable, "-m", "mirage_py", *words),
            cwd=there,
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "PYTHONPATH": str(ROOT),
                "XDG_CACHE_HOME": str(tmp_path / "empty"),
            },
            check=True,
        )
    assert (there / "dist/hello").read_bytes() == (folder / "dist/hello").read_bytes()
    run = subprocess.run((there / "dist/hello",), capture_output=True, text=True, check=True)
    assert "1.2.3" in run.stdout

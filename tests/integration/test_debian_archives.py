"""From a config.py to images with real archives: public metadata, and Debian's source packages as a mirror.

What Debian calls an orig tarball is, byte for byte, the archive that the public opam files name. It takes minutes:
where MPY_TEST_ALL is set, the metadata is here, and apt has sources (or MPY_TEST_DEBIAN_SOURCES a folder of tarballs).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ROOT, MakeProject, Mpy
from tests.integration.conftest import Start, log_lines

METADATA: Final = Path(os.environ.get("MPY_TEST_METADATA") or ROOT.parent / "shared" / "opam")
PACKAGES: Final = ("janest-base", "ocaml-sexplib0")

CONFIG: Final = """\
from mirage_py import job, main, package, register

# what Debian 12 has the sources of
base = package("base", min="v0.15.1", max="v0.15.2")
sexplib0 = package("sexplib0", min="v0.15.1", max="v0.16")
register("base", [main("Unikernel", job, packages=[base, sexplib0])])
"""

pytestmark = [
    pytest.mark.ocaml,
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("MPY_TEST_ALL"), reason="takes minutes: MPY_TEST_ALL is not set"),
    pytest.mark.skipif(not METADATA.is_dir(), reason="the metadata of the public repository is not here"),
]


def fetched(folder: Path) -> Path:
    """A folder with the orig tarballs; a skip with apt's reason where they cannot be had."""
    given = os.environ.get("MPY_TEST_DEBIAN_SOURCES")
    if given:
        return Path(given)
    if not shutil.which("apt-get"):
        pytest.skip("apt-get is not on this machine")
    folder.mkdir()
    command = ("apt-get", "source", "--download-only", *PACKAGES)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"apt has no sources: {done.stderr.strip().splitlines()[-1]}")
    return folder


def mirror(tarballs: Path, folder: Path) -> Path:
    """The tarballs by their checksums, as opam keeps a cache."""
    for tarball in tarballs.glob("*.orig.tar.*"):
        for algorithm in ("md5", "sha256", "sha512"):
            digest = hashlib.new(algorithm, tarball.read_bytes()).hexdigest()
            place = folder / algorithm / digest[:2] / digest
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tarball, place)
    return folder


@pytest.fixture
def folder(project: MakeProject, mpy: Mpy, tmp_path: Path) -> Path:
    """The base example, locked on the public metadata and pulled from Debian's tarballs, without a network."""
    tarballs = mirror(fetched(tmp_path / "debian"), tmp_path / "mirror")
    made = project("base", {"config.py": CONFIG})
    sources = [next(METADATA.glob(f"opam-{name}-*")) for name in ("repository", "overlays")]
    repositories = [word for one in sources for word in ("--repo", str(one))]
    mpy("lock", "-t", "unix", "-t", "spt", "--installed", *repositories, cwd=made, code=0)
    mpy("pull", "--offline", "--mirror", str(tarballs), cwd=made, code=0)
    return made


def test_base_for_unix(folder: Path, mpy: Mpy, start: Start) -> None:
    mpy("build", "-t", "unix", "--offline", "--locked", cwd=folder, code=0, timeout=1800)
    assert "[INFO] [application] 26 letters, o 4 times" in log_lines(start(folder / "dist/base"))


@pytest.mark.solo5
def test_base_for_spt(folder: Path, mpy: Mpy) -> None:
    mpy("build", "-t", "spt", "--offline", "--locked", cwd=folder, code=0, timeout=1800)
    done = mpy("run", "-t", "spt", cwd=folder, code=0)
    assert "[INFO] [application] 26 letters, o 4 times" in done.stdout + done.stderr

"""Sources of MirageOS's libraries for tests: what a lock file in tests/locks names, from the mirror that is given."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import Mpy

LOCKS = Path(__file__).parent / "locks"
NO_MIRROR = "MPY_TEST_MIRROR names no folder with archives by checksum (mirror/)"


def mirror() -> Path:
    """The archives by checksum, as `mpy pull --mirror` takes them; a folder that is not there where none is given."""
    return Path(os.environ.get("MPY_TEST_MIRROR") or "/nowhere") / "mirror"


@cache
def why_no_sources(need: str) -> str | None:
    """Why the sources that a lock names can be neither laid nor built here, or None."""
    if not mirror().is_dir():
        return NO_MIRROR
    ocaml, dune = (
        _version(tool, *words) for tool, *words in (("ocamlfind", "ocamlopt", "-version"), ("dune", "--version"))
    )
    if ocaml < (4,) or dune < (2,):
        return "OCaml or dune is not here"
    lock = LOCKS / f"{need}-ocaml{ocaml[0]}.lock"
    if not lock.is_file():
        return f"no lock of {need} for OCaml {ocaml[0]}"
    made_for = tomllib.loads(lock.read_text("utf-8"))["solved-for"]
    if ocaml < _numbers(made_for["ocaml"]) or dune < _numbers(made_for["dune"]):
        return f"{lock.name} is for OCaml {made_for['ocaml']} and dune {made_for['dune']}"
    return None


def put_lock(folder: Path, need: str) -> None:
    """Put a lock into a project; a skip where its sources could not be built here."""
    if reason := why_no_sources(need):
        pytest.skip(reason)
    shutil.copy(LOCKS / f"{need}-ocaml{_version('ocamlfind', 'ocamlopt', '-version')[0]}.lock", folder / "mpy.lock")


def lay_sources(folder: Path, need: str, mpy: Mpy) -> None:
    """Lay the sources that a lock names into a project; a skip that tells what the mirror lacks of them."""
    put_lock(folder, need)
    pull_from_mirror(folder, mpy)


def pull_from_mirror(folder: Path, mpy: Mpy) -> None:
    """Lay what is locked in a project; a skip that tells what the mirror lacks of it."""
    done = mpy("pull", "--offline", "--mirror", str(mirror()), cwd=folder)
    skip_where_lacking(done.stderr)
    assert done.code == 0, done.stderr


def skip_where_lacking(told: str) -> None:
    """A skip where `mpy pull` says that there are no archives."""
    if "cannot be had" in told:
        pytest.skip(f"the mirror does not have all that is locked: {' '.join(told.splitlines()[:2])}")


def _version(tool: str, *words: str) -> tuple[int, ...]:
    try:
        said = subprocess.run((tool, *words), capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    return _numbers(said)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:2]))

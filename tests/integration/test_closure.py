"""One closure: what is asked for, served, described and compiled are the same libraries, on every target.

Each test is a small project of its own; the libraries in it stand for a kind. Those that are compiled need OCaml, those
for spt a Solo5 toolchain.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Finished, MakeProject, Mpy
from tests.integration.conftest import Start

pytestmark = [pytest.mark.slow, pytest.mark.ocaml]

USER = 'let start () = Logs.info (fun m -> m "%s" {}); Lwt.return_unit\n'


def config(*packages: str, more: str = "") -> str:
    """A config.py that asks for these packages."""
    asked = ", ".join(f"package({name!r})" for name in packages)
    return f"""from mirage_py import job, main, package, register

register("kinds", [main("Unikernel", job, packages=[{asked}]{more})])
"""


def vendored(name: str, files: Mapping[str, str]) -> dict[str, str]:
    """A vendored package: its files, with the two that make it a dune project."""
    own = {"dune-project": "(lang dune 2.9)\n", f"{name}.opam": "", **files}
    return {f"duniverse/{name}/{file}": text for file, text in own.items()}


def described(mpy: Mpy, *words: str) -> list[str]:
    """The libraries that `mpy query libraries` lists."""
    return mpy("query", "libraries", *words, code=0).stdout.split()


# ---------------------------------------------------------------------------------------------------------------------
# Where the host's libraries are


def installed_by_dune(folder: Path) -> Path:
    """A library as dune installs one, without a META file, as some packages of Debian come; the folder it is in."""
    source = folder / "elsewhere"
    source.mkdir()
    files = {
        "dune-project": "(lang dune 2.9)\n(name alone)\n",
        "alone.opam": "",
        "dune": "(library (public_name alone))\n",
        "alone.ml": 'let word = "alone"\n',
    }
    for name, text in files.items():
        (source / name).write_text(text)
    place = folder / "site"
    clean = {key: value for key, value in os.environ.items() if key != "OCAMLPATH"}
    for words in (("build", "@install"), ("install", "alone", "--prefix", str(place))):
        subprocess.run(("dune", *words, "--root", "."), cwd=source, env=clean, check=True, capture_output=True)
    found = next(place.rglob("alone/META"))
    found.unlink()
    return found.parent.parent


def says_alone(done: Finished) -> bool:
    return "alone" in done.stdout + done.stderr


def test_library_that_dune_alone_knows_serves(
    project: MakeProject, mpy: Mpy, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCAMLPATH", str(installed_by_dune(tmp_path)))
    folder = project({"config.py": config("alone"), "unikernel.ml": USER.format("Alone.word")})
    assert "alone" in described(mpy, "-t", "unix")
    mpy("build", "-t", "unix", code=0)
    assert says_alone(start(folder / "dist/kinds"))


@pytest.mark.solo5
def test_what_generates_files_for_another_target_is_found_where_the_host_has_it(
    project: MakeProject, mpy: Mpy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cross context hides OCAMLPATH from dune: a program of the host has to be linked all the same."""
    monkeypatch.setenv("OCAMLPATH", str(installed_by_dune(tmp_path)))
    made = vendored(
        "made",
        {
            "gen/dune": "(executable (name gen) (libraries alone))\n",
            "gen/gen.ml": 'let () = Printf.printf "let word = %S\\n" Alone.word\n',
            "dune": "(rule (with-stdout-to made.ml (run gen/gen.exe)))\n(library (public_name made))\n",
        },
    )
    folder = project({"config.py": config("made"), "unikernel.ml": USER.format("Made.word"), **made})
    mpy("build", "-t", "spt", code=0)
    assert (folder / "dist/kinds.spt").is_file()

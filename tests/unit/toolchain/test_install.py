"""`mpy toolchain install`, with the real opam and a repository of small packages that the test makes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mirage_py.errors import ToolFailed, ToolNotFound
from mirage_py.toolchain.install import install, private_prefix, remove

needs_opam = pytest.mark.skipif(shutil.which("opam") is None, reason="opam is not on PATH")


def repository(folder: Path, packages: dict[str, str]) -> Path:
    (folder / "packages").mkdir(parents=True)
    (folder / "repo").write_text('opam-version: "2.0"\n')
    for package, fields in packages.items():
        place = folder / "packages" / package.partition(".")[0] / package
        place.mkdir(parents=True)
        (place / "opam").write_text(f'opam-version: "2.0"\nsynopsis: "for a test"\nmaintainer: "nobody"\n{fields}\n')
    return folder


TOOL = 'install: [["mkdir" "-p" "%{bin}%"] ["sh" "-c" "echo %{version}% > %{bin}%/solo5-elftool"]]'
CROSS = 'install: [["mkdir" "-p" bin] ["sh" "-c" "echo %{version}% > %{bin}%/ocaml-solo5"]]'

PACKAGES = {
    "ocaml-system.4.13.1": "flags: compiler",
    "ocaml.4.13.1": 'depends: ["ocaml-system" {= "4.13.1"}]',
    "ocaml.5.3.0": 'depends: ["ocaml-system" {= "5.3.0"}]',
    "ocaml-system.5.3.0": "flags: compiler",
    "solo5.0.12.1": TOOL,
    "ocaml-solo5.0.8.5": f'depends: ["ocaml" {{>= "4.12.1" & < "4.15"}} "solo5"]\n{CROSS}',
    "ocaml-solo5.1.1.0": f'depends: ["ocaml" {{= "5.3.0"}} "solo5"]\n{CROSS}',
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "cache"


@needs_opam
@pytest.mark.slow
@pytest.mark.parametrize(("ocaml", "expected"), [("4.13.1", "0.8.5"), ("5.3.0", "1.1.0")])
def test_the_version_that_fits_the_compiler_is_installed_and_removed(ocaml: str, expected: str, tmp_path: Path) -> None:
    told: list[str] = []
    prefix = install(ocaml, str(repository(tmp_path / "repo", PACKAGES)), progress=told.append)
    assert (prefix / "bin/ocaml-solo5").read_text() == f"{expected}\n"
    assert private_prefix() == prefix
    assert told
    assert not (tmp_path / "home/.opam").exists()
    assert remove()
    assert private_prefix() is None
    assert not remove()


@needs_opam
@pytest.mark.slow
def test_without_a_fitting_version_opam_says_so_and_nothing_is_left(tmp_path: Path, cache: Path) -> None:
    repo = repository(tmp_path / "repo", {"ocaml-system.4.08.0": "flags: compiler", **PACKAGES})
    with pytest.raises(ToolFailed, match=r"no release of ocaml-solo5 fits the OCaml of this machine, 4\.08\.0"):
        install("4.08.0", str(repo))
    assert not (cache / "mpy/toolchain").exists()


OPAM = """#!/bin/sh
echo "$*" >>"$LOG"
case "$*" in
  switch*) mkdir -p "$OPAMROOT/solo5/bin" ;;
  install*) echo "$*" >"$OPAMROOT/solo5/bin/installed"; exit "$CODE" ;;
esac
"""


@pytest.fixture
def opam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of opam, which notes what it is told; the file that it notes it in."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/opam").write_text(OPAM)
    (tmp_path / "bin/opam").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("CODE", "0")
    monkeypatch.setenv("OPAMROOT", str(tmp_path / "of-the-user"))
    return tmp_path / "log"


def test_opam_works_in_a_root_of_mpys_own(opam: Path, tmp_path: Path, cache: Path) -> None:
    assert install("5.3.0", "/repo") == private_prefix() == cache / "mpy/toolchain/solo5"
    words = [line.split() for line in opam.read_text().splitlines()]
    assert [line[0] for line in words] == ["init", "switch", "install"]
    assert words[0][-1] == "/repo"
    assert words[2][1:] == ["--switch=solo5", "ocaml-system.5.3.0", "solo5", "ocaml-solo5"]
    assert not (tmp_path / "of-the-user").exists()


@pytest.mark.usefixtures("opam")
def test_what_was_installed_before_stays_where_another_cannot_be(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    prefix = install("4.13.1")
    monkeypatch.setenv("CODE", "3")
    with pytest.raises(ToolFailed):
        install("5.3.0")
    assert "ocaml-system.4.13.1" in (prefix / "bin/installed").read_text()
    assert [one.name for one in (cache / "mpy").glob("toolchain*")] == ["toolchain"]
    assert remove()
    assert private_prefix() is None


def test_without_opam_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolNotFound, match="opam is not on this machine") as failed:
        install("4.13.1")
    assert failed.value.hint == "apt install opam, then: mpy toolchain install"

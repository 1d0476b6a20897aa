"""Installed libraries made by the tests: a META, archives from real C and OCaml-like objects, damaged ones too."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mirage_py.audit import audit
from mirage_py.model.audit import AuditReport, AuditRequest, LibraryAudit, Root
from tests.unit.cmxa import cmxa

Install = Callable[..., Path]
Audit = Callable[..., AuditReport]


def compile_c(folder: Path, source: str, archive: str) -> None:
    """An archive with one object per `/* name */`-separated piece of C."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not on PATH")
    pieces = [piece for piece in source.split("----") if piece.strip()]
    objects = []
    for number, piece in enumerate(pieces):
        file = folder / f"part{number}.c"
        file.write_text(piece)
        subprocess.run(("gcc", "-c", "-O1", "-w", "-fno-builtin", file.name), cwd=folder, check=True)
        objects.append(f"part{number}.o")
    subprocess.run(("ar", "rcs", archive, *objects), cwd=folder, check=True)


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """The folder in which `install` puts libraries."""
    folder = tmp_path / "lib"
    folder.mkdir()
    return folder


@pytest.fixture
def install(libraries: Path) -> Install:
    """Installs a library: what it requires, its stubs in C, and in C too what its OCaml object would refer to."""

    def install(
        name: str, requires: str = "", *, stubs: str = "", ocaml: str = "", system: tuple[str, ...] = ()
    ) -> Path:
        folder = libraries / name
        folder.mkdir()
        meta = f'version = "1.0"\nrequires = "{requires}"\narchive(native) = "{name}.cmxa"\n'
        (folder / "META").write_text(meta)
        own = (f"-l{name}_stubs",) if stubs else ()
        (folder / f"{name}.cmxa").write_bytes(cmxa((*own, *(f"-l{one}" for one in system))))
        if stubs:
            compile_c(folder, stubs, f"lib{name}_stubs.a")
        if ocaml:
            compile_c(folder, ocaml, f"{name}.a")
        return folder

    return install


@pytest.fixture
def asked(libraries: Path) -> Audit:
    """Audits libraries by name, against mpy's own table."""

    def asked(*names: str, **more: object) -> AuditReport:
        request = AuditRequest(roots=tuple(Root(library=name) for name in names), path=(libraries,), **more)  # type: ignore[arg-type]
        return audit(request)

    return asked


def row(report: AuditReport, name: str, target: str | None = None) -> LibraryAudit:
    """The verdict on one library."""
    return next(one for one in report.libraries if one.library == name and target in (None, one.target))

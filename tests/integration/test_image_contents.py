"""What is in an image: what the linker took is looked at before the image is handed over.

A vendored library whose rule names a C library of the system stands for all that put the host's archives on the link
line where no dune file shows it. The C library is made by the test, where the linker looks as it does in the system's
folders; so it is there on every machine.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import MakeProject, Mpy
from tests.integration.conftest import Start
from tests.integration.test_freestanding import said, tender

pytestmark = [pytest.mark.slow, pytest.mark.ocaml, pytest.mark.solo5]

CONFIG = """from mirage_py import job, main, package, register

register("sums", [main("Unikernel", job, packages=[package("adler")])])
"""
USER = """let start () = Logs.info (fun m -> m "%d" (Adler.sum 7)); Lwt.return_unit
"""
ADLER = {
    "duniverse/adler/dune-project": "(lang dune 2.9)\n",
    "duniverse/adler/adler.opam": "",
    "duniverse/adler/adler.ml": 'external sum : int -> int = "adler_sum"\n',
    "duniverse/adler/stub.c": """#include <caml/mlvalues.h>
extern long hostsum(long);
value adler_sum(value x) { return Val_long(hostsum(Long_val(x))); }
""",
    "duniverse/adler/dune": """(rule (with-stdout-to flags.sexp (echo "(-L{place} -lhostsum)")))
(library (public_name adler) (c_library_flags (:include flags.sexp)) (foreign_stubs (language c) (names stub)))
""",
}


@pytest.fixture
def hostsum(tmp_path: Path) -> Path:
    """A folder with a C library of this machine."""
    folder = tmp_path / "of-the-system"
    folder.mkdir()
    (folder / "sum.c").write_text("long hostsum(long n) { return n + 1; }\n")
    subprocess.run((shutil.which("cc") or "gcc", "-c", "sum.c"), cwd=folder, check=True)
    subprocess.run(("ar", "rcs", "libhostsum.a", "sum.o"), cwd=folder, check=True)
    return folder


@pytest.fixture
def sums(project: MakeProject, hostsum: Path) -> Path:
    """A project whose vendored library has a rule that names the machine's C library."""
    sources = {name: text.replace("{place}", str(hostsum)) for name, text in ADLER.items()}
    return project({"config.py": CONFIG, "unikernel.ml": USER, **sources})


@pytest.mark.parametrize("link", ["cross", "pkg-config"])
def test_archive_of_the_host_gets_into_no_image(link: str, sums: Path, mpy: Mpy, hostsum: Path) -> None:
    refused = mpy("build", "-t", "spt", "--link", link, code={"cross": 5, "pkg-config": 6}[link])
    if link == "cross":
        assert "error: sums.spt would hold what was compiled for this machine: libhostsum.a" in refused.stderr
        assert f"{hostsum}/libhostsum.a(sum.o), wanted by adler for hostsum" in refused.stderr
        assert "leave adler out for this target" in refused.stderr
    assert not (sums / "dist").exists()


def test_it_is_refused_again_where_nothing_is_left_to_link(sums: Path, mpy: Mpy) -> None:
    first, second = (mpy("build", "-t", "spt", code=5) for _ in range(2))
    assert first.stderr.partition("error: ")[2] == second.stderr.partition("error: ")[2]
    assert not (sums / "dist").exists()


def test_one_program_for_several_targets_is_looked_into_for_each(sums: Path, mpy: Mpy) -> None:
    refused = mpy("build", "-t", "hvt", "-t", "spt", code=5)
    assert "sums.hvt would hold" in refused.stderr
    assert "sums.spt would hold" in refused.stderr
    assert not (sums / "dist").exists()


def test_the_other_targets_are_built(sums: Path, mpy: Mpy, start: Start) -> None:
    mpy("build", "-t", "unix", "-t", "spt", code=5)
    assert [file.name for file in sorted((sums / "dist").iterdir())] == ["sums", "sums.unix.debug"]
    assert "8" in start(sums / "dist/sums").stderr, "what is of this machine is right for a program of this machine"


def test_sources_of_it_serve_as_the_hint_says(sums: Path, mpy: Mpy, hostsum: Path) -> None:
    mpy("build", "-t", "spt", code=5)
    shutil.copy(hostsum / "sum.c", sums / "duniverse/adler/sum.c")
    dune = "(library (public_name adler) (foreign_stubs (language c) (names stub sum)))\n"
    (sums / "duniverse/adler/dune").write_text(dune)
    mpy("build", "-t", "spt", code=0)
    assert said(tender(), sums / "dist/sums.spt") == ["[INFO] [application] 8"]


def test_program_from_the_cache_of_dune_is_looked_into_all_the_same(project: MakeProject, mpy: Mpy) -> None:
    """dune brings back what it linked before without starting the linker, so that no map is written."""
    folder = project("noop")
    mpy("build", "-t", "spt", code=0)
    source = folder / "unikernel.ml"
    before = source.read_text("utf-8")
    image = (folder / "dist/noop.spt").read_bytes()
    source.write_text(before + '\nlet () = Logs.info (fun m -> m "another")\n', "utf-8")
    mpy("build", code=0)
    assert (folder / "dist/noop.spt").read_bytes() != image
    shutil.rmtree(folder / "mirage/.stubs/maps")
    source.write_text(before, "utf-8")
    mpy("build", code=0)
    assert (folder / "dist/noop.spt").read_bytes() == image
    assert list((folder / "mirage/.stubs/maps/noop-spt").glob("*.map"))


@pytest.mark.parametrize("link", ["cross", "pkg-config"])
@pytest.mark.parametrize("asking", ["(c_library_flags (-lm))", "(library_flags (-cclib -lm))"])
def test_maths_are_the_targets_own(asking: str, link: str, project: MakeProject, mpy: Mpy) -> None:
    stub = "#include <caml/mlvalues.h>\n#include <math.h>\n"
    sources = {
        **ADLER,
        "duniverse/adler/stub.c": stub
        + "value adler_sum(value x) { return Val_long((long)(100 * sin(Long_val(x)))); }\n",
        "duniverse/adler/dune": f"(library (public_name adler) {asking} (foreign_stubs (language c) (names stub)))\n",
    }
    folder = project({"config.py": CONFIG, "unikernel.ml": USER, **sources})
    mpy("build", "-t", "spt", "-t", "hvt", "--link", link, code=0)
    assert said(tender(), folder / "dist/sums.spt") == ["[INFO] [application] 65"]

"""The audit reads what a build has made of vendored sources, as long as it is of these sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import MakeProject, Mpy
from tests.integration.test_freestanding import said, tender

pytestmark = [pytest.mark.slow, pytest.mark.ocaml, pytest.mark.solo5]

CONFIG = """from mirage_py import job, main, package, register

register("kinds", [main("Unikernel", job, packages=[package("store")])])
"""
STORE = "type conv = { parser : string -> bool }\nlet make parser = { parser }\n"
KEEPS = STORE + "let dir = make (fun name -> Sys.is_directory name)\n"
ASKS = KEEPS + 'let here = dir.parser "."\n'
FILES = {
    "config.py": CONFIG,
    "unikernel.ml": "let start () = ignore Store.dir; Lwt.return_unit\n",
    "duniverse/store/dune-project": "(lang dune 2.9)\n",
    "duniverse/store/store.opam": "",
    "duniverse/store/dune": "(library (public_name store) (libraries below))\n",
    "duniverse/store/store.ml": KEEPS,
    "duniverse/below/dune-project": "(lang dune 2.9)\n",
    "duniverse/below/dune": "(library (name below))\n",
    "duniverse/below/below.ml": "",
    "duniverse/other/dune-project": "(lang dune 2.9)\n",
    "duniverse/other/below.opam": "",
    "duniverse/other/dune": "(library (public_name below))\n",
    "duniverse/other/below.ml": "",
}


def verdict(mpy: Mpy, name: str) -> tuple[str, list[str]]:
    """What the audit says of a library, and what it was read from."""
    rows = json.loads(mpy("audit", "-t", "spt", "--json").stdout)["libraries"]
    return next((row["verdict"], row["sources"]) for row in rows if row["library"] == name)


def test_function_that_is_kept_for_later_is_no_doubt_once_it_is_built(project: MakeProject, mpy: Mpy) -> None:
    folder: Path = project(FILES)
    assert verdict(mpy, "store")[1] == ["dune files", "sources"]
    mpy("build", "-t", "spt", code=0)
    assert verdict(mpy, "store") == ("runs", ["dune files", "archives"])
    assert verdict(mpy, "below")[0] == "runs"
    (folder / "duniverse/store/store.ml").write_text(ASKS)
    told, basis = verdict(mpy, "store")
    assert basis == ["dune files", "sources"], "the objects are of other sources"
    assert told != "runs"


C_PACKAGE = {
    **FILES,
    "unikernel.ml": 'let start () = Logs.info (fun m -> m "%d" Store.seven); Lwt.return_unit\n',
    "duniverse/store/store.ml": 'external half : int -> int = "store_half"\nlet seven = half 14\n',
    "duniverse/store/st.c": "#include <caml/mlvalues.h>\nextern long half_of(long, long);\n"
    "value store_half(value x) { return Val_long(half_of(Long_val(x), 2)); }\n",
    "duniverse/store/dune": "(library (public_name store) (foreign_stubs (language c) (names st))\n"
    " (c_library_flags (:include flags.sexp)))\n"
    "(rule (target flags.sexp) (deps %{lib:halves:libhalves.a}) (action (system\n"
    ' "echo \\"(-lhalves -L$(cd $(dirname %{lib:halves:libhalves.a}) && pwd))\\" > flags.sexp")))\n',
    "duniverse/halves/dune-project": "(lang dune 2.9)\n",
    "duniverse/halves/halves.opam": "",
    "duniverse/halves/halves.c": "int raise(int);\n"
    "long half_of(long x, long by) { if (by == 0) raise(8); return x / by; }\n",
    "duniverse/halves/dune": "(rule (targets libhalves.a) (deps halves.c) (action (progn\n"
    " (run %{cc} -c halves.c -o halves.o) (run ar rcs libhalves.a halves.o))))\n"
    "(library (public_name halves) (modules))\n(install (section lib) (package halves) (files libhalves.a))\n",
}


def test_c_archive_of_another_package_and_what_it_does_where_something_is_wrong(project: MakeProject, mpy: Mpy) -> None:
    """As zarith takes GMP: an archive that dune lays out for others, in which the error paths call `raise`."""
    folder = project(C_PACKAGE)
    mpy("build", "-t", "spt", code=0)
    assert said(tender(), folder / "dist/kinds.spt") == ["[INFO] [application] 7"]
    assert verdict(mpy, "store") == ("runs", ["dune files", "archives"])


OWN_C = {
    "config.py": """from mirage_py import job, main, register
register("own", [main("Unikernel", job, c_sources=["c/*.c"])])
""",
    "unikernel.ml": "let start () = Lwt.return_unit\n",
    "c/one.c": "long one(void) { return 1; }\n",
    "c/two.c": "#include <sys/socket.h>\nint two(void) { return socket(1, 1, 0); }\n",
}


def test_c_of_the_unikernel_is_judged_with_its_libraries(project: MakeProject, mpy: Mpy) -> None:
    folder = project(OWN_C)
    assert verdict(mpy, "c_sources")[0] == "missing"
    assert mpy("audit", "-t", "spt").code == 8
    assert mpy("build", "-t", "spt").code == 6
    (folder / "c/two.c").write_text("long two(void) { return 2; }\n")
    assert verdict(mpy, "c_sources")[0] == "runs"
    mpy("build", "-t", "spt", code=0)


def test_c_of_the_unikernel_is_read_where_nothing_compiles_it(project: MakeProject, mpy: Mpy) -> None:
    folder = project(OWN_C)
    told = mpy("audit", "-t", "spt", env={"MPY_SOLO5_PREFIX": "/nowhere"}).stdout
    assert "c(two.c): it calls socket, which the freestanding libc has not (read from the source" in told
    (folder / "c/two.c").unlink()
    mpy("audit", "-t", "spt", env={"MPY_SOLO5_PREFIX": "/nowhere"}, code=0)

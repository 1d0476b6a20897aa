"""The parts of the audit: libc tables, the cache, vendored sources, failed links explained."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mirage_py.audit import Undefined, audit, explain_undefined, read_linker, with_toolchain
from mirage_py.audit.branches import kept
from mirage_py.audit.cache import LARGE
from mirage_py.audit.code import Code
from mirage_py.audit.libc import Libc, derive, shipped
from mirage_py.audit.link import link
from mirage_py.audit.names import ocaml_name, source_names
from mirage_py.errors import MpyError
from mirage_py.libraries.archives import parse_archive, read_archive
from mirage_py.libraries.sexp import SexpError, parse as parse_sexp
from mirage_py.libraries.units import Unit
from mirage_py.model.audit import AuditReport, AuditRequest, LibraryAudit, Root
from mirage_py.model.toolchain import ToolchainChoice

Install = Callable[..., Path]

USES_STUB = "extern long foo_stub(void); long camlFoo__use_1(void) { return foo_stub(); }"


def roots(*names: str) -> tuple[Root, ...]:
    return tuple(Root(library=name) for name in names)


def row(report: AuditReport, name: str) -> LibraryAudit:
    return next(one for one in report.libraries if one.library == name)


# ---------------------------------------------------------------------------------------------------------------------
# The libc


def test_the_tables_hold_what_was_counted() -> None:
    new = shipped("ocaml-solo5 1")
    assert (len(new.aborts), len(new.noop)) == (29, 44)
    assert {"qsort", "strcpy", "strerror", "fstat"} <= new.aborts
    assert {"fopen", "getenv", "pthread_create"} <= new.noop
    for absent in ("time", "localtime", "sprintf", "clock_gettime", "__errno_location", "strdup", "rand"):
        assert not new.has(absent)
        assert not shipped("ocaml-solo5 0.8").has(absent)


@pytest.mark.solo5
def test_the_installed_libc_is_read_as_the_table_of_its_version_says() -> None:
    from mirage_py.toolchain.discover import discover, from_environment

    try:
        toolchain = discover("spt", from_environment(ToolchainChoice()))
    except MpyError as error:
        pytest.skip(f"no Solo5 toolchain: {error}")
    archives = with_toolchain(AuditRequest(), toolchain).toolchain_archives
    derived, problems = derive(archives)
    generation = "ocaml-solo5 1" if toolchain.ocaml_version.startswith("5") else "ocaml-solo5 0.8"
    table = shipped(generation)
    assert problems == ()
    assert derived.has("solo5_console_write") or derived.has("_start")
    assert derived.runs("caml_alloc_string")
    assert (derived.aborts, derived.noop) == (table.aborts, table.noop)


def test_stubs_are_told_apart_by_where_they_are_and_by_abort(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "stubs.c").write_text("void abort(void); int qsort(){abort(); return 0;} int getenv(){return 0;}")
    (tmp_path / "real.c").write_text(
        "void abort(void); int assert_fail(){abort(); return 0;} void abort(void){for(;;);}"
    )
    for name in ("stubs", "real"):
        subprocess.run(("gcc", "-O1", "-w", "-fno-builtin", "-c", f"{name}.c"), cwd=tmp_path, check=True)
    subprocess.run(("ar", "rcs", "libnolibc.a", "stubs.o", "real.o"), cwd=tmp_path, check=True)
    libc, problems = derive([tmp_path / "libnolibc.a", tmp_path / "gone.a"])
    assert libc.aborts == {"qsort"}
    assert libc.noop == {"getenv"}
    assert libc.has("assert_fail")
    assert ["gone.a" in problem.place for problem in problems] == [True]


def test_names_say_what_the_source_says() -> None:
    assert source_names("__sprintf_chk") == ("sprintf",)
    assert source_names("__isoc99_sscanf") == ("sscanf",)
    assert source_names("__isoc23_strtol") == ("strtol",)
    assert source_names("open64") == ("open",)
    assert source_names("__stack_chk_fail") is None
    assert source_names("caml_alloc") is None
    assert ocaml_name("camlBase__Sys0__getenv_1499") == "Base.Sys0.getenv"


# ---------------------------------------------------------------------------------------------------------------------
# The cache


@pytest.fixture
def cached(libraries: Path, tmp_path: Path) -> Callable[..., AuditReport]:
    def cached(*names: str) -> AuditReport:
        return audit(AuditRequest(roots=roots(*names), path=(libraries,), cache=tmp_path / "cache"))

    return cached


def test_the_same_question_is_answered_from_the_cache(install: Install, cached: Callable[..., AuditReport]) -> None:
    install("foo", ocaml=USES_STUB, stubs="long foo_stub(void) { return 1; }")
    first, second = cached("foo"), cached("foo")
    assert (first.cached, second.cached) == (False, True)
    assert first == second


def test_an_answer_falls_with_what_it_was_read_from(install: Install, cached: Callable[..., AuditReport]) -> None:
    folder = install("foo", ocaml=USES_STUB, stubs="long foo_stub(void) { return 1; }")
    cached("foo")
    os.utime(folder / "META", (1, 1))
    assert cached("foo").cached, "another time, the same content"
    (folder / "META").write_text((folder / "META").read_text().replace('requires = ""', 'requires = "unix"'))
    assert not cached("foo").cached
    install("unix")
    assert row(cached("foo"), "foo").verdict == "unix", "a library that was missing has come"


@pytest.mark.parametrize(
    "content", ["", "{", '{"format": 1}', "[1, 2]", '{"format": 1, "files": {}, "report": {}}', "\0\0"]
)
def test_a_corrupt_cache_is_ignored(
    install: Install, cached: Callable[..., AuditReport], tmp_path: Path, content: str
) -> None:
    install("foo")
    right = cached("foo")
    (entry,) = (tmp_path / "cache" / "audit").iterdir()
    entry.write_text(content)
    assert cached("foo") == right
    assert json.loads(entry.read_text())["files"]


def test_a_cache_that_cannot_be_written_is_no_error(install: Install, libraries: Path, tmp_path: Path) -> None:
    install("foo")
    (tmp_path / "file").write_text("")
    request = AuditRequest(roots=roots("foo"), path=(libraries,), cache=tmp_path / "file" / "below")
    assert audit(request).libraries


# ---------------------------------------------------------------------------------------------------------------------
# Vendored sources


def vendor(folder: Path, dune: str, **files: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "dune").write_text(dune)
    for name, text in files.items():
        (folder / name.replace("_c", ".c")).write_text(text)
    return folder


def test_vendored_stubs_are_read_as_the_target_compiles_them(tmp_path: Path) -> None:
    source = """
#include <caml/mlvalues.h>
#ifdef __linux__
#include <sys/random.h>
value foo(value u) { return getrandom(0, 0, 0); }
#else
value foo(value u) { return memcpy(0, 0, 0); /* localtime() */ }
#endif
"""
    dune = "(library (name foo) (foreign_stubs (language c) (names foo)))"
    vendor(tmp_path / "duniverse" / "foo", dune, foo_c=source)
    request = AuditRequest(roots=roots("foo"), vendored=(tmp_path / "duniverse",))
    assert row(audit(request), "foo").verdict == "runs"
    (tmp_path / "duniverse" / "foo" / "foo.c").write_text(source.replace("memcpy", "localtime"))
    report = audit(request)
    assert row(report, "foo").verdict == "unsure"
    assert row(report, "foo").findings[0].symbol == "localtime"


def test_vendored_wins_and_its_unix_part_is_found_by_its_private_name(tmp_path: Path) -> None:
    vendor(tmp_path / "foo" / "src", "(library (name foo) (public_name foo))")
    vendor(tmp_path / "foo" / "unix", "(library (name foo_unix) (public_name foo.unix) (libraries foo unix))")
    vendor(tmp_path / "bar", "(library (name bar) (libraries foo_unix))")
    vendor(tmp_path / "unix", "(library (name unix))")
    report = audit(AuditRequest(roots=roots("bar", "foo"), vendored=(tmp_path,)))
    assert row(report, "bar").because == ("bar", "foo.unix", "unix")
    assert row(report, "foo").verdict == "runs"


def test_a_virtual_library_takes_the_implementation_for_solo5(tmp_path: Path) -> None:
    vendor(tmp_path / "v", "(library (public_name v) (virtual_modules v) (default_implementation v.unix))")
    vendor(tmp_path / "u", "(library (public_name v.unix) (implements v) (libraries unix))")
    request = AuditRequest(roots=roots("v"), vendored=(tmp_path,))
    vendor(tmp_path / "unix", "(library (name unix))")
    assert row(audit(request), "v").verdict == "unix"
    vendor(tmp_path / "s", "(library (public_name v.solo5) (implements v))")
    assert row(audit(request), "v").verdict == "runs"


def test_an_implementation_may_name_its_virtual_library_as_the_project_does(tmp_path: Path) -> None:
    vendor(tmp_path / "v", "(library (name virt) (public_name v) (virtual_modules v) (default_implementation v.unix))")
    vendor(tmp_path / "u", "(library (public_name v.unix) (implements virt) (libraries unix))")
    vendor(tmp_path / "s", "(library (public_name v.solo5) (implements virt))")
    vendor(tmp_path / "unix", "(library (name unix))")
    report = audit(AuditRequest(roots=roots("v"), vendored=(tmp_path,)))
    assert row(report, "v").verdict == "runs"


def test_a_c_library_of_the_system_in_a_dune_file(tmp_path: Path) -> None:
    vendor(tmp_path / "z", "(library (name z) (c_library_flags (-lgmp -lm)))")
    found = row(audit(AuditRequest(roots=roots("z"), vendored=(tmp_path,))), "z")
    assert found.verdict == "missing"
    assert "-lgmp" in found.findings[0].message


def test_a_broken_dune_file_is_a_line_and_the_rest_is_read(tmp_path: Path) -> None:
    vendor(tmp_path / "bad", "(library (name bad)")
    vendor(tmp_path / "good", "(library (name good))")
    report = audit(AuditRequest(roots=roots("good"), vendored=(tmp_path,)))
    assert "is no dune file that can be read: a list is not closed" in str(report.problems[0])
    assert row(report, "good").verdict == "runs"


def test_sexp_errors_have_lines() -> None:
    with pytest.raises(SexpError, match="line 2"):
        parse_sexp("(a)\n)")
    assert parse_sexp('; no\n(a "b c" #| (no |# (d))') == (("a", "b c", ("d",)),)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("#ifdef __linux__\na\n#else\nb\n#endif", ["b"]),
        ("#if defined(__APPLE__)\na\n#elif defined(__ocaml_solo5__)\nb\n#else\nc\n#endif", ["b"]),
        ("#if defined(__linux__) || defined(_WIN32)\na\n#endif\nb", ["b"]),
        ("#if HAVE_X\na\n#else\nb\n#endif", ["a", "b"]),
        ("#if 0\na\n#ifdef X\nb\n#endif\n#endif\nc", ["c"]),
        ("#ifndef __linux__\na\n#endif", ["a"]),
        ("#endif\na", ["a"]),
    ],
)
def test_branches_that_the_target_compiles(text: str, lines: list[str]) -> None:
    assert list(kept(text)) == lines


# ---------------------------------------------------------------------------------------------------------------------
# Failed links


GNU = """/usr/bin/ld: /somewhere/libfoo_stubs.a(part0.o): in function `foo_stub':
part0.c:(.text+0x5): undefined reference to `clock_gettime'
/usr/bin/ld: lib/libfoo_stubs.a(part0.o):(.text+0x5): undefined reference to `clock_gettime'
/usr/bin/ld: main.o: in function `main':
main.c:(.text+0x9): undefined reference to `foo_stub'
ld.lld: error: undefined symbol: camlUnix__read_1
"""


def test_what_linkers_print_is_read() -> None:
    assert read_linker(GNU) == (
        Undefined(symbol="clock_gettime", archive="libfoo_stubs.a", member="part0.o"),
        Undefined(symbol="foo_stub"),
        Undefined(symbol="camlUnix__read_1"),
    )


def test_a_failed_link_is_explained(install: Install, libraries: Path) -> None:
    install(
        "foo", ocaml=USES_STUB, stubs="extern long clock_gettime(); long foo_stub(void) { return clock_gettime(); }"
    )
    install(
        "top", "foo", ocaml="extern long camlFoo__use_1(); long camlTop__f_1(void) { return camlFoo__use_1() + 1; }"
    )
    request = AuditRequest(roots=(Root(library="top", asked_by="main (config.py:3)"),), path=(libraries,))
    clock, stub, unit = explain_undefined(
        [Undefined(symbol=one) for one in ("clock_gettime", "foo_stub", "camlBar")], request
    )
    assert str(clock) == "foo wants clock_gettime: the freestanding libc has no clock_gettime, and mpy can fill it"
    assert clock.path == ("top", "foo")
    assert clock.asked_by == "main (config.py:3)"
    assert "libfoo_stubs.a(part0.o) of foo has it, but was built for the host" in stub.why
    assert "the OCaml unit Bar is not linked" in unit.why


def test_an_explanation_needs_no_library_at_all() -> None:
    (found,) = explain_undefined([Undefined(symbol="sprintf")], AuditRequest())
    assert "sprintf" in str(found)


def test_libc_without_a_runtime_judges_by_the_name() -> None:
    assert Libc(name="x", present=frozenset()).runs("caml_alloc")
    assert not Libc(name="x", present=frozenset(), runtime=frozenset({"caml_alloc"})).runs("caml_other")


def test_of_a_large_file_another_time_is_another_content(install: Install, cached: Callable[..., AuditReport]) -> None:
    folder = install("foo", ocaml=f"long data[{LARGE}] = {{1}};\nlong camlFoo__f(void) {{ return data[0]; }}")
    cached("foo")
    assert cached("foo").cached
    os.utime(folder / "foo.a", (1, 1))
    assert not cached("foo").cached


def test_an_archive_is_read_in_parts_and_says_the_same(install: Install) -> None:
    archive = install(
        "foo", ocaml=f"long a;\n----\nlong b[{LARGE}] = {{1}};\n----\nextern long a; long c(void) {{ return a; }}"
    )
    read, parsed = read_archive(archive / "foo.a"), parse_archive(archive / "foo.a", (archive / "foo.a").read_bytes())
    assert (read.members, read.index, read.data) == (parsed.members, parsed.index, b"")
    assert [read.contents(number) for number in range(3)] == [parsed.contents(number) for number in range(3)]


def test_an_index_of_units_is_without_what_is_inside_of_them(install: Install) -> None:
    archive = install(
        "foo", ocaml="long camlFoo, camlFoo__code_begin, camlFoo__f_12, camlFoo__7, camlFoo__g_3_closure, caml_own;"
    )
    assert read_archive(archive / "foo.a", of_units=True).index.keys() == {"camlFoo", "camlFoo__code_begin", "caml_own"}


def test_an_object_of_no_unit_brings_the_innermost_unit_that_it_names(install: Install) -> None:
    outer = "long camlBar__code_begin;"
    inner = "long camlBar__Inner__code_begin; long camlBar__Inner__f_12(void) { return 0; }"
    bar = read_archive(install("bar", ocaml=f"{outer}----{inner}") / "bar.a", of_units=True)
    named = "extern long camlBar__Inner__f_12(void); long camlFoo__g_1(void) { return camlBar__Inner__f_12(); }"
    foo = read_archive(install("foo", ocaml=named) / "foo.a")
    units = (Unit(name="Bar"), Unit(name="Bar__Inner"))
    found = link(
        [Code(library="foo", ocaml=(foo,)), Code(library="bar", ocaml=(bar,), units=((bar, units),))], ["foo"], {}
    )
    assert [one.object.name for one in found.pulled] == ["part0.o", "part1.o"]
    assert not found.wants

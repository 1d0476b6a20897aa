"""Each verdict once, from archives that gcc made a moment ago."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mirage_py.audit import render_json, render_markdown, render_sarif, render_text
from mirage_py.model.allow import Allow
from mirage_py.model.audit import AuditReport, LibraryAudit

Install = Callable[..., Path]
Audit = Callable[..., AuditReport]

USES_STUB = "extern long foo_stub(void); long camlFoo__use_1(void) { return foo_stub(); }"


def row(report: AuditReport, name: str, target: str | None = None) -> LibraryAudit:
    return next(one for one in report.libraries if one.library == name and target in (None, one.target))


def symbols(library: LibraryAudit, rule: str) -> list[str]:
    return [finding.symbol for finding in library.findings if finding.rule == rule]


def test_a_library_without_stubs_runs(install: Install, asked: Audit) -> None:
    install("foo", ocaml="long camlFoo__one_1(void) { return 1; }")
    assert row(asked("foo"), "foo").verdict == "runs"
    assert asked("foo").exit_code == 0


def test_host_built_stubs_run_once_recompiled(install: Install, asked: Audit) -> None:
    install("foo", ocaml=USES_STUB, stubs="extern void *memcpy(); long foo_stub(void) { return (long) memcpy; }")
    found = row(asked("foo"), "foo")
    assert found.verdict == "recompile"
    assert symbols(found, "host-built") == ["foo_stub"]


def test_a_function_that_the_libc_has_not_will_not_link(install: Install, asked: Audit) -> None:
    install("foo", ocaml=USES_STUB, stubs="extern long clock_getres(); long foo_stub(void) { return clock_getres(); }")
    found = row(asked("foo"), "foo")
    assert found.verdict == "missing"
    assert symbols(found, "libc-missing") == ["clock_getres"]
    assert found.findings[0].place == "libfoo_stubs.a(part0.o)"


def test_what_a_toolchain_brings_under_a_known_name_is_judged_by_what_is_in_it(
    install: Install, asked: Audit, libraries: Path
) -> None:
    """`threads` of a toolchain may be empty, and `runtime_events` may want of the C library what that has not."""
    wants = "extern long clock_getres(); long foo_stub(void) { return clock_getres(); }"
    folder = install("runtime_events", ocaml=USES_STUB, stubs=wants)
    install("threads", ocaml="long nothing(void) { return 0; }")
    elsewhere = asked("runtime_events", "threads")
    assert [row(elsewhere, name).sources for name in ("runtime_events", "threads")] == [("its name",)] * 2
    found = asked("runtime_events", "threads", toolchain_folders=(libraries, folder))
    assert [row(found, name).verdict for name in ("runtime_events", "threads")] == ["missing", "runs"]
    assert symbols(row(found, "runtime_events"), "libc-missing") == ["clock_getres"]


def test_a_function_that_mpy_can_fill_is_a_gap_until_a_configuration_leaves_it_open(
    install: Install, asked: Audit
) -> None:
    install("foo", ocaml=USES_STUB, stubs="extern long strdup(); long foo_stub(void) { return strdup(); }")
    report = asked("foo")
    assert (row(report, "foo").verdict, report.exit_code) == ("gaps", 0)
    assert 'in config.py: main(..., libc_gaps=fill("strdup"))' in render_text(report)
    assert "runs with these gaps filled" in render_text(report)
    filled, left_open = asked("foo", gaps=("strdup",)), asked("foo", gaps=("time",))
    assert (row(filled, "foo").verdict, filled.exit_code) == ("gaps", 0)
    assert (row(left_open, "foo").verdict, left_open.exit_code) == ("missing", 8)


def test_what_aborts_when_it_is_called_leaves_the_library_running_and_is_named(install: Install, asked: Audit) -> None:
    install("foo", ocaml=USES_STUB, stubs="extern long strerror(); long foo_stub(void) { return strerror() + 1; }")
    found = row(asked("foo"), "foo")
    assert found.verdict == "recompile"
    told = {one.message for one in found.findings if one.rule == "call-abort"}
    assert any("aborts if Foo.use is called" in message for message in told), told


def test_the_two_generations_differ(install: Install, asked: Audit) -> None:
    install("foo", ocaml=USES_STUB, stubs="extern long usleep(); long foo_stub(void) { return usleep() + 1; }")
    assert row(asked("foo", generation="ocaml-solo5 0.8"), "foo").verdict == "missing"
    newer = row(asked("foo", generation="ocaml-solo5 1"), "foo")
    assert newer.verdict == "recompile"
    assert "usleep" in symbols(newer, "call-abort")


def test_a_stub_that_does_nothing_is_told_and_does_not_fail(install: Install, asked: Audit) -> None:
    install("foo", ocaml=USES_STUB, stubs="extern long getenv(); long foo_stub(void) { return getenv() + 1; }")
    report = asked("foo")
    assert symbols(row(report, "foo"), "libc-noop") == ["getenv"]
    assert report.exit_code == 0
    assert asked("foo", fail_on=("noop",)).exit_code == 8


def test_only_objects_that_the_linker_pulls_in_count(install: Install, asked: Audit) -> None:
    stubs = "long foo_stub(void) { return 1; } ---- extern long fork(); long other(void) { return fork(); }"
    install("foo", ocaml=USES_STUB, stubs=stubs)
    found = row(asked("foo"), "foo")
    assert found.verdict == "recompile"
    assert "1 of 2 objects" in found.findings[0].message


def test_a_fingerprint_is_judged_by_what_the_source_says(install: Install, asked: Audit) -> None:
    install(
        "good", ocaml=USES_STUB, stubs="extern long __memcpy_chk(); long foo_stub(void) { return __memcpy_chk() + 1; }"
    )
    install(
        "bad", ocaml=USES_STUB, stubs="extern long __sprintf_chk(); long foo_stub(void) { return __sprintf_chk() + 1; }"
    )
    install(
        "open",
        ocaml=USES_STUB,
        stubs="extern long __ctype_b_loc(); long foo_stub(void) { return __ctype_b_loc() + 1; }",
    )
    assert row(asked("good"), "good").verdict == "recompile"
    assert row(asked("bad"), "bad").verdict == "gaps"
    assert row(asked("open"), "open").verdict == "unsure"


def test_a_library_of_the_system_will_not_link(install: Install, asked: Audit) -> None:
    stubs = "extern long mpz_add(); long foo_stub(void) { return mpz_add() + 1; }"
    install("foo", ocaml=USES_STUB, stubs=stubs, system=("gmp",))
    found = row(asked("foo"), "foo")
    assert found.verdict == "missing"
    assert "-lgmp" in found.findings[0].message


def test_a_library_without_code_asks_for_no_library_of_the_system(install: Install, asked: Audit) -> None:
    install("foo", system=("gmp",))
    assert row(asked("foo"), "foo").verdict == "runs"


def test_unix_is_reached_by_the_shortest_path(install: Install, asked: Audit) -> None:
    install("unix")
    install("far", "unix")
    install("near", "far unix")
    report = asked("near")
    assert row(report, "near").verdict == "unix"
    assert row(report, "near").because == ("near", "unix")
    assert row(report, "unix").path == ("near", "unix")
    assert row(asked("near", targets=("unix",)), "near").verdict == "runs"


def test_bigarray_does_not_drag_unix_in(install: Install, asked: Audit) -> None:
    install("unix")
    install("bigarray", "unix")
    install("foo", "bigarray")
    assert row(asked("foo"), "foo").verdict == "runs"


def test_unix_used_without_being_required_is_seen(install: Install, asked: Audit) -> None:
    install("foo", ocaml="extern long camlUnix__read_1(); long camlFoo__f_1(void) { return camlUnix__read_1() + 1; }")
    assert row(asked("foo"), "foo").verdict == "unix"


def test_an_external_that_nobody_defines_is_named_with_its_line(install: Install, asked: Audit) -> None:
    folder = install("foo", ocaml="long camlFoo__one_1(void) { return 1; }")
    (folder / "part0.mli").write_text('(* "no" *)\nexternal go : int -> int = "byte_go" "native_go"\n')
    found = row(asked("foo"), "foo")
    assert found.verdict == "missing"
    assert "go (part0.mli:2)" in found.findings[0].message
    assert found.findings[0].symbol == "native_go"


@pytest.mark.parametrize(
    ("body", "severity"),
    [("camlFoo__load_7", "later"), ("camlFoo__entry", "aborts")],
    ids=["in a function", "when the program starts"],
)
def test_a_trap_weighs_by_where_it_is(install: Install, asked: Audit, body: str, severity: str) -> None:
    install("foo", ocaml=f"extern long caml_sys_open(); long {body}(void) {{ return caml_sys_open() + 1; }}")
    found = row(asked("foo"), "foo")
    assert [one.severity for one in found.findings] == [severity]
    assert found.verdict == ("runs" if severity == "later" else "aborts")


def test_what_is_allowed_neither_fails_nor_is_inherited(install: Install, asked: Audit) -> None:
    install("unix")
    install("low", "unix")
    install("top", "low")
    allow = (Allow(library="unix", reason="stubbed out in lib/"),)
    report = asked("top", allow=allow)
    assert row(report, "top").verdict == "runs"
    assert row(report, "unix").verdict == "unix"
    assert row(report, "unix").allowed == "stubbed out in lib/"
    assert report.exit_code == 0
    assert asked("top", allow=(Allow(library="unix", reason="only there", target="xen"),)).exit_code == 8


def test_object_of_another_machine(install: Install, asked: Audit) -> None:
    install("foo", ocaml=USES_STUB, stubs="long foo_stub(void) { return 1; }")
    found = row(asked("foo", machine="aarch64"), "foo")
    assert found.verdict == "missing"
    assert symbols(found, "machine")


def test_a_declared_archive_serves_where_that_generation_links(install: Install, asked: Audit) -> None:
    folder = install("foo", ocaml=USES_STUB, stubs="long foo_stub(void) { return 1; }")
    meta = (folder / "META").read_text()
    (folder / "META").write_text(meta + 'freestanding_linkopts = "-lfoo_stubs"\n')
    assert row(asked("foo"), "foo").verdict == "recompile"
    assert row(asked("foo", declared=True), "foo").verdict == "runs"
    (folder / "META").write_text(meta + 'freestanding_linkopts = "-l:empty.a"\n')
    (folder / "empty.a").write_bytes(b"")
    found = row(asked("foo", declared=True), "foo")
    assert found.verdict == "recompile"
    assert any("is empty: its build did not find the toolchain" in one.message for one in found.findings)


def test_every_rendering_says_the_same(install: Install, asked: Audit) -> None:
    install("unix")
    install("foo", "unix")
    report = asked("foo", targets=("hvt", "unix"))
    text = render_text(report)
    assert "foo" in text
    assert "needs Unix" in text
    value = json.loads(render_json(report))
    assert {(one["target"], one["verdict"]) for one in value["libraries"] if one["root"]} == {
        ("hvt", "unix"),
        ("unix", "runs"),
    }
    assert value["exit_code"] == 8
    sarif = json.loads(render_sarif(report))
    assert [one["level"] for one in sarif["runs"][0]["results"]] == ["error"]
    assert "| `foo` | 1.0 | needs Unix | runs |" in render_markdown(report)
    assert "needs unix: needs Unix" in render_text(report, explain="foo")


def test_two_libraries_that_define_one_symbol_clash_when_both_objects_are_linked(
    install: Install, asked: Audit
) -> None:
    for name in ("one", "two"):
        ocaml = f"extern long {name}_stub(); long caml{name.title()}__f_1(void) {{ return {name}_stub() + 1; }}"
        install(name, ocaml=ocaml, stubs=f"long helper(void) {{ return 1; }} long {name}_stub(void) {{ return 1; }}")
    report = asked("one", "two")
    assert [row(report, name).verdict for name in ("one", "two")] == ["missing", "recompile"]
    assert symbols(row(report, "one"), "duplicate") == ["helper"]
    assert row(asked("two"), "two").verdict == "recompile"


def test_a_chain_longer_than_python_recurses_is_no_trouble(libraries: Path, asked: Audit) -> None:
    length = 2 * sys.getrecursionlimit()
    children = "".join(f'package "l{n}" ( requires = "all.l{n + 1}" )\n' for n in range(length))
    (libraries / "all").mkdir()
    (libraries / "all" / "META").write_text(f'version = "1"\n{children}package "l{length}" ( requires = "unix" )\n')
    (libraries / "unix").mkdir()
    (libraries / "unix" / "META").write_text('version = "1"')
    report = asked("all.l0")
    assert len(report.libraries) == length + 2
    assert len(row(report, "all.l0").because) == length + 2

"""What a program ends in is weighed by what the configuration fills of the C library, and by how the runtime fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mirage_py.audit.endings import FUNCTIONS, Ending, ending_with
from mirage_py.audit.fate import Fate
from mirage_py.audit.gaps import Gaps, to_fill
from mirage_py.audit.libc import Libc, shipped
from mirage_py.audit.mlunits import Text
from mirage_py.audit.runtime import KNOWN, aborting_primitives, raises
from mirage_py.audit.starting import start_findings
from mirage_py.model.audit import AuditReport, Finding, LibraryAudit
from tests.unit.audit.conftest import Audit, Install
from tests.unit.audit.test_verdicts import row

AT_START = "long camlFoo__entry(void) { extern long caml_sys_getcwd(); return caml_sys_getcwd() + 1; }"
WHEN_CALLED = "long camlFoo__where_1(void) { extern long caml_sys_getcwd(); return caml_sys_getcwd() + 1; }"


def found_in(report: AuditReport) -> LibraryAudit:
    return row(report, "foo")


def test_what_aborts_at_start_is_a_gap_until_a_configuration_leaves_it_open(install: Install, asked: Audit) -> None:
    install("foo", ocaml=AT_START)
    report = asked("foo")
    assert (found_in(report).verdict, report.exit_code) == ("gaps", 0)
    assert to_fill(report) == 'in config.py: main(..., libc_gaps=fill("getcwd"))'
    filled, left_open = asked("foo", gaps=("getcwd",)), asked("foo", gaps=())
    assert [one.message for one in found_in(filled).findings if one.severity == "gaps"] == [
        "Foo calls Sys.getcwd, which ends in getcwd, while it initialises: a stub that aborts, and config.py fills it"
    ]
    assert (found_in(filled).verdict, filled.exit_code) == ("gaps", 0)
    assert (found_in(left_open).verdict, left_open.exit_code) == ("aborts", 8)
    assert to_fill(left_open) == 'in config.py: main(..., libc_gaps=fill("getcwd"))'


def test_what_aborts_when_it_is_called_says_what_fills_it_and_nothing_once_it_is(
    install: Install, asked: Audit
) -> None:
    install("foo", ocaml=WHEN_CALLED)
    (told,) = [one for one in found_in(asked("foo")).findings if one.rule == "call-abort"]
    assert told.remedy == 'do not call it in the unikernel, or in config.py: main(..., libc_gaps=fill("getcwd"))'
    assert not found_in(asked("foo", gaps=("getcwd",))).findings


OPENS = "long camlFoo__entry(void) { extern long caml_sys_open(); return caml_sys_open() + 1; }"


def test_what_fails_at_start_aborts_for_want_of_words_and_raises_with_them(install: Install, asked: Audit) -> None:
    install("foo", ocaml=OPENS)
    assert found_in(asked("foo", generation="ocaml-solo5 0.8")).verdict == "aborts"
    for found in (asked("foo", generation="ocaml-solo5 1"), asked("foo", gaps=("strerror",))):
        assert found_in(found).verdict == "unsure"
        assert "raises Sys_error" in found_in(found).findings[0].message


def test_an_older_runtime_asks_for_words_that_end_it() -> None:
    libc = Libc(name="nolibc", present=frozenset({"strerror", "strerror_r"}), aborts=frozenset({"strerror"}))
    old, new = ({"caml_sys_error": frozenset({name})} for name in ("strerror", "strerror_r"))
    assert (raises(old, libc), raises(new, libc)) == (False, True)
    assert raises(old, Gaps(filled=("strerror",)).closed(libc))
    assert [raises({}, shipped(name)) for name in ("ocaml-solo5 0.8", "ocaml-solo5 1")] == [False, True]


def test_functions_end_as_the_primitives_behind_them_do() -> None:
    libc = shipped("ocaml-solo5 1")
    filled = ending_with(aborting_primitives({}, Gaps(filled=("getcwd",)).closed(libc)))
    assert ending_with(aborting_primitives({}, libc)).beyond(filled) == Ending(
        functions=frozenset({"Sys.getcwd"}), primitives=frozenset({"caml_sys_getcwd"})
    )
    assert set(FUNCTIONS.values()) - {"caml_domain_spawn"} <= set(KNOWN)


def test_what_may_fail_at_start_is_unsure_also_where_it_would_raise() -> None:
    found = Finding(
        rule="boot-abort-text", severity="unsure", message="line 1 may call open_in when the program starts"
    )
    gaps = Gaps()
    ends, fails = (Fate(gaps=gaps, functions=Ending(), saved_functions=Ending(), raises=one) for one in (False, True))
    assert [one.severity for one in ends.told(found, "strerror")] == ["unsure"]
    assert [(one.severity, "raises Sys_error" in one.message) for one in fails.told(found, "strerror")] == [
        ("unsure", True)
    ]
    assert not list(fails.told(replace(found, severity="later"), "strerror"))


@pytest.mark.parametrize("source", ["let here = Sys.getcwd ()", "let here = tried Sys.getcwd", "let here = where ()"])
def test_sources_are_read_with_what_is_filled(tmp_path: Path, source: str) -> None:
    (tmp_path / "foo.ml").write_text(
        f'external where : unit -> string = "caml_sys_getcwd"\nlet tried f = f ()\n{source}\n', "utf-8"
    )
    texts = (Text(library="foo", directory=tmp_path),)
    filled = ending_with(aborting_primitives({}, Gaps(filled=("getcwd",)).closed(shipped("ocaml-solo5 1"))))
    assert start_findings(texts).get("foo")
    assert not start_findings(texts, ending=filled).get("foo")


CALLS_IT = "long camlFoo__entry(void) { extern long it(long); return it(3) + 1; }"
ENDS_ALWAYS = """void abort(void); int printf(const char *, ...);
long it(long x) { printf("not here: %ld", x); abort(); }"""
ENDS_SELDOM = "void abort(void); long it(long x) { if (x == 0) abort(); return 7 / x; }"


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize(
    ("stubs", "verdict"), [(ENDS_ALWAYS, "aborts"), (ENDS_SELDOM, "recompile")], ids=["always", "seldom"]
)
def test_an_end_that_is_chosen_is_none(stubs: str, verdict: str, level: str, install: Install, asked: Audit) -> None:
    install("foo", ocaml=CALLS_IT, stubs=f'#pragma GCC optimize "{level}"\n{stubs}')
    assert found_in(asked("foo")).verdict == verdict

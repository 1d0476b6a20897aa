"""What cannot be read gets a clear line, and the rest is audited all the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mirage_py.libraries.archives import Unreadable, parse_archive
from mirage_py.libraries.cmxa import read_extra_c
from mirage_py.model.audit import AuditReport, LibraryAudit

Install = Callable[..., Path]
Audit = Callable[..., AuditReport]

USES_STUB = "extern long foo_stub(void); long camlFoo__use_1(void) { return foo_stub(); }"
STUB = "long foo_stub(void) { return 1; }"


def row(report: AuditReport, name: str) -> LibraryAudit:
    return next(one for one in report.libraries if one.library == name)


def lines(report: AuditReport) -> str:
    return "\n".join(f"{problem} {problem.hint}" for problem in report.problems)


def test_unknown_library_with_the_nearest_names(install: Install, asked: Audit) -> None:
    install("bigstringaf")
    install("lwt")
    report = asked("bigstringf", "lwt")
    assert "library bigstringf is not here did you mean bigstringaf?" in lines(report)
    assert row(report, "lwt").verdict == "runs"
    assert report.exit_code == 8


def test_missing_requirement_is_told_with_its_path(install: Install, asked: Audit) -> None:
    install("low", "nowhere")
    install("top", "low")
    report = asked("top")
    assert "library nowhere is not here (asked for by top -> low)" in lines(report)
    assert row(report, "top").because == ("top", "low")


def test_broken_meta(install: Install, asked: Audit) -> None:
    folder = install("foo")
    (folder / "META").write_text('requires = "unclosed\n')
    install("bar")
    report = asked("foo", "bar")
    assert "library foo has a META that cannot be read" in lines(report)
    assert row(report, "bar").verdict == "runs"


def test_loop_in_requirements(install: Install, asked: Audit) -> None:
    install("one", "two")
    install("two", "three")
    install("three", "two")
    report = asked("one")
    assert "two -> three -> two" in lines(report)
    assert len(report.libraries) == 3


def test_truncated_archive(install: Install, asked: Audit) -> None:
    folder = install("foo", ocaml=USES_STUB, stubs=STUB)
    archive = folder / "libfoo_stubs.a"
    archive.write_bytes(archive.read_bytes()[:-100])
    report = asked("foo")
    assert "libfoo_stubs.a: is not a whole archive" in lines(report)
    assert "reinstall the package" in lines(report)


def test_every_cut_of_an_archive_is_survived(install: Install) -> None:
    data = (install("foo", ocaml=USES_STUB, stubs=STUB) / "libfoo_stubs.a").read_bytes()
    for length in range(0, len(data), 7):
        assert cut(data[:length]) in ("", "x.a")


def cut(data: bytes) -> str:
    """The place that the complaint names, empty without one."""
    try:
        parse_archive(Path("x.a"), data)
    except Unreadable as unreadable:
        return unreadable.problem.place
    return ""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xcf\xfa\xed\xfe" + bytes(60), "a Mach-O object"),
        (b"BC\xc0\xde", "LLVM bitcode"),
        (b"hello", "is not an ELF"),
    ],
)
def test_foreign_objects(install: Install, asked: Audit, content: bytes, says: str) -> None:
    folder = install("foo", ocaml=USES_STUB, stubs=STUB)
    header = f"{'a.o/':16}{'0':12}{'0':6}{'0':6}{'644':8}{len(content):<10}`\n".encode()
    (folder / "libfoo_stubs.a").write_bytes(b"!<arch>\n" + header + content)
    assert says in lines(asked("foo"))


def test_no_archive_at_all(install: Install, asked: Audit) -> None:
    folder = install("foo", ocaml=USES_STUB, stubs=STUB)
    (folder / "libfoo_stubs.a").write_text("INPUT(-lfoo)")
    assert "is not an archive: it starts with b'INPUT(-l'" in lines(asked("foo"))


def test_damaged_cmxa(install: Install, asked: Audit) -> None:
    folder = install("foo", ocaml=USES_STUB)
    (folder / "foo.cmxa").write_bytes(b"Caml1999Z030" + bytes(50))
    assert "it does not end with its lists of C objects" in lines(asked("foo"))
    (folder / "foo.cmxa").write_bytes(b"nothing")
    assert "is no library of a native OCaml compiler" in lines(asked("foo"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_unreadable_file(install: Install, asked: Audit) -> None:
    folder = install("foo", ocaml=USES_STUB, stubs=STUB)
    (folder / "libfoo_stubs.a").chmod(0)
    assert "libfoo_stubs.a: cannot be read: Permission denied" in lines(asked("foo"))


def test_a_folder_in_place_of_an_archive(install: Install, asked: Audit) -> None:
    folder = install("foo", ocaml=USES_STUB)
    (folder / "foo.a").unlink()
    (folder / "foo.a").mkdir()
    assert "foo.a: cannot be read: Is a directory" in lines(asked("foo"))


@pytest.mark.slow
def test_ten_thousand_symbols_are_one_line(install: Install, asked: Audit) -> None:
    names = [f"lib_{n}" for n in range(10_000)]
    calls = f"extern long {', '.join(f'{name}()' for name in names)};\nvoid *all[] = {{ {', '.join(names)} }};\n"
    install("foo", ocaml=USES_STUB, stubs=STUB + calls, system=("big",))
    found = row(asked("foo"), "foo")
    assert len(found.findings) == 2
    assert "and 9999 more symbols like it" in found.findings[0].message


@pytest.mark.ocaml
def test_the_c_side_of_every_installed_cmxa_is_as_ocamlobjinfo_prints_it() -> None:
    import re
    import subprocess

    from mirage_py.libraries.findlib import Findlib

    files = sorted({file for folder in Findlib.discover().path for file in folder.glob("*/*.cmxa")})
    for file in files:
        done = subprocess.run(("ocamlobjinfo", str(file)), capture_output=True, text=True, check=False)
        if done.returncode:
            continue  # OCaml itself cannot read it: an installed library of another compiler, say
        printed = done.stdout
        found = read_extra_c(file)
        for title, words in (("C object files", found.objects), ("C options", found.options)):
            match = re.search(rf"^Extra {title}:(.*)$", printed, re.MULTILINE)
            assert match is not None
            assert sorted(" ".join(words).split()) == sorted(match.group(1).split()), file

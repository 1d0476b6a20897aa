"""What a person reads of an audit first: what blocks in full, what may bite in a line, nothing of what is harmless."""

from __future__ import annotations

from mirage_py.audit.render import render_text
from mirage_py.model.audit import AuditReport, Finding, LibraryAudit

LATER = tuple(
    Finding(rule="libc-abort", severity="later", message=f"aborts if X.{name} is called", archive="x.a", member="x.o")
    for name in ("f", "g", "h")
)
MISSING = Finding(rule="libc-missing", severity="missing", message="the libc has no fork", symbol="fork", archive="y.a")


def library(name: str, **more: object) -> LibraryAudit:
    return LibraryAudit(library=name, target="spt", root=True, path=(name,), asked_by="config.py:1", **more)  # type: ignore[arg-type]


def text(*libraries: LibraryAudit) -> str:
    return render_text(AuditReport(targets=("spt",), libraries=libraries))


def test_what_may_bite_is_one_line_behind_what_blocks() -> None:
    told = text(
        library("x", verdict="runs", findings=LATER), library("y", verdict="missing", findings=(MISSING,))
    ).splitlines()
    assert "may bite: x: aborts if X.f is called, and 2 more (--explain x)" in told
    assert told.index("y: will not link") < told.index("may bite: x: aborts if X.f is called, and 2 more (--explain x)")
    assert not any(line.startswith("x: ") for line in told)


def test_what_runs_without_a_trap_is_a_row_and_no_more() -> None:
    told = text(library("x", verdict="runs", findings=()))
    assert "may bite" not in told
    assert told.count("x ") == 1


def test_library_that_runs_names_no_other_one_that_decides() -> None:
    told = text(library("x", verdict="runs", because=("x", "z")))
    assert "z" not in told

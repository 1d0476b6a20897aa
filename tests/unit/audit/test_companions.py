"""What is said of a library does not depend on what else is asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.audit.conftest import Audit, row
from tests.unit.audit.test_settled import installed, judged


@pytest.mark.ocaml
@pytest.mark.skipif(shutil.which("ocamlfind") is None, reason="needs ocamlfind and ocamlopt")
def test_who_names_no_unix_is_told_so_beside_one_who_does(tmp_path: Path) -> None:
    installed(tmp_path / "lib", "foo", "let pid = Unix.getpid\n", uses="unix")
    installed(tmp_path / "lib", "bar", "let here = 1\n", requires="unix")
    alone, beside = judged(tmp_path, "foo")["foo"], judged(tmp_path, "foo", "bar")["foo"]
    assert (alone.verdict, alone.findings) == (beside.verdict, beside.findings)
    assert alone.verdict == "unix"


def test_what_no_unikernel_can_have_need_not_be_here(asked: Audit) -> None:
    report = asked("threads.posix")
    assert row(report, "threads.posix").verdict == "unix"
    assert row(report, "threads.posix").root
    assert not report.problems

"""Verdicts on what is not here: by the lock, by the metadata of repositories, and by the table of what was tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.probes import Outcome
from benchmarks.verdicts import row_from, verdict_of
from mirage_py.audit import audit, tried
from mirage_py.audit.opam import Metadata
from mirage_py.audit.render import render_text
from mirage_py.audit.sources import Sources
from mirage_py.audit.tried import Tried, rows_in, series_of, table
from mirage_py.model.audit import AuditReport, AuditRequest, LibraryAudit, Root
from mirage_py.packages.linked import Folder, Source, linked
from mirage_py.packages.lock import Lock, LockedPackage, SolvedFor, Want
from mirage_py.workflow.audit import audit as audit_configured
from mirage_py.workflow.request import Request
from tests.conftest import MakeProject

REPOSITORY = Path(__file__).parent / "opam-repository"
ROW = Tried(
    library="foo",
    version="v0.17.1",
    since="v0.17",
    below="v0.18",
    ocaml="5.3.0",
    target="spt",
    verdict="runs",
    stubs=True,
    how="built and run",
    date="2026-11-25",
)


def roots(*names: str) -> tuple[Root, ...]:
    return tuple(Root(library=name) for name in names)


def row(report: AuditReport, name: str) -> LibraryAudit:
    return next(one for one in report.libraries if one.library == name)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Tried, ...]]:
    """A table of the test's own."""
    own: dict[str, tuple[Tried, ...]] = {"foo": (ROW,)}
    monkeypatch.setattr(tried, "table", lambda: own)
    return own


def repository(folder: Path, **packages: str) -> Folder:
    """A repository with these opam files, by `name_1_2`."""
    for name, text in packages.items():
        package, _, version = name.partition("_")
        place = folder / "packages" / package / f"{package}.{version.replace('_', '.') or '1'}"
        place.mkdir(parents=True)
        (place / "opam").write_text(text)
    return Folder(folder=folder)


def needs(folder: Folder, name: str, ocaml: str | None = None) -> tuple[str, ...]:
    return linked((name,), (Source(name="here", files=folder),), ocaml=ocaml).packages[name].needs


def test_what_only_tests_documentation_and_the_build_need_is_not_linked(tmp_path: Path) -> None:
    text = """
depends: [
  "dune" {>= "2.0"}  # a comment with "quotes"
  "alcotest" {with-test & >= "1.0"}
  ("zarith" | "num")
  "odoc" {with-doc}
  "ocamlformat" {with-dev-setup}
  "conf-pkg-config" {build}
  "conf-which"
  "later" {post}
  "base-unix" {os = "win32"}
]
"""
    assert needs(repository(tmp_path, foo=text), "foo") == ("zarith",)


def test_the_newest_version_counts_that_the_compiler_and_the_askers_allow(tmp_path: Path) -> None:
    new = 'depends: ["ocaml" {>= "5.4"}]'
    folder = repository(
        tmp_path, foo_1_9="", foo_1_10="", foo_2=new, bar_1='depends: ["foo" {< "1.10"}]', foo_3="available: false"
    )
    source = (Source(name="here", files=folder),)
    assert linked(("foo",), source, ocaml="5.3.0").packages["foo"].version == "1.10"
    assert linked(("bar",), source, ocaml="5.3.0").packages["foo"].version == "1.9"
    assert linked(("foo",), source, ocaml="5.4.0").packages["foo"].version == "2"


def test_a_file_that_is_broken_hides_no_other_version(tmp_path: Path) -> None:
    folder = repository(tmp_path, foo_1_0="", foo_2_0="depends: [")
    assert linked(("foo",), (Source(name="here", files=folder),)).packages["foo"].version == "1.0"


def test_a_package_that_was_tried_is_told_how(rows: dict[str, tuple[Tried, ...]], tmp_path: Path) -> None:
    repository(tmp_path, foo_v0_17_3="")
    report = audit(AuditRequest(opam=roots("foo"), opam_repositories=(tmp_path,)))
    assert row(report, "foo").verdict == "runs"
    told = "foo: runs; stubs compiled from source (v0.17.1, OCaml 5.3, spt, built and run)"
    assert told in render_text(report).splitlines()


def test_a_version_that_was_not_tried_is_unsure_and_tells_which_was(
    rows: dict[str, tuple[Tried, ...]], tmp_path: Path
) -> None:
    repository(tmp_path, foo_v0_18_0="")
    found = row(audit(AuditRequest(opam=roots("foo"), opam_repositories=(tmp_path,))), "foo")
    assert found.verdict == "unsure"
    assert "foo v0.18.0 was not tried; foo v0.17.1 runs" in found.findings[0].message


def test_a_port_to_other_targets_does_not_speak_for_its_release() -> None:
    port = replace(ROW, version="1.13+dune+mirage", since="1", below="2")
    assert port.covers("1.13+dune+mirage")
    assert not port.covers("1.14")
    assert replace(port, version="1.13+dune").covers("1.14")


def test_series_of_versions() -> None:
    assert series_of("v0.17.1") == ("v0.17", "v0.18")
    assert series_of("3.5.2") == ("3", "4")
    assert series_of("0.9.0+dune") == ("0.9", "0.10")


def test_a_package_that_nobody_tried_is_as_bad_as_what_it_links(
    rows: dict[str, tuple[Tried, ...]], tmp_path: Path
) -> None:
    rows["core_thing"] = (replace(ROW, library="core_thing", version="2.0", since="2", below="3", verdict="aborts"),)
    repository(
        tmp_path,
        plain='depends: ["foo"]',
        bad='depends: ["between"]',
        between='depends: ["base-unix"]',
        worse='depends: ["core_thing"]',
        other='depends: ["between2"]',
        between2="",
        foo_v0_17_0="",
    )
    place = tmp_path / "packages/core_thing/core_thing.2.1"
    place.mkdir(parents=True)
    (place / "opam").write_text("")
    report = audit(AuditRequest(opam=roots("plain", "bad", "worse", "other"), opam_repositories=(tmp_path,)))
    assert row(report, "plain").verdict == "unsure"
    assert "the package behind it runs" in row(report, "plain").findings[1].message
    assert row(report, "bad").verdict == "unix"
    assert row(report, "bad").because == ("bad", "between", "base-unix")
    assert row(report, "worse").verdict == "aborts"
    assert "between2" in row(report, "other").findings[1].message


def test_the_lock_goes_before_repositories(rows: dict[str, tuple[Tried, ...]], tmp_path: Path) -> None:
    repository(tmp_path, foo_v0_18_0="", bar_1='depends: ["base-unix"]')
    packages = (
        LockedPackage(name="bar", version="1", unikernels=(), asked=(), scope="monorepo"),
        LockedPackage(name="foo", version="v0.17.0", unikernels=(), asked=(Want(by="bar"),), scope="monorepo"),
        LockedPackage(name="ppxlib", version="1", unikernels=(), asked=(Want(by="bar"),), scope="host"),
    )
    lock = Lock(solved_for=SolvedFor(ocaml="5.3.0", dune="3.17"), packages=packages)
    asked = AuditRequest(roots=roots("foo"), opam=roots("bar"), opam_repositories=(tmp_path,))
    report = audit(asked, metadata=lambda: Metadata(lock=lock))
    assert row(report, "foo").verdict == "runs"
    assert row(report, "foo").version == "v0.17.0"
    assert row(report, "foo").origin == "lock"
    assert "the package behind it runs" in row(report, "bar").findings[1].message


def test_a_dependency_that_is_not_here_is_unsure_and_what_is_known_of_it_is_said(
    rows: dict[str, tuple[Tried, ...]], tmp_path: Path
) -> None:
    place = tmp_path / "user"
    place.mkdir()
    (place / "META").write_text('version = "1"\nrequires = "foo"\narchive(native) = ""\n')
    report = audit(AuditRequest(roots=roots("user"), path=(tmp_path,)))
    assert not report.problems
    assert row(report, "user").verdict == "unsure"
    assert "foo is not here; runs: stubs compiled" in row(report, "user").findings[0].message
    rows["foo"] = (replace(ROW, verdict="missing", reason="undefined reference to `x'"),)
    assert row(audit(AuditRequest(roots=roots("user"), path=(tmp_path,))), "user").verdict == "missing"


@pytest.mark.parametrize(
    ("version", "ocaml", "verdict"),
    [
        pytest.param("v0.17.1", "5.2.1", "runs", id="as it was run"),
        pytest.param("v0.17.2", "5.2.1", "unsure", id="another version"),
        pytest.param("v0.17.1", "4.14.1", "unsure", id="another runtime"),
        pytest.param(None, "5.2.1", "unsure", id="no version"),
    ],
)
@pytest.mark.usefixtures("rows")
def test_what_may_end_at_start_is_no_question_of_what_was_run(
    version: str | None, ocaml: str, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sources, "ocaml_version", ocaml)
    folder = tmp_path / "foo"
    folder.mkdir()
    (folder / "dune-project").write_text("(lang dune 2.9)" + (f"(version {version})" if version else ""))
    (folder / "dune").write_text("(library (public_name foo))")
    (folder / "foo.ml").write_text("let () = List.iter (fun f -> ignore (open_in f)) (Array.to_list Sys.argv)")
    found = row(audit(AuditRequest(roots=roots("foo"), targets=("spt",), vendored=(tmp_path,))), "foo")
    assert found.verdict == verdict
    assert any("built and run" in one.message for one in found.findings) == (verdict == "runs")


def test_parts_of_a_package_that_do_not_run_are_named(rows: dict[str, tuple[Tried, ...]], tmp_path: Path) -> None:
    rows["foo.unix"] = (replace(ROW, library="foo.unix", verdict="unix"),)
    repository(tmp_path, foo_v0_17_0="")
    report = audit(AuditRequest(opam=roots("foo"), opam_repositories=(tmp_path,)))
    assert row(report, "foo").verdict == "runs"
    assert "its foo.unix needs Unix" in [one.message for one in row(report, "foo").findings]
    assert row(audit(AuditRequest(roots=roots("foo.unix"), path=(tmp_path,))), "foo.unix").verdict == "unix"


def test_async_needs_unix_by_its_metadata(rows: dict[str, tuple[Tried, ...]]) -> None:
    report = audit(AuditRequest(opam=roots("async"), opam_repositories=(REPOSITORY,)))
    assert row(report, "async").verdict == "unix"
    assert row(report, "async").because == ("async", "async_unix")


def test_an_unknown_package_is_a_line(tmp_path: Path) -> None:
    report = audit(AuditRequest(opam=roots("nope"), opam_repositories=(tmp_path,)))
    assert "no metadata of package nope is here" in str(report.problems[0])
    assert not report.libraries


def test_the_table_is_whole() -> None:
    names = {"base", "lwt", "cohttp", "tls", "decompress.de", "digestif"}
    names |= {"mirage-crypto", "bigstringaf", "async", "async_kernel", "core", "core_kernel"}
    assert names <= table().keys()
    assert len({row.package for rows in table().values() for row in rows}) >= 100


def test_what_was_run_with_gaps_filled_tells_the_line_that_fills_them(
    rows: dict[str, tuple[Tried, ...]], tmp_path: Path
) -> None:
    ran = Outcome(library="foo", target="spt", state="runs", stubs=True)
    assert verdict_of(ran) == "runs"
    assert verdict_of(ran, ("dup",)) == "gaps"
    assert verdict_of(replace(ran, target="unix"), ("dup",)) == "runs"
    rows["foo"] = (row_from(ran, "v0.17.1", "5.3.0", "gaps", ("dup", "caml/threads.h")),)
    assert rows["foo"][0].how == "built and run"
    repository(tmp_path, foo_v0_17_3="")
    found = row(audit(AuditRequest(opam=roots("foo"), opam_repositories=(tmp_path,))), "foo")
    assert found.verdict == "gaps"
    assert found.findings[0].remedy == 'in config.py: main(..., libc_gaps=fill("dup", "caml/threads.h"))'


def test_a_row_is_read_as_it_is_kept() -> None:
    kept = [",".join(tried.COLUMNS), ",".join(tried.row_of(ROW))]
    assert tuple(rows_in(kept)) == (ROW,)


CONFIG = """from mirage_py import job, main, package, register

register("k", [main("Unikernel", job, packages=[package("foo", min="{low}", max="{below}"), package("other")])])
"""


@pytest.fixture
def outdated(
    rows: dict[str, tuple[Tried, ...]], project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AuditReport]:
    """The audit of a unikernel that asks for foo within bounds, where `foo` 0.10 is installed and needs Unix."""
    rows["foo"] = (
        replace(ROW, version="2.4.0", since="2", below="3"),
        replace(ROW, version="0.17", since="0.17", below="0.18", verdict="aborts"),
    )
    path = tmp_path / "findlib"
    for name, requires in (("foo", "unix"), ("other", "foo")):
        (path / name).mkdir(parents=True)
        (path / name / "META").write_text(f'version = "0.10"\nrequires = "{requires}"\n')
    monkeypatch.setenv("OCAMLPATH", str(path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = project({"unikernel.ml": "let start () = ()\n"})

    def judged(low: str, below: str) -> AuditReport:
        (folder / "config.py").write_text(CONFIG.format(low=low, below=below))
        return audit_configured(Request(file=folder / "config.py", targets=("spt",)))

    return judged


def test_what_is_here_in_another_version_than_is_asked_for_is_not_judged(outdated: Callable[..., AuditReport]) -> None:
    report = outdated("1.0", "3.0")
    found = row(report, "foo")
    assert (found.verdict, found.version) == ("runs", "2.4.0")
    text = render_text(report)
    assert "foo is here in 0.10, >= 1.0 and < 3.0 is needed: that one is not judged" in text
    assert "foo is here in 0.10, >= 1.0 and < 3.0 is needed; runs" in row(report, "other").findings[0].message
    assert not report.problems


def test_what_was_tried_speaks_within_the_bounds_alone(outdated: Callable[..., AuditReport]) -> None:
    assert row(outdated("0.12", "1.0"), "foo").verdict == "aborts"
    assert row(outdated("3.0", "4.0"), "foo").verdict == "unsure"


def test_what_is_here_in_a_version_that_serves_is_judged(outdated: Callable[..., AuditReport]) -> None:
    assert row(outdated("0.9", "1.0"), "foo").verdict == "unix"

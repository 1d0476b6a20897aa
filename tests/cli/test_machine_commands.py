"""`doctor`, `toolchain`, `audit`, `build` and `clean`: what the commands make of the answers of the workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mirage_py.build.finish import Built
from mirage_py.cli.app import main
from mirage_py.cli.images import size_text
from mirage_py.model.audit import AuditReport, Finding as Evidence, LibraryAudit
from mirage_py.model.toolchain import Finding, Toolchain
from mirage_py.toolchain.export import Description
from mirage_py.workflow.build import BuildResult
from tests.cli.test_sessions import HELLO
from tests.conftest import Golden, MakeProject, Mpy

Captured = pytest.CaptureFixture[str]

FINDINGS = (
    Finding(subject="OCaml", status="ok", text="4.14.1 (/usr/bin/ocamlopt.opt)"),
    Finding(
        subject="toolchain for hvt",
        status="problem",
        text="there is no toolchain for target hvt on this machine; no opam switch is active that has one",
        fix="opam install solo5 ocaml-solo5\nor --toolchain FILE",
    ),
    Finding(subject="kvm", status="warning", text="/dev/kvm may not be opened", fix="sudo usermod -aG kvm $USER"),
)


@pytest.fixture
def here(project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = project({"config.py": HELLO})
    monkeypatch.chdir(folder)
    return folder


def told_by_doctor(monkeypatch: pytest.MonkeyPatch, findings: tuple[Finding, ...]) -> list[Any]:
    asked: list[Any] = []

    def examine(request: Any) -> tuple[Finding, ...]:
        asked.append(request.targets)
        return findings

    monkeypatch.setattr("mirage_py.workflow.doctor.examine", examine)
    return asked


def test_doctor_tells_what_mends_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, golden: Golden
) -> None:
    told_by_doctor(monkeypatch, FINDINGS)
    assert main(["doctor"]) == 5
    golden.text(capsys.readouterr().out, "golden/cli/doctor.txt")


def test_doctor_is_content(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    told_by_doctor(monkeypatch, FINDINGS[:1])
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("all that a build needs is here\n")


def test_doctor_says_it_in_json(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    told_by_doctor(monkeypatch, FINDINGS)
    assert main(["doctor", "--json"]) == 5
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["status"] for line in lines] == ["ok", "problem", "warning"]


def test_doctor_looks_at_the_configured_targets(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    asked = told_by_doctor(monkeypatch, ())
    main(["doctor"])
    main(["-q", "configure", "-t", "hvt", "-t", "xen"])
    main(["doctor"])
    main(["doctor", "-t", "spt", "-t", "spt"])
    assert asked == [(), ("hvt", "xen"), ("spt",)]
    capsys.readouterr()


def test_doctor_knows_no_other_target(here: Path, capsys: Captured) -> None:
    assert main(["doctor", "-t", "hvtt"]) == 2
    assert "did you mean hvt?" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------------------
# Toolchain


@pytest.fixture
def exporting(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    descriptions = (Description(name="ocaml-freestanding.pc", text="Description: runtime, described by mpy\n"),)
    monkeypatch.setattr("mirage_py.toolchain.discover.discover", lambda *_: None)
    monkeypatch.setattr("mirage_py.toolchain.export.descriptions", lambda _: descriptions)
    return here / "pc"


def test_export_writes_descriptions_and_says_how_to_use_them(exporting: Path, capsys: Captured) -> None:
    assert main(["toolchain", "export", "-t", "spt", "pc"]) == 0
    assert (exporting / "ocaml-freestanding.pc").is_file()
    assert f"PKG_CONFIG_LIBDIR={exporting} pkg-config" in capsys.readouterr().err
    assert main(["toolchain", "export", "-t", "spt", "pc"]) == 0


def test_export_leaves_a_strangers_file(exporting: Path, capsys: Captured) -> None:
    exporting.mkdir()
    (exporting / "ocaml-freestanding.pc").write_text("Description: another's\n")
    assert main(["toolchain", "export", "-t", "spt", "pc"]) == 7
    assert (exporting / "ocaml-freestanding.pc").read_text() == "Description: another's\n"
    assert "mpy did not write it" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["-t", "spt", "-t", "hvt"]], ids=["none", "two"])
def test_export_is_for_one_target(words: list[str], exporting: Path, capsys: Captured) -> None:
    assert main(["toolchain", "export", "pc", *words]) == 2
    assert "name one target" in capsys.readouterr().err


def test_show_tells_each_fact_with_its_source(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    found = Toolchain(
        target="spt",
        generation="cross",
        architecture="x86_64",
        ocaml_version="4.14.1",
        ocamlopt=Path("/opt/ocamlopt"),
        stdlib=Path("/opt/lib/ocaml"),
        c_compiler=("/opt/cc",),
        cflags=("-I", "/opt/include"),
        linker=("/opt/cc",),
        ldflags=("-z", "solo5-abi=spt"),
        libs=(),
        sources={"ocamlopt": "findlib's toolchain solo5"},
    )
    monkeypatch.setattr("mirage_py.toolchain.discover.discover", lambda *_: found)
    assert main(["toolchain", "show", "-t", "spt"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("toolchain for spt\n")
    assert "ocamlopt       /opt/ocamlopt\n                 from findlib's toolchain solo5\n" in text
    assert main(["toolchain", "show", "-t", "spt", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cflags"] == ["-I", "/opt/include"]


# ---------------------------------------------------------------------------------------------------------------------
# Audit


@pytest.fixture
def audited(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []
    bad = LibraryAudit(
        library="base",
        target="spt",
        verdict="missing",
        root=True,
        path=("base",),
        asked_by="the command line",
        findings=(Evidence(rule="undefined", severity="missing", message="wants tanh", symbol="tanh"),),
    )

    def audit(request: Any, **options: Any) -> AuditReport:
        asked.append({"targets": request.targets, **options})
        return AuditReport(libraries=(bad,), targets=("spt",), fail_on=options["fail_on"])

    monkeypatch.setattr("mirage_py.cli.audit.audit_all", audit)
    return asked


def test_audit_ends_with_8_when_something_will_not_run(audited: list[dict[str, Any]], capsys: Captured) -> None:
    assert main(["audit", "base", "-t", "spt"]) == 8
    assert "will not link" in capsys.readouterr().out
    assert audited[0]["libraries"] == ("base",)
    assert audited[0]["targets"] == ("spt",)


def test_audit_fails_on_what_it_is_told(audited: list[dict[str, Any]], capsys: Captured) -> None:
    assert main(["audit", "base", "--fail-on", "noop", "--fail-on", "unsure"]) == 0
    assert audited[0]["fail_on"] == ("noop", "unsure")
    capsys.readouterr()


@pytest.mark.parametrize(
    ("form", "sign"), [("json", '"exit_code": 8'), ("sarif", "sarif-2.1.0"), ("markdown", "| --- |")]
)
def test_audit_has_forms(form: str, sign: str, audited: list[dict[str, Any]], capsys: Captured) -> None:
    assert main(["audit", "base", "--format", form]) == 8
    assert sign in capsys.readouterr().out


def test_an_explanation_is_text(audited: list[dict[str, Any]], capsys: Captured) -> None:
    assert main(["audit", "base", "--explain", "base"]) == 8
    assert "wants tanh" in capsys.readouterr().out
    assert main(["audit", "base", "--explain", "base", "--format", "json"]) == 2
    assert "--explain tells it as text" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------------------
# Build and clean


def image(folder: Path, name: str, target: str, *, changed: bool) -> Built:
    path = folder / "dist" / name
    return Built(
        label=f"hello-{target}",
        name="hello",
        target=target,
        context="default",
        image=path,
        size=1_234_567,
        changed=changed,
        run_command=f"mpy run -t {target}",
    )


def test_build_ends_with_path_size_and_the_command_that_runs_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    built = (image(here, "hello", "unix", changed=True), image(here, "hello.hvt", "hvt", changed=False))
    monkeypatch.setattr("mirage_py.cli.build.build_all", lambda *_args, **_options: BuildResult(built=built))
    assert main(["build"]) == 0
    assert capsys.readouterr().out == (
        "dist/hello      1.2 MB  run it: mpy run -t unix\ndist/hello.hvt  1.2 MB (unchanged)  run it: mpy run -t hvt\n"
    )


def test_build_passes_on_what_it_was_asked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def build(request: Any, **options: Any) -> BuildResult:
        asked.append((request, options))
        return BuildResult(built=())

    monkeypatch.setattr("mirage_py.cli.build.build_all", build)
    assert (
        main(["build", "-t", "hvt", "-j", "3", "--dev", "--link", "pkg-config", "--solo5-prefix", "/prefix/solo5"]) == 0
    )
    ((request, options),) = asked
    assert request.targets == ("hvt",)
    assert request.link == "pkg-config"
    assert request.toolchain.prefixes == (Path("/prefix/solo5"),)
    assert (options["jobs"], options["dev"]) == (3, True)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3_532_800, "3.5 MB"), (10**13, "10000.0 GB")]
)
def test_sizes_are_told_as_a_person_reads_them(size: int, text: str) -> None:
    assert size_text(size) == text


def test_clean_leaves_what_was_changed_by_hand(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": HELLO})
    mpy("configure", code=0)
    changed = folder / "mirage/hello-unix/main.ml"
    changed.write_text("let () = ()\n")
    done = mpy("clean", code=0)
    assert "left alone, because it was changed since mpy wrote it: mirage/hello-unix/main.ml" in done.stderr
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"config.py", "main.ml"}

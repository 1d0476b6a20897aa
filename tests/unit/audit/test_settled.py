"""Where a library is judged by its objects already, its sources are not read: they could say nothing worse of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mirage_py.audit import audit
from mirage_py.model.allow import Allow
from mirage_py.model.audit import AuditRequest, LibraryAudit, Root
from tests.unit.audit.conftest import row

pytestmark = [
    pytest.mark.ocaml,
    pytest.mark.skipif(shutil.which("ocamlfind") is None, reason="needs ocamlfind and ocamlopt"),
]

HANDS_ON = "let names : string list ref = ref []\nlet () = List.iter (fun one -> close_in (open_in one)) !names\n"
VENDORED = {
    "dune-project": "(lang dune 2.0)",
    "dune": "(library (name vend) (libraries high))",
    "vend.ml": "let () = High.leave ()",
}


def installed(folder: Path, name: str, text: str, requires: str = "", *, uses: str = "") -> None:
    """A library as ocamlopt makes it, with its source beside it; it may use one that its META does not name."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "META").write_text(f'version = "1.0"\nrequires = "{requires}"\narchive(native) = "{name}.cmxa"\n')
    (place / f"{name}.ml").write_text(text)
    packages = ("-package", uses) if uses else ()
    subprocess.run(
        ("ocamlfind", "ocamlopt", *packages, "-a", "-o", f"{name}.cmxa", f"{name}.ml"), cwd=place, check=True
    )


def judged(folder: Path, *names: str, allow: tuple[Allow, ...] = ()) -> dict[str, LibraryAudit]:
    asked = AuditRequest(
        roots=tuple(Root(library=name) for name in names),
        path=(folder / "lib",),
        vendored=(folder / "vendored",),
        targets=("spt",),
        allow=allow,
    )
    report = audit(asked)
    return {one.library: row(report, one.library) for one in report.libraries}


def told_of_start(one: LibraryAudit) -> bool:
    return any(found.rule == "boot-abort-text" for found in one.findings)


def test_sources_are_read_where_they_decide(tmp_path: Path) -> None:
    installed(tmp_path / "lib", "low", HANDS_ON)
    installed(tmp_path / "lib", "high", HANDS_ON, requires="low unix")
    found = judged(tmp_path, "low", "high")
    assert (found["low"].verdict, told_of_start(found["low"])) == ("unsure", True)
    assert (found["high"].verdict, told_of_start(found["high"])) == ("unix", False)
    allowed = judged(tmp_path, "high", allow=(Allow(library="high", reason="seen to run"),))
    assert told_of_start(allowed["high"])


def test_a_vendored_library_is_followed_into_what_it_uses(tmp_path: Path) -> None:
    installed(tmp_path / "lib", "high", "let leave () = exit 3\n", requires="unix")
    (tmp_path / "vendored/vend").mkdir(parents=True)
    for name, text in VENDORED.items():
        (tmp_path / "vendored/vend" / name).write_text(text)
    found = judged(tmp_path, "vend")
    assert [one.severity for one in found["vend"].findings if one.rule == "boot-abort-text"] == ["aborts"]


@pytest.mark.parametrize(
    ("unit", "verdict"), [("Build_info__Build_info_data", "runs"), ("Build_info__Other", "missing")]
)
def test_a_unit_that_dune_writes_when_it_links_is_there(unit: str, verdict: str, tmp_path: Path) -> None:
    place = tmp_path / "lib/info"
    place.mkdir(parents=True)
    file = f"b{unit[1:]}.mli"
    (place / file).write_text("val version : unit -> string\n")
    subprocess.run(("ocamlfind", "ocamlopt", "-c", file), cwd=place, check=True)
    installed(tmp_path / "lib", "info", f"let told () = {unit}.version ()\n")
    assert judged(tmp_path, "info")["info"].verdict == verdict

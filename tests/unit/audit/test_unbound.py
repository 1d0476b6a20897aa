"""What the text of vendored libraries refers to and nobody has: C functions, hypervisors, modules without code."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirage_py.audit import audit
from mirage_py.model.audit import AuditReport, AuditRequest, Root
from tests.unit.audit.conftest import row

PLAIN = "(library (public_name lb))"
STUBS = "(library (public_name lb) (foreign_stubs (language c) (names st)))"
MADE = """(library (public_name lb) (foreign_archives lb_bindings))
(rule (targets liblb_bindings.a) (deps (source_tree bindings)) (action (run make)))"""
DECLARED = 'external now : unit -> int64 = "lb_now"'
USED = 'external now : unit -> int64 = "lb_now"\nlet later () = Int64.succ (now ())'
C = "#include <caml/mlvalues.h>\n"


def vendored(folder: Path, **files: str) -> Path:
    """A folder of sources with one library; `st_c` is the file `st.c`, `bindings__x_c` is `bindings/x.c`."""
    library = folder / "vendored/lb"
    library.mkdir(parents=True)
    for name, text in {"dune-project": "(lang dune 2.9)", "lb.opam": "", "dune": PLAIN, **files}.items():
        place = library / (name.replace("__", "/").replace("_", ".") if "." not in name else name)
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
    return folder / "vendored"


def judged(folder: Path, *targets: str, path: Path | None = None) -> AuditReport:
    return audit(
        AuditRequest(
            roots=(Root(library="lb"),),
            targets=targets or ("spt",),
            vendored=(folder,),
            path=(path,) if path else (),
        )
    )


def test_an_external_that_no_c_defines_will_not_link(tmp_path: Path) -> None:
    found = row(judged(vendored(tmp_path, lb_ml=USED)), "lb")
    assert found.verdict == "missing"
    assert "external now (lb.ml:1) names a C function that nobody defines" in found.findings[0].message


@pytest.mark.parametrize("interface", [{}, {"lb_mli": "val now : unit -> int64"}], ids=["all is seen", "a value"])
def test_an_external_that_others_see_as_a_value_is_in_the_module(interface: dict[str, str], tmp_path: Path) -> None:
    assert row(judged(vendored(tmp_path, lb_ml=DECLARED, **interface)), "lb").verdict == "missing"


@pytest.mark.parametrize(
    "files",
    [
        {"lb_ml": DECLARED, "lb_mli": DECLARED},
        {"lb_ml": USED, "dune": STUBS, "st_c": C + "value lb_now(value u) { return u; }"},
        {"lb_ml": USED, "dune": MADE, "bindings__st_c": C + "value lb_now(value u) { return u; }"},
        {"lb_ml": USED.replace("lb_now", "caml_get_monotonic_time")},
        {"lb_ml": USED.replace("lb_now", "caml_obj_tag")},
    ],
    ids=[
        "shown as it is, and not used",
        "of its stubs",
        "of an archive that a rule makes",
        "of every image's base",
        "of the runtime",
    ],
)
def test_an_external_with_its_c_is_nothing(files: dict[str, str], tmp_path: Path) -> None:
    findings = row(judged(vendored(tmp_path, **files)), "lb").findings
    assert not [one for one in findings if one.severity == "missing"]


def test_c_in_a_branch_for_another_system_defines_nothing(tmp_path: Path) -> None:
    text = f"#ifdef __Unikraft__\n{C}value uk_now(value u) {{ return u; }}\n#endif\n"
    folder = vendored(tmp_path, lb_ml=USED.replace("lb_now", "uk_now"), dune=STUBS, st_c=text)
    report = judged(folder, "spt", "unikraft-qemu")
    assert row(report, "lb", "spt").verdict == "missing"
    assert "it is written for Unikraft: it asks for uk_now" in row(report, "lb", "spt").findings[0].message
    assert row(report, "lb", "unikraft-qemu").verdict == "runs"


def test_bindings_for_xen_are_for_xen_and_qubes(tmp_path: Path) -> None:
    text = C + "extern char solo5__xen_HYPERCALL_PAGE[];\nvalue lb_now(value u) { return *solo5__xen_HYPERCALL_PAGE; }"
    folder = vendored(tmp_path, lb_ml=USED, dune=MADE, bindings__st_c=text, bindings__solo5_h="#include <solo5.h>")
    (folder / "lb/bindings/use.c").write_text("#include <solo5.h>\n")
    report = judged(folder, "spt", "xen", "qubes")
    assert [row(report, "lb", target).verdict for target in report.targets] == ["missing", "runs", "runs"]
    assert "which only xen and qubes have" in row(report, "lb", "spt").findings[-1].message


def test_a_value_of_a_module_that_has_only_its_interface_here_will_not_link(tmp_path: Path) -> None:
    place = tmp_path / "lib/compiler-libs"
    place.mkdir(parents=True)
    (place / "META").write_text('version = "1"\nrequires = ""\n')
    for unit in ("toploop", "parsetree"):
        (place / f"{unit}.cmi").touch()
    dune = "(library (public_name lb) (libraries compiler-libs))"
    text = "let install s = Toploop.use_silently Format.err_formatter s"
    found = row(judged(vendored(tmp_path, lb_ml=text, dune=dune), path=tmp_path / "lib"), "lb")
    assert found.verdict == "missing"
    assert found.findings[0].message.startswith("it uses Toploop, of which compiler-libs has the interface")


def test_its_types_alone_need_no_code(tmp_path: Path) -> None:
    place = tmp_path / "lib/compiler-libs"
    place.mkdir(parents=True)
    (place / "META").write_text('version = "1"\nrequires = ""\n')
    (place / "parsetree.cmi").touch()
    dune = "(library (public_name lb) (libraries compiler-libs))"
    text = "type t = Parsetree.expression"
    assert row(judged(vendored(tmp_path, lb_ml=text, dune=dune), path=tmp_path / "lib"), "lb").verdict == "runs"


def test_c_that_a_rule_makes_is_unsure_until_it_is_built(tmp_path: Path) -> None:
    rule = "(rule (copy st.%{context_name}.c st.c))"
    c = C + "value lb_now(value u) { return u; }"
    folder = vendored(tmp_path, lb_ml=USED, dune=f"{STUBS}\n{rule}", **{"st.solo5.c": c})
    found = row(judged(folder), "lb")
    assert found.verdict == "unsure"
    assert [(one.rule, one.message) for one in found.findings] == [("foreign-archive", "its C is made by a rule: st.c")]
    (folder / "lb/st.solo5.c").write_text(f"#include <solo5.h>\n{c}")
    assert row(judged(folder), "lb").verdict == "runs"


def test_a_preprocessor_that_is_not_here_leaves_it_unsure(tmp_path: Path) -> None:
    dune = "(library (public_name lb) (preprocess (pps ppx_not_here)))"
    found = row(judged(vendored(tmp_path, lb_ml="let x = 1", dune=dune)), "lb")
    assert found.verdict == "unsure"
    assert found.findings[0].message == "ppx_not_here, which preprocesses it, is not here"

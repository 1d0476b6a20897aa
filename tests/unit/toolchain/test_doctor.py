"""What the doctor finds: each look for itself, with the line that mends it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mirage_py.model.toolchain import Finding, ToolchainChoice
from mirage_py.toolchain import doctor as looks
from mirage_py.toolchain.doctor import doctor
from mirage_py.toolchain.kvm import Kvm, probe

if TYPE_CHECKING:
    from tests.unit.toolchain.conftest import World


def found(world: World, *targets: str, choice: ToolchainChoice | None = None) -> dict[str, Finding]:
    """The findings by their subjects, each of which there is once."""
    findings = doctor(targets, choice or ToolchainChoice(), world.root)
    assert len({finding.subject for finding in findings}) == len(findings)
    return {finding.subject: finding for finding in findings}


def statuses(findings: dict[str, Finding], *subjects: str) -> list[str]:
    """How these subjects are."""
    return [findings[subject].status for subject in subjects]


def libraries(world: World) -> None:
    """What every unikernel links."""
    for name in ("lwt", "logs", "fmt", "cmdliner"):
        world.library(name)


def test_machine_that_has_all_for_unix_is_well(world: World) -> None:
    world.host()
    libraries(world)
    findings = found(world, "unix")
    assert set(statuses(findings, "OCaml", "dune", "findlib", "lwt", "logs", "fmt", "cmdliner")) == {"ok"}
    assert findings["OCaml"].text == f"4.13.1 ({world.bin}/ocamlopt.opt)"
    assert not any("toolchain" in subject for subject in findings)


def test_each_missing_tool_is_a_finding_of_its_own(world: World) -> None:
    findings = found(world, "unix", "hvt")
    assert statuses(findings, "OCaml", "dune", "findlib") == ["problem"] * 3
    assert findings["dune"].fix == "apt install ocaml-dune or opam install dune"
    assert "toolchain for hvt" not in findings  # without OCaml there is nothing to say about it


def test_old_and_untested_versions_are_told_apart(world: World) -> None:
    world.host(ocaml="5.6.0", dune="2.8.0")
    findings = found(world)
    assert statuses(findings, "OCaml", "dune") == ["warning", "problem"]
    assert "newer than what mpy has been tried with" in findings["OCaml"].text


def test_missing_and_broken_libraries_have_a_line_each(world: World) -> None:
    world.host()
    libraries(world)
    (world.root / "lib" / "lwt" / "META").unlink()
    world.file(world.root / "lib" / "odd" / "META", "version = 1")
    findings = found(world)
    assert findings["lwt"].status == "problem"
    assert str(findings["lwt"].fix).startswith("apt install liblwt-ocaml-dev, or opam install lwt")
    assert findings["odd"].status == "warning"
    assert findings["odd"].text.startswith(f"{world.root}/lib/odd/META: expected")


def test_whole_toolchain_is_summed_up_with_its_versions(world: World) -> None:
    world.host(ocaml="5.4.1")
    prefix = world.cross_1(world.root / "switch")
    findings = found(world, "spt", choice=ToolchainChoice(prefixes=(prefix,)))
    assert findings["toolchain for spt"].text == f"cross generation, OCaml 5.4.1, in {prefix}"
    assert (findings["Solo5"].status, findings["Solo5"].text) == ("ok", "0.9.3 with ocaml-solo5 1.3.2")


@pytest.mark.parametrize(
    ("version", "status"), [("0.7.4", "problem"), ("0.7.5", "ok"), ("0.12.1", "ok"), ("0.13.0", "warning")]
)
def test_solo5_has_to_fit(world: World, version: str, status: str) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    world.tool(prefix / "bin" / "solo5-elftool", f"echo solo5-elftool version v{version} >&2; exit 1")
    assert found(world, "spt", choice=ToolchainChoice(prefixes=(prefix,)))["Solo5"].status == status


def test_error_of_the_build_is_the_finding(world: World) -> None:
    world.host(ocaml="4.14.1")
    prefix = world.cross(world.root / "solo5")
    findings = found(world, "hvt", "genode", choice=ToolchainChoice(prefixes=(prefix,)))
    assert findings["toolchain for hvt"].status == "problem"
    assert "is of OCaml 4.13.1, this machine's compiler is 4.14.1" in findings["toolchain for hvt"].text


def test_tenders_that_are_missing_are_warnings(world: World) -> None:
    world.host()
    findings = found(world, "spt", "hvt", "virtio", "xen")
    assert statuses(findings, "solo5-spt", "solo5-hvt", "qemu", "xen") == ["warning"] * 4
    assert findings["solo5-spt"].fix == "opam install solo5"
    assert "mpy run --emulate" in str(findings["xen"].fix)


def test_qemu_tells_its_version(world: World) -> None:
    world.host()
    world.tool(world.bin / f"qemu-system-{os.uname().machine}", "echo 'QEMU emulator version 7.2.22 (Debian)'")
    assert found(world, "virtio")["qemu"].text.startswith("7.2.22 (")


def test_unknown_switch_is_a_finding(world: World) -> None:
    world.host()
    assert found(world, choice=ToolchainChoice(switch="none"))["opam switch"].status == "problem"


@pytest.mark.parametrize(
    ("free", "status"), [(1 << 40, "ok"), (1 << 28, "warning"), (1 << 20, "problem")], ids=["much", "little", "none"]
)
def test_room_on_the_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, status: str) -> None:
    real = os.statvfs(tmp_path)
    made = os.statvfs_result([*real[:4], free // real.f_frsize, *real[5:]])
    monkeypatch.setattr(os, "statvfs", lambda _: made)
    (finding,) = looks.space(tmp_path / "not" / "made yet")
    assert (finding.status, bool(finding.fix)) == (status, status != "ok")


def only(findings: Iterable[Finding]) -> Finding:
    """The one finding of a look."""
    (finding,) = findings
    return finding


@pytest.mark.parametrize(
    ("state", "status"),
    [("usable", "ok"), ("absent", "warning"), ("denied", "warning"), ("limited", "warning"), ("unknown", "warning")],
)
def test_each_state_of_kvm_is_told(monkeypatch: pytest.MonkeyPatch, state: str, status: str) -> None:
    monkeypatch.setattr(looks, "probe", lambda: Kvm(state, "so it is"))  # type: ignore[arg-type]
    finding = only(looks.kvm())
    assert (finding.status, finding.text) == (status, "so it is")


def test_kvm_without_hardware_behind_it_is_limited(tmp_path: Path) -> None:
    device, processor = tmp_path / "kvm", tmp_path / "cpuinfo"
    assert probe(str(device)).state == "absent"
    device.touch()
    processor.write_text("processor : 0\nflags\t\t: fpu sse vmx_like\n")
    assert probe(str(device), str(processor), "x86_64").state == "limited"
    processor.write_text("processor : 0\nflags\t\t: fpu svm sse\n")
    assert probe(str(device), str(processor), "x86_64").state == "usable"
    assert probe(str(device), str(processor), "aarch64").state == "unknown"
    assert probe(str(device), str(tmp_path / "none"), "x86_64").state == "limited"


def test_taps_by_right_by_ownership_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: True)
    monkeypatch.setattr(looks, "_may_make_taps", lambda: True)
    assert only(looks.tap()).status == "ok"
    monkeypatch.setattr(looks, "_may_make_taps", lambda: False)
    monkeypatch.setattr(looks, "_own_taps", lambda: ["tap0", "tap7"])
    assert only(looks.tap()).text == "tap devices of this user: tap0, tap7"
    monkeypatch.setattr(looks, "_own_taps", list)
    assert "sudo ip tuntap add tap0" in str(only(looks.tap()).fix)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert only(looks.tap()).fix == "sudo modprobe tun"

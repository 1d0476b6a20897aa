"""What must be there before an image is started: the image itself, its devices, and a machine that can run it."""

from __future__ import annotations

from pathlib import Path
from platform import system
from typing import Final

from mirage_py.dataclass import replace
from mirage_py.doors.processes import missing_tool, which
from mirage_py.errors import MpyError, ToolNotFound
from mirage_py.model.toolchain import ABIS, Toolchain, ToolchainChoice
from mirage_py.runner import devices
from mirage_py.runner.commands import QEMU, refuse_elsewhere
from mirage_py.runner.image import check_image, check_there
from mirage_py.runner.request import RunRequest
from mirage_py.toolchain.kvm import Kvm, probe

__all__ = ["check_machine", "check_request", "equipped", "require"]

EMULATED: Final = ("hvt", "virtio", "xen")
"""The targets for which there is a machine in software."""

XEN: Final = Path("/proc/xen/capabilities")
"""Where Linux tells whether it is the system that makes others under Xen."""


def equipped(request: RunRequest, choice: ToolchainChoice) -> RunRequest:
    """The request with Solo5's programs, of the target's toolchain or on PATH.

    To run an image takes no compiler: where there is no whole toolchain there may still be what runs.
    """
    target = request.plan.target
    if target not in ABIS:
        return request
    found = _toolchain(target, choice)
    tender = (found and found.tender) or (which(f"solo5-{target}") if target in ("hvt", "spt") else None)
    return replace(request, tender=tender, elftool=(found and found.elftool) or which("solo5-elftool"))


def check_request(request: RunRequest) -> None:
    """Refuse what no machine could run: a target that is run elsewhere, a missing or unfit image, missing devices."""
    refuse_elsewhere(request, system())
    check_there(request)
    _check_emulation(request)
    if request.plan.abi and request.elftool:
        check_image(request, request.elftool)
    devices.check(request)


def check_machine(request: RunRequest) -> None:
    """Refuse where this machine lacks the program, or the virtualization, that the target is run with."""
    target = request.plan.target
    if target == "virtio" or (request.emulate and target in EMULATED):
        require(QEMU, request)
    if target in ("hvt", "spt") and request.tender is None:
        raise missing_tool(f"solo5-{target}", f"run {request.place}")
    if target == "hvt" and not request.emulate:
        _require_kvm(request, probe())
    if target == "xen" and not request.emulate:
        _require_xen(request)


def require(tool: str, request: RunRequest) -> None:
    """ToolNotFound, with what brings it, for a tool that is not here."""
    if which(tool) is None:
        raise missing_tool(tool, f"run {request.place}")


def _check_emulation(request: RunRequest) -> None:
    target = request.plan.target
    if request.emulate and target == "spt":
        raise ToolNotFound(
            "there is no emulated machine for spt, and no need of one",
            details=("its tender runs it as a process that may do next to nothing (seccomp)",),
            hint="leave --emulate out: mpy run -t spt",
        )


def _require_kvm(request: RunRequest, found: Kvm) -> None:
    if found.state in ("usable", "unknown"):
        return
    raise ToolNotFound(
        "hvt needs hardware virtualization, and this machine has none to give",
        details=(found.text, f"the image is {request.place}"),
        hint="have it emulated in software: mpy run -t hvt --emulate\n"
        "or take a target that needs none: spt, or virtio under QEMU (mpy build -t spt && mpy run -t spt)",
    )


def _require_xen(request: RunRequest) -> None:
    try:
        here = "control_d" in XEN.read_text()
    except OSError:
        here = False
    if not here:
        raise ToolNotFound(
            "this machine is no Xen host",
            details=(f"{request.place} is a guest of Xen",),
            hint="have Xen emulated in software: mpy run -t xen --emulate\n"
            f"or copy the image and mirage/{request.plan.label}/{request.plan.name}.xl to a Xen host",
        )
    require("xl", request)


def _toolchain(target: str, choice: ToolchainChoice) -> Toolchain | None:
    from mirage_py.toolchain.discover import discover

    try:
        return discover(target, choice)
    except MpyError:
        return None

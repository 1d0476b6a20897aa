"""What this machine has for building and running unikernels, and the line that mends what it has not.

Each look is a small function that yields findings. An error that a build would end with is caught here and told as one
finding among others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from mirage_py.doors import answers
from mirage_py.doors.processes import missing_tool, which
from mirage_py.errors import MpyError
from mirage_py.libraries.findlib import Findlib
from mirage_py.model.command import Command
from mirage_py.model.toolchain import ABIS, Finding, Status, Toolchain, ToolchainChoice
from mirage_py.toolchain.ask import ask
from mirage_py.toolchain.cross import TENDERS
from mirage_py.toolchain.discover import discover, refuse_unlinkable
from mirage_py.toolchain.host import (
    at_least,
    discover_host,
    environment_of,
    find_dune,
    find_ocaml,
    find_tool,
    switch_prefix,
)
from mirage_py.toolchain.kvm import probe

__all__ = ["doctor", "kvm", "space", "tap"]

T = TypeVar("T")

UNTESTED_OCAML: Final = "5.5"
UNTESTED_DUNE: Final = "3.25"
"""The first releases that mpy has not been tried with: a warning, not a refusal."""

SOLO5: Final = ("0.7.5", "0.13")
"""The releases of Solo5 that mirage-solo5 0.10 fits: from the first, below the second."""

SOLO5_FOR_1: Final = "0.9.1"
"""ocaml-solo5 1.x needs this one."""

LIBRARIES: Final[Mapping[str, str]] = {
    "lwt": "liblwt-ocaml-dev",
    "logs": "liblogs-ocaml-dev",
    "fmt": "libfmt-ocaml-dev",
    "cmdliner": "libcmdliner-ocaml-dev",
}
"""What every unikernel links besides what mpy brings, with Debian's packages."""

LITTLE_SPACE: Final = 1 << 30
NO_SPACE: Final = 1 << 26
CAP_NET_ADMIN: Final = 12
USES_TAP: Final = ("unix", "hvt", "spt", "virtio")

KVM: Final[Mapping[str, tuple[Status, str | None]]] = {
    "usable": ("ok", None),
    "absent": ("warning", "turn virtualization on in the firmware and load kvm_amd or kvm_intel; or mpy run --emulate"),
    "denied": ("warning", "sudo usermod -aG kvm $USER, then log in again; or mpy run --emulate"),
    "limited": ("warning", "this machine only emulates virtualization: take target spt, or mpy run --emulate"),
    "unknown": ("warning", None),
}
"""What each word of the probe means for hvt, which cannot do without."""


def doctor(
    targets: Iterable[str], choice: ToolchainChoice, place: Path, *, configured: bool = False
) -> tuple[Finding, ...]:
    """What was found about this machine for these targets (none: unix); images would be built in `place`.

    `configured` says that somebody else looks for the libraries of a configuration; else those that every unikernel
    links are looked for.
    """
    wanted = tuple(dict.fromkeys(targets)) or ("unix",)
    findings = [*_host(choice), *_libraries(choice, {} if configured else LIBRARIES), *space(place)]
    for target in wanted:
        findings += [*_toolchain(target, choice), *_running(target)]
    findings += tap() if any(target in USES_TAP for target in wanted) else ()
    return tuple(dict.fromkeys(findings))


def kvm() -> Iterator[Finding]:
    """Whether /dev/kvm is there, may be used, and has hardware behind it."""
    found = probe()
    status, fix = KVM[found.state]
    yield _finding("kvm", status, found.text, fix)


def tap() -> Iterator[Finding]:
    """Whether a network of its own can be given to a unikernel: by creating a tap device, or by one that is there."""
    device = Path("/dev/net/tun")
    if not os.access(device, os.R_OK | os.W_OK):
        why = "may not be opened" if device.exists() else "is not there"
        yield _finding("tap", "warning", f"{device} {why}: no unikernel gets a network", "sudo modprobe tun")
    elif _may_make_taps():
        yield _finding("tap", "ok", "tap devices can be created")
    elif own := _own_taps():
        yield _finding("tap", "ok", f"tap devices of this user: {', '.join(own)}")
    else:
        fix = "sudo ip tuntap add tap0 mode tap user $USER && sudo ip link set tap0 up"
        yield _finding("tap", "warning", "this user may not create tap devices, and has none", fix)


def space(place: Path) -> Iterator[Finding]:
    """Whether images will fit on the disk."""
    there = next((folder for folder in (place, *place.parents) if folder.is_dir()), Path("/"))
    answers.note("room", str(there))
    free = answers.room(str(there))
    status: Status = "ok" if free > LITTLE_SPACE else "warning" if free > NO_SPACE else "problem"
    told = f"{free >> 30} GiB" if free >= answers.ROOMY else f"{free >> 20} MiB"
    fix = None if status == "ok" else f"mpy clean, or make room on the disk of {there}"
    yield _finding("disk", status, f"{told} free at {there}", fix)


def _host(choice: ToolchainChoice) -> Iterator[Finding]:
    """The tools that every build needs, each for itself: one that is missing does not hide the next."""
    try:
        environment = environment_of(switch_prefix(choice.switch))
    except MpyError as error:
        yield _told("opam switch", error)
        return
    yield from _looked("OCaml", lambda: find_ocaml(environment), lambda it: _ocaml(it[1]["version"], it[0]))
    yield from _looked("dune", lambda: find_dune(environment), lambda it: _dune(it[1], it[0]))
    yield from _looked("findlib", lambda: find_tool("ocamlfind", environment, "find the OCaml libraries"), _findlib)


def _ocaml(version: str, program: Path) -> Finding:
    return _newest("OCaml", version, UNTESTED_OCAML, program)


def _dune(version: str, program: Path) -> Finding:
    return _newest("dune", version, UNTESTED_DUNE, program)


def _findlib(program: Path) -> Finding:
    return _finding("findlib", "ok", str(program))


def _newest(subject: str, version: str, untested: str, program: Path) -> Finding:
    if at_least(version, untested):
        return _finding(subject, "warning", f"{version} ({program}) is newer than what mpy has been tried with")
    return _finding(subject, "ok", f"{version} ({program})")


def _libraries(choice: ToolchainChoice, wanted: Mapping[str, str]) -> Iterator[Finding]:
    """The libraries that a unikernel cannot do without, and those whose META file nobody can read."""
    try:
        findlib = Findlib.discover(environment=environment_of(switch_prefix(choice.switch)))
    except MpyError:
        return  # told as a tool already
    for name, debian in wanted.items():
        if findlib.find(name):
            yield _finding(name, "ok", findlib.version(name) or "of an unknown version")
        else:
            fix = f"apt install {debian}, or opam install {name}, or its sources under duniverse/"
            yield _finding(name, "problem", f"no OCaml library {name} is installed", fix)
    for problem in findlib.broken():
        yield _finding(problem.library, "warning", f"{problem.file}: {problem.text}", "reinstall its package")


def _toolchain(target: str, choice: ToolchainChoice) -> Iterator[Finding]:
    """Whether images for the target can be made here, and the versions that have to fit."""
    if target not in ABIS or not _host_is_whole(choice):
        return
    subject = f"toolchain for {target}"
    try:
        found = discover(target, choice)
        refuse_unlinkable(found)
    except MpyError as error:
        yield _told(subject, error)
        return
    yield _finding(subject, "ok", _summary(found))
    yield from _solo5(found)


def _host_is_whole(choice: ToolchainChoice) -> bool:
    """What is missing on the host is told once, not once more for each target."""
    try:
        discover_host(choice)
    except MpyError:
        return False
    return True


def _summary(toolchain: Toolchain) -> str:
    place = toolchain.prefix or toolchain.ocamlopt
    return f"{toolchain.generation} generation, OCaml {toolchain.ocaml_version}, in {place}"


def _solo5(toolchain: Toolchain) -> Iterator[Finding]:
    """Solo5's release against what it is used with."""
    version = toolchain.solo5_version
    if version is None or toolchain.generation != "cross":
        return
    oldest, newest = SOLO5
    modern = toolchain.ocaml_solo5_version is not None and at_least(toolchain.ocaml_solo5_version, "1")
    oldest = SOLO5_FOR_1 if modern else oldest
    if not at_least(version, oldest):
        yield _finding("Solo5", "problem", f"{version} is older than {oldest}", "opam upgrade solo5")
    elif at_least(version, newest):
        yield _finding("Solo5", "warning", f"{version} is newer than what mpy has been tried with")
    else:
        beside = toolchain.ocaml_solo5_version
        yield _finding("Solo5", "ok", f"{version} with ocaml-solo5 {beside}" if beside else version)


def _running(target: str) -> Iterator[Finding]:
    """What boots an image of the target here. Building needs none of it: what is not there is a warning."""
    if target == "hvt":
        yield from _tool(TENDERS[target])
        yield from kvm()
    elif target == "spt":
        yield from _tool(TENDERS[target])
    elif target == "virtio":
        yield from _qemu()
    elif target in ("xen", "qubes"):
        yield from _xen()


def _tool(name: str) -> Iterator[Finding]:
    found = which(name)
    if found is None:
        yield _finding(name, "warning", "is not on PATH: images are built, and not run here", missing_tool(name).hint)
    else:
        yield _finding(name, "ok", str(found))


def _qemu() -> Iterator[Finding]:
    name = f"qemu-system-{os.uname().machine}"
    found = which(name)
    if found is None:
        yield _finding("qemu", "warning", f"{name} is not on PATH", missing_tool(name).hint)
        return
    text = ask(Command(argv=(str(found), "--version"), purpose="ask QEMU for its version"))
    version = re.search(r"version ([\w.]+)", text)
    yield _finding("qemu", "ok", f"{version[1] if version else 'of an unknown version'} ({found})")


def _xen() -> Iterator[Finding]:
    """Whether this machine is the one that a Xen hypervisor lets make others."""
    elsewhere = "build here, and copy the image and its .xl file to a Xen host; or mpy run --emulate"
    capabilities = Path("/proc/xen/capabilities")
    control = ""
    with suppress(OSError):
        control = capabilities.read_text()
    if "control_d" not in control:
        yield _finding("xen", "warning", "this machine is no Xen host", elsewhere)
    elif found := which(TENDERS["xen"]):
        yield _finding("xen", "ok", str(found))
    else:
        yield _finding("xen", "problem", "this is a Xen host without xl", missing_tool("xl").hint)


def _may_make_taps() -> bool:
    """Whether this process has the capability, which root has, and a container's root may not have."""
    answers.note("capabilities", "")
    with answers.aside():
        effective = answers.capabilities()
    return os.geteuid() == 0 if effective is None else bool(effective >> CAP_NET_ADMIN & 1)


def _own_taps() -> list[str]:
    """The tap devices that were made for this user."""
    owners = Path("/sys/class/net").glob("*/owner")
    return sorted(file.parent.name for file in owners if _read(file) == str(os.geteuid()))


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _looked(subject: str, look: Callable[[], T], tell: Callable[[T], Finding]) -> Iterator[Finding]:
    """What a look found, or the error it met."""
    try:
        yield tell(look())
    except MpyError as error:
        yield _told(subject, error)


def _told(subject: str, error: MpyError) -> Finding:
    """An error that a build would end with."""
    return _finding(subject, "problem", "; ".join((error.message, *error.details)), error.hint)


def _finding(subject: str, status: Status, text: str, fix: str | None = None) -> Finding:
    return Finding(subject=subject, status=status, text=text, fix=fix)

"""The command that runs an image, as a value: nothing is started, and nothing of the machine is read here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

from mirage_py.errors import UnsupportedTarget
from mirage_py.model.command import Command
from mirage_py.runner.request import RunRequest, shown
from mirage_py.runner.words import boot_line, boot_words
from mirage_py.runner.xl import Domain, assignments, host_disk

__all__ = ["EXIT_DEVICE", "QEMU", "card", "command", "drive", "refuse_elsewhere", "tap"]

QEMU: Final = "qemu-system-x86_64"
VIRTIO_MB: Final = 512
"""What Solo5's own tenders give, where nobody says otherwise."""
XEN_MB: Final = 256
"""As in the .xl file that `configure` writes."""

EXIT_DEVICE: Final = "isa-debug-exit"
"""Where Solo5 writes a fixed number when a virtio image ends: QEMU ends then, with a code of its own."""

FIRST_SLOT: Final = 4
"""On the PCI bus of QEMU's `pc`, whose first slots are taken. An image meets its devices in the order of slots."""

ELSEWHERE: Final = {
    "macosx": ("it is a program for macOS", "copy it to a Mac, and start it there"),
    "muen": (
        "it is a subject of a Muen system, which is built around it",
        "https://muen.sk/articles.html#mirageos-unikernels tells how",
    ),
    "genode": ("no Solo5 of today links one", "configure another target: mpy configure -t spt"),
    "qubes": (
        "it is the kernel of a VM of Qubes OS",
        "put it into dom0 as /var/lib/qubes/vm-kernels/NAME/vmlinuz, then there: qvm-prefs VM kernel NAME",
    ),
    "unikraft-firecracker": (
        "Firecracker starts it, from a description of the machine",
        "name the image there as kernel_image_path: firecracker --no-api --config-file FILE",
    ),
    "unikraft-qemu": ("mpy does not build them", "QEMU starts it as a kernel: qemu-system-x86_64 -kernel IMAGE"),
}
"""The targets that `mpy run` leaves to others: why, and how their images are run."""


def command(request: RunRequest, *, accelerated: bool = False) -> Command:
    """The process that runs the image; `accelerated` lets QEMU use the machine's own virtualization.

    UnsupportedTarget for a target whose images need another system around them.
    """
    match request.plan.target:
        case "unix" | "macosx":
            return _program(request)
        case "hvt" | "spt":
            return _tender(request)
        case "virtio":
            return _machine(request, accelerated=accelerated)
        case "xen":
            return _domain(request)
        case _:
            raise _elsewhere(request)


def refuse_elsewhere(request: RunRequest, system: str) -> None:
    """Refuse a target whose images do not run on this `system` (as `uname` names it)."""
    target = request.plan.target
    if target in ELSEWHERE and (target, system) != ("macosx", "Darwin"):
        raise _elsewhere(request)


def drive(file: str) -> str:
    """The options of a QEMU drive, less what it is for: QEMU takes two commas for one that is meant."""
    return f"format=raw,file={file.replace(',', ',,')}"


def tap(number: int, interface: str) -> str:
    """The value of QEMU's `-netdev` for a tap device that is there."""
    return f"tap,id=net{number},ifname={interface},script=no,downscript=no"


def card(number: int, interface: str) -> str:
    """The value of QEMU's `-device` for the card on a tap device; its address is its own: QEMU gives all the same."""
    digits = f"{crc32(interface.encode()):08x}"
    return f"virtio-net-pci,netdev=net{number},mac=52:54:00:{digits[:2]}:{digits[2:4]}:{digits[4:6]}"


def _elsewhere(request: RunRequest) -> UnsupportedTarget:
    why, how = ELSEWHERE[request.plan.target]
    return UnsupportedTarget(
        f"mpy does not run an image for {request.plan.target}: {why}",
        details=(f"the image is {request.place}",),
        hint=how,
    )


def _purpose(request: RunRequest) -> str:
    return f"run {request.place}"


def _program(request: RunRequest) -> Command:
    place = request.place if "/" in request.place else f"./{request.place}"  # no program of that name on PATH
    return Command(argv=(place, *boot_words(request.args)), purpose=_purpose(request), timeout=request.timeout)


def _tender(request: RunRequest) -> Command:
    """The dashes stand before the image: behind it they would be the unikernel's first word."""
    tender = str(request.tender or f"solo5-{request.plan.target}")
    devices = (
        *(f"--net:{name}={interface}" for name, interface in _nets(request)),
        *(f"--block:{name}={shown(file)}" for name, file in _blocks(request)),
    )
    memory = (f"--mem={request.mem}",) if request.mem else ()
    argv = (tender, *devices, *memory, "--", request.place, *boot_words(request.args))
    return Command(argv=argv, purpose=_purpose(request), timeout=request.timeout)


def _machine(request: RunRequest, *, accelerated: bool) -> Command:
    """QEMU with nothing but a serial console, the way to end, and the devices.

    QEMU puts the path of the kernel before the words, and Solo5 takes what comes after the first blank: a path with a
    blank is given from its own folder.
    """
    folder = request.image.absolute().parent if " " in request.place else None
    argv = (
        *(QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", f"pc,accel={'kvm' if accelerated else 'tcg'}", "-cpu", "host" if accelerated else "max"),
        *("-m", str(request.mem or VIRTIO_MB), "-serial", "stdio", "-device", EXIT_DEVICE),
        *_cards(request, str if folder else shown),
        *("-kernel", request.image.name if folder else request.place, "-append", boot_line(request.args)),
    )
    return Command(argv=argv, purpose=_purpose(request), cwd=folder, timeout=request.timeout)


def _cards(request: RunRequest, place: Callable[[Path], str]) -> Iterator[str]:
    """Devices in the manifest's order; in another Solo5 refuses to boot."""
    slot = FIRST_SLOT
    for number, (_, interface) in enumerate(_nets(request)):
        yield from ("-netdev", tap(number, interface))
        yield from ("-device", f"{card(number, interface)},addr={slot:#x}")
        slot += 1
    for number, (_, file) in enumerate(_blocks(request)):
        yield from ("-drive", f"if=none,id=disk{number},{drive(place(file.absolute()))}")
        yield from ("-device", f"virtio-blk-pci,drive=disk{number},addr={slot:#x}")
        slot += 1


def _domain(request: RunRequest) -> Command:
    """A domain described by words alone: to `xl`, /dev/null is the configuration that stands on its command line."""
    domain = Domain(
        name=request.plan.name,
        kernel=str(request.image.absolute()),
        memory=request.mem or XEN_MB,
        line=boot_line(request.args),
        disks=tuple(host_disk(n, file.absolute()) for n, (_, file) in enumerate(_blocks(request), start=1)),
        vifs=tuple(f"bridge={bridge}" for _, bridge in _nets(request)),
    )
    argv = ("xl", "create", "-F", "-c", "/dev/null", *assignments(domain))
    return Command(argv=argv, purpose=_purpose(request), timeout=request.timeout)


def _nets(request: RunRequest) -> Iterator[tuple[str, str]]:
    """In the order of the manifest; all are there, or `check` would have refused."""
    return ((name, request.nets[name]) for name in request.plan.nets)


def _blocks(request: RunRequest) -> Iterator[tuple[str, Path]]:
    return ((name, request.blocks[name]) for name in request.plan.blocks)

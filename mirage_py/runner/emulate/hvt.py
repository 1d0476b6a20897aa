"""hvt: the real solo5-hvt on the real kvm-amd of a Debian kernel, on an AMD processor that QEMU emulates."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.doors.processes import require, run
from mirage_py.model.command import Command
from mirage_py.runner.emulate import machine
from mirage_py.runner.emulate.cpio import FOLDER, Entry, archive, executable, text
from mirage_py.runner.emulate.machine import NO_ACCELERATION, Boot
from mirage_py.runner.emulate.modules import insmods, module_files, orders_file
from mirage_py.runner.emulate.pieces import Recipe
from mirage_py.runner.request import RunRequest
from mirage_py.runner.words import boot_words

__all__ = ["RECIPE", "init", "prepare"]

TENDER_MB: Final = 512
"""What solo5-hvt gives where nobody says otherwise."""

VIRTUALIZATION: Final = ("kvm-amd",)
DISKS: Final = ("virtio_pci", "virtio_blk")
NETWORK: Final = ("virtio_pci", "virtio_net", "bridge", "tun")

KERNEL_LINE: Final = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable"
"""Few words on the log; an end instead of a halt; and none of what only costs time where nobody else is."""


def _pieces(root: Path) -> dict[str, bytes]:
    modules, orders = module_files(root, (*VIRTUALIZATION, *DISKS, *NETWORK))
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    busybox = executable((root / "bin" / "busybox").read_bytes())
    return {
        "vmlinuz": kernel.read_bytes(),
        "base.cpio": archive({"bin/busybox": busybox, **modules}),
        "modules.json": orders_file(orders),
    }


RECIPE: Final = Recipe(
    name="hvt-1", kernel="linux-image-cloud-amd64", packages=lambda: ("busybox-static",), make=_pieces
)


def prepare(request: RunRequest, pieces: Path, folder: Path) -> Command:
    """Write what the machine boots from into the folder, and give the command that starts it."""
    files = {
        "init": executable(init(request, pieces).encode()),
        "boot/command": text(tender_line(request)),
        "boot/image": executable(request.image.read_bytes()),
        **dict.fromkeys(("dev", "proc", "sys", "tmp"), FOLDER),
        **_program("bin/solo5-hvt", request.tender or require("solo5-hvt", f"run {request.place}")),
    }
    (folder / "initrd").write_bytes((pieces / "base.cpio").read_bytes() + archive(files))
    machine.borrow(pieces, ("vmlinuz",), folder)
    boot = Boot(
        options=("-kernel", "vmlinuz", "-initrd", "initrd", "-append", KERNEL_LINE),
        processor=NO_ACCELERATION,
        memory=request.mem or TENDER_MB,
        disks=tuple(request.blocks[name] for name in request.plan.blocks),
        interfaces=tuple(request.nets[name] for name in request.plan.nets),
    )
    return machine.command(boot, folder, purpose=f"run {request.place} in an emulated machine")


def init(request: RunRequest, pieces: Path) -> str:
    """The first process inside: load, connect, run the tender on the second serial port, report."""
    wanted = [*VIRTUALIZATION, *(DISKS if request.plan.blocks else ()), *(NETWORK if request.plan.nets else ())]
    return (
        machine.INIT
        + "\n".join([*insmods(pieces, wanted), *_network(len(request.plan.nets)), *_run(request.timeout)])
        + "\n"
    )


def tender_line(request: RunRequest) -> str:
    """The tender's command line inside, for a POSIX shell."""
    nets = (f"--net:{name}=tap{number}" for number, name in enumerate(request.plan.nets))
    blocks = (f"--block:{name}={machine.disk(number)}" for number, name in enumerate(request.plan.blocks))
    memory = request.mem or TENDER_MB
    words = ("solo5-hvt", f"--mem={memory}", *nets, *blocks, "--", "/boot/image", *boot_words(request.args))
    return f"exec {shlex.join(words)}\n"


def _network(count: int) -> Iterator[str]:
    """A tap device for each card, joined to it by a bridge: what the unikernel sends comes out of the host's device."""
    for number in range(count):
        yield f"ip link add name br{number} type bridge"
        yield f"tunctl -t tap{number} >/dev/null"
        for device in (f"eth{number}", f"tap{number}"):
            yield f"ip link set {device} master br{number}"
            yield f"ip link set {device} up"
        yield f"ip link set br{number} up"


def _run(timeout: float | None) -> Iterator[str]:
    yield "stty -F /dev/ttyS1 raw"
    yield from machine.watched("sh /boot/command </dev/null >/dev/ttyS1 2>/boot/said", timeout)
    yield from machine.ending()


def _program(place: str, program: Path) -> Mapping[str, Entry]:
    """A program of the host with the libraries that it was linked with; none where it is static."""
    result = run(Command(argv=("ldd", str(program)), purpose=f"find the libraries of {program.name}"), check=False)
    libraries = {
        path.lstrip("/"): executable(Path(path).read_bytes()) for path in re.findall(r"/[^\s()]+", result.stdout)
    }
    return {place: executable(program.read_bytes()), **libraries}

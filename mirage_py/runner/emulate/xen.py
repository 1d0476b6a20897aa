"""xen: the real Xen with a Debian kernel as dom0 and the real xl, on an AMD processor that QEMU emulates.

Of a Xen host there is only what a guest needs: busybox, xl, the two daemons, and scripts of our own where the packages
would have programs in Python and bash. So the whole takes seconds and not minutes.
"""

from __future__ import annotations

import gzip
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mirage_py.errors import ToolNotFound
from mirage_py.model.command import Command
from mirage_py.runner.commands import XEN_MB
from mirage_py.runner.emulate import machine
from mirage_py.runner.emulate.cpio import FOLDER, Entry, archive, executable, link, text
from mirage_py.runner.emulate.machine import NO_ACCELERATION, Boot
from mirage_py.runner.emulate.modules import insmods, module_files, orders_file
from mirage_py.runner.emulate.pieces import Recipe, depends
from mirage_py.runner.request import RunRequest
from mirage_py.runner.words import boot_line
from mirage_py.runner.xl import Domain, assignments, host_disk

__all__ = ["RECIPE", "init", "prepare"]

XEN: Final = ("xen-evtchn", "xen-gntalloc", "xen-gntdev", "xen-privcmd", "xenfs")
DISKS: Final = ("virtio_pci", "virtio_blk", "xen-blkback")
NETWORK: Final = ("virtio_pci", "virtio_net", "bridge", "xen-netback")

PROGRAMS: Final = ("xl", "xenstored", "xenconsoled", "xen-init-dom0")
LIBRARIES: Final = re.compile(r"lib|zlib1g")
DOM0_MB: Final = 512

HYPERVISOR_LINE: Final = "console=com1 com1=115200,8n1 smap=0 smep=0"
PROCESSOR: Final = f"{NO_ACCELERATION},-smap,-smep,-pku,-la57"
"""A paravirtualized dom0 crashes with these in QEMU's emulation."""

KERNEL_LINE: Final = "console=hvc0 quiet panic=-1"


# ---------------------------------------------------------------------------------------------------------------------
# Pieces


def _packages() -> tuple[str, ...]:
    """Xen in the version of this Debian, and the libraries of its tools, without the Python and Perl around them."""
    xen = [name for name in depends(["xen-system-amd64"]) if name.startswith(("xen-hypervisor-", "xen-utils-"))]
    versioned = tuple(name for name in xen if re.search(r"-\d", name))
    libraries: tuple[str, ...] = ()
    found = _libraries((*versioned, "xenstore-utils"))
    while set(found) - set(libraries):
        libraries = tuple(dict.fromkeys((*libraries, *found)))
        found = _libraries(libraries)
    return ("busybox-static", *versioned, "xenstore-utils", *libraries)


def _libraries(packages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in depends(packages) if LIBRARIES.match(name))


def _pieces(root: Path) -> dict[str, bytes]:
    modules, orders = module_files(root, (*XEN, *DISKS, *NETWORK))
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    hypervisor = next(iter(sorted((root / "boot").glob("xen-*-amd64.gz"))))
    return {
        "vmlinuz": kernel.read_bytes(),
        "xen": gzip.decompress(hypervisor.read_bytes()),
        "base.cpio": archive({**modules, **dict(_programs(root)), **dict(_shared_objects(root))}),
        "modules.json": orders_file(orders),
    }


def _programs(root: Path) -> Iterator[tuple[str, Entry]]:
    """The programs of dom0."""
    own = {name: next((root / "usr" / "lib").glob(f"xen-*/bin/{name}"), None) for name in PROGRAMS}
    own |= {"busybox": root / "bin" / "busybox"}
    own |= {name: root / "usr" / "bin" / name for name in ("xenstore-read", "xenstore-write")}
    for name, file in own.items():
        if file is None or not file.is_file():
            raise ToolNotFound(
                f"Debian's packages of Xen have no {name}", hint="run it on Debian 12, or in a container of it"
            )
        yield f"bin/{name}", executable(file.read_bytes())


def _shared_objects(root: Path) -> Iterator[tuple[str, Entry]]:
    """All libraries, links among them followed, where the loader looks for them; and the loader."""
    yield "lib64/ld-linux-x86-64.so.2", executable((root / "lib64" / "ld-linux-x86-64.so.2").read_bytes())
    for folder in ("lib", "usr/lib"):
        for file in (root / folder / "x86_64-linux-gnu").glob("lib*.so*"):
            if file.is_file():
                yield f"lib/x86_64-linux-gnu/{file.name}", executable(file.read_bytes())


RECIPE: Final = Recipe(name="xen-1", kernel="linux-image-amd64", packages=_packages, make=_pieces)


# ---------------------------------------------------------------------------------------------------------------------
# One boot


def prepare(request: RunRequest, pieces: Path, folder: Path) -> Command:
    """Write what the machine boots from into the folder, and give the command that starts it."""
    files = {
        "init": executable(init(request, pieces).encode()),
        "boot/image": executable(request.image.read_bytes()),
        "etc/xen/xl.conf": text('autoballoon = "off"\n'),
        "etc/xen/scripts/block": executable(BLOCK_SCRIPT.encode()),
        "etc/xen/scripts/vif-bridge": executable(VIF_SCRIPT.encode()),
        "var/run": link("/run"),
        "var/lock": link("/run"),
        **dict.fromkeys(
            ("dev", "proc", "sys", "tmp", "run/xen", "run/xenstored", "var/lib/xen", "var/lib/xenstored"), FOLDER
        ),
        "var/log/xen": FOLDER,
    }
    (folder / "initrd").write_bytes((pieces / "base.cpio").read_bytes() + archive(files))
    machine.borrow(pieces, ("vmlinuz", "xen"), folder)
    size = (folder / "initrd").stat().st_size >> 20
    options = (
        *("-kernel", "xen", "-append", f"{HYPERVISOR_LINE} dom0_mem={DOM0_MB + 2 * size}M"),
        *("-initrd", f"vmlinuz {KERNEL_LINE},initrd"),
    )
    boot = Boot(
        options=options,
        processor=PROCESSOR,
        memory=DOM0_MB + (request.mem or XEN_MB),
        disks=tuple(request.blocks[name] for name in request.plan.blocks),
        interfaces=tuple(request.nets[name] for name in request.plan.nets),
    )
    return machine.command(boot, folder, purpose=f"run {request.place} in an emulated machine")


def init(request: RunRequest, pieces: Path) -> str:
    """The first process of dom0: start what xl needs, create the guest, report."""
    wanted = [*XEN, *(DISKS if request.plan.blocks else ()), *(NETWORK if request.plan.nets else ())]
    lines = [*insmods(pieces, wanted), DAEMONS, *_network(len(request.plan.nets)), *_run(request)]
    return machine.INIT + "\n".join(lines) + "\n"


DAEMONS: Final = """\
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t xenfs xenfs /proc/xen
stty -F /dev/ttyS1 raw
exec 3>/dev/ttyS1
ln -s /dev/ttyS1 /var/log/xen/guest-unikernel.log
xenstored --pid-file /run/xenstored.pid
tries=100
until [ -S /run/xenstored/socket ] || [ $tries = 0 ]; do sleep 0.1; tries=$((tries - 1)); done
xen-init-dom0 >/dev/null
xenconsoled --pid-file=/run/xenconsoled.pid --log=guest --log-dir=/var/log/xen
"""
"""The guest's console is the daemon's log of that guest, and the log is the second serial port."""

BLOCK_SCRIPT: Final = """\
#!/bin/busybox sh
# What xl calls for a disk: tell the backend which device it is.
export PATH=/bin
[ "$1" = add ] || exit 0
device=$(xenstore-read "$XENBUS_PATH/params")
set -- $(stat -L -c '%t %T' "$device")
xenstore-write "$XENBUS_PATH/physical-device-path" "$device" "$XENBUS_PATH/physical-device" "$1:$2"
xenstore-write "$XENBUS_PATH/hotplug-status" connected
"""

VIF_SCRIPT: Final = """\
#!/bin/busybox sh
# What xl calls for a network interface: put it on its bridge.
export PATH=/bin
[ "$1" = online ] || exit 0
ip link set "$vif" master "$(xenstore-read "$XENBUS_PATH/bridge")"
ip link set "$vif" up
xenstore-write "$XENBUS_PATH/hotplug-status" connected
"""


def _network(count: int) -> Iterator[str]:
    """A bridge for each card."""
    for number in range(count):
        yield f"ip link add name br{number} type bridge"
        yield f"ip link set eth{number} master br{number}"
        yield f"ip link set eth{number} up"
        yield f"ip link set br{number} up"


def domain(request: RunRequest) -> Domain:
    """The guest inside. It is kept when it has ended, so that the console's daemon can read its last words."""
    return Domain(
        name="unikernel",
        kernel="/boot/image",
        memory=request.mem or XEN_MB,
        line=boot_line(request.args),
        disks=tuple(host_disk(n + 1, machine.disk(n)) for n in range(len(request.plan.blocks))),
        vifs=tuple(f"bridge=br{n}" for n in range(len(request.plan.nets))),
        after="preserve",
    )


def _run(request: RunRequest) -> Iterator[str]:
    words = ("xl", "create", "-F", "/dev/null", *assignments(domain(request)))
    yield from machine.watched(f"{shlex.join(words)} </dev/null >/boot/said 2>&1", request.timeout)
    yield "sleep 0.5 # the console's daemon empties the guest's ring"
    yield from machine.ending()

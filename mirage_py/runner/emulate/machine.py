"""QEMU's part: a processor with virtualization, two serial ports, disks, network cards; and what it reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.model.command import Command
from mirage_py.runner.commands import QEMU, card, drive, tap

__all__ = [
    "INIT",
    "LOG",
    "NO_ACCELERATION",
    "Boot",
    "Report",
    "borrow",
    "command",
    "disk",
    "ending",
    "read_report",
    "watched",
]

LOG: Final = "boot.log"
"""What the machine says on its first serial port, and our init's report. The second one is the unikernel's console."""

MARK: Final = "@@mpy "
MACHINE_MB: Final = 512
"""For the kernel inside, beside the unikernel and what the machine boots from."""

NO_ACCELERATION: Final = "max,+svm,+npt"
"""All that QEMU can emulate, AMD's virtualization with nested paging above all."""


@dataclass(frozen=True, kw_only=True)
class Boot:
    """What a machine is made of: the files it boots from, in its folder, and the devices it passes on.

    `options` are QEMU's for the kernel; `memory` is in MB and the unikernel's own, `processor` as QEMU takes it.
    """

    options: tuple[str, ...]
    processor: str
    memory: int
    disks: tuple[Path, ...] = ()
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """How the tender inside ended: its exit code (None: it was never started), what it said, whether time was up."""

    status: int | None
    said: tuple[str, ...] = ()
    timed_out: bool = False
    last_words: str = ""


def command(boot: Boot, folder: Path, *, purpose: str) -> Command:
    """QEMU in the folder where the machine's files lie: by their plain names, which no comma or blank can break."""
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) >> 20
    argv = (
        *(QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", "q35,accel=tcg", "-cpu", boot.processor, "-m", str(MACHINE_MB + boot.memory + 3 * size)),
        *("-serial", f"file:{LOG}", "-serial", "stdio"),
        *_devices(boot),
        *boot.options,
    )
    return Command(argv=argv, purpose=purpose, cwd=folder)


def borrow(pieces: Path, names: Iterable[str], folder: Path) -> None:
    """Have the pieces in the folder too, without a copy."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(pieces / name)


def _devices(boot: Boot) -> Iterator[str]:
    for number, disk in enumerate(boot.disks):
        yield from ("-drive", f"if=none,id=disk{number},{drive(str(disk.absolute()))}")
        yield from ("-device", f"virtio-blk-pci,drive=disk{number}")
    for number, interface in enumerate(boot.interfaces):
        yield from ("-netdev", tap(number, interface))
        yield from ("-device", card(number, interface))


INIT: Final = """\
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
"""
"""How the first process of an emulated machine begins."""


def watched(start: str, timeout: float | None) -> Iterator[str]:
    """The lines of a shell that start a tender, wait until it ends, and end it when its time is over."""
    yield f"{start} &"
    yield "tender=$!"
    if timeout is not None:
        yield f"(sleep {timeout:g}; : >/boot/timed-out; kill -9 $tender) 2>/dev/null &"
    yield "wait $tender"
    yield "status=$?"


def ending() -> Iterator[str]:
    """The lines that report and switch the machine off; the tender's own words are in /boot/said."""
    yield "stty -F /dev/ttyS1 raw # waits until the console is sent"
    yield "sync"
    yield f'while read -r line; do echo "{MARK}said $line"; done </boot/said'
    yield f'[ ! -e /boot/timed-out ] || echo "{MARK}timed-out"'
    yield f'echo "{MARK}status $status"'
    yield "poweroff -f"


def disk(number: int) -> str:
    """What Linux calls the disk with this number, from 0: vda, ..., vdz, vdaa."""
    high, low = divmod(number, 26)
    return f"/dev/vd{chr(ord('a') + high - 1) if high else ''}{chr(ord('a') + low)}"


def read_report(folder: Path) -> Report:
    """What the machine has told by the time it is off."""
    lines = _lines(folder / LOG)
    told = [line.partition(MARK)[2] for line in lines if MARK in line]
    statuses = [int(word) for word in _of("status", told) if re.fullmatch(r"\d+", word)]
    others = [line for line in lines if MARK not in line and line.strip()]
    return Report(
        status=statuses[-1] if statuses else None,
        said=tuple(_of("said", told)),
        timed_out="timed-out" in told,
        last_words=others[-1] if others else "",
    )


def _of(kind: str, told: Iterable[str]) -> Iterator[str]:
    return (value for one, _, value in (line.partition(" ") for line in told) if one == kind)


def _lines(log: Path) -> list[str]:
    """The log as text: a serial console brings control characters along."""
    try:
        raw = log.read_text("utf-8", "replace")
    except OSError:
        return []
    return ["".join(one for one in line if one.isprintable()) for line in raw.splitlines()]

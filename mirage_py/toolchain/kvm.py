"""Is hardware virtualization there, and will it run a unikernel?

A file /dev/kvm says little: a nested machine may offer one that emulates each instruction in software and stops at the
first floating-point one. What tells the two apart is the processor: without `vmx` (Intel) or `svm` (AMD) among its
flags there is no hardware behind /dev/kvm. No guest is started to find out.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mirage_py.doors import answers

__all__ = ["DEVICE", "Kvm", "probe"]

DEVICE: Final = "/dev/kvm"
CPUINFO: Final = "/proc/cpuinfo"
BOOT: Final = "/proc/sys/kernel/random/boot_id"
FLAGS: Final = ("vmx", "svm")


class Kvm(NamedTuple):
    """One word on the virtualization of this machine, and a sentence."""

    state: Literal["usable", "absent", "denied", "limited", "unknown"]
    text: str


def probe(device: str = DEVICE, cpuinfo: str = CPUINFO, machine: str | None = None) -> Kvm:
    """Whether hvt and an accelerated virtio can run here; nothing is started to find out."""
    if not os.path.exists(device):
        return Kvm("absent", f"there is no {device}")
    if not os.access(device, os.R_OK | os.W_OK):
        return Kvm("denied", f"{device} may not be opened by this user")
    if (machine or platform.machine()) not in ("x86_64", "AMD64"):
        return Kvm("unknown", f"{device} is there; whether hardware is behind it can be told on x86_64 only")
    if not _flags(Path(cpuinfo)) & set(FLAGS):
        return Kvm(
            "limited", f"{device} is there, but the processor has no {' or '.join(FLAGS)}: it is emulated in software"
        )
    return Kvm("usable", f"{device} is there, with hardware behind it")


def _flags(cpuinfo: Path) -> set[str]:
    """What the processor can; that stays until the machine is started again, what else the file tells does not."""
    answers.note("file", BOOT)
    try:
        with answers.aside():
            lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        return set()
    return {flag for line in lines if line.startswith("flags") for flag in line.partition(":")[2].split()}

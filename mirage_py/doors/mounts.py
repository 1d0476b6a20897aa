"""File systems whose times do not tell whether a file is as it was.

Elsewhere the time of the last change is the kernel's own, and nobody can set it.
"""

from __future__ import annotations

import os
from typing import Final

__all__ = ["TABLE", "without_times"]

TABLE: Final = "/proc/self/mountinfo"

_MADE_UP: Final = ("/proc", "/sys", "/dev")
"""Where the system tells of itself: contents change there without a time of theirs."""

_WITHOUT: Final = frozenset(
    (
        *("proc", "sysfs", "devtmpfs", "cgroup", "cgroup2", "debugfs", "securityfs", "tracefs"),  # made up when read
        *("msdos", "vfat", "exfat", "hfs", "hfsplus", "ntfs", "ntfs3", "fuse", "fuseblk"),  # they may be set
        *("9p", "afs", "ceph", "cifs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs"),  # they are seen late
    )
)
"""As the table names them; those of FUSE have names that begin with `fuse.`."""


def without_times() -> frozenset[int]:
    """The device numbers of such file systems; those of the system itself where it has no table of them."""
    return frozenset((*_of_table(), *(found.st_dev for place in _MADE_UP if (found := _stat(place)))))


def _of_table() -> list[int]:
    try:
        with open(TABLE, "rb", buffering=0) as file:
            lines = [line.decode("utf-8", "replace").partition(" - ") for line in file.read().splitlines()]
    except OSError:
        return []
    kinds = ((before.split()[2], after.partition(" ")[0]) for before, _, after in lines if after)
    numbers = [at.split(":") for at, kind in kinds if kind in _WITHOUT or kind.startswith("fuse.")]
    return [os.makedev(int(major), int(minor)) for major, minor in numbers]


def _stat(place: str) -> os.stat_result | None:
    try:
        return os.stat(place)
    except OSError:
        return None

"""How Xen names virtual disks: the numbers of XenStore, and the device paths that stand for them.

Both forms are laid down in xen-vbd-interface(7): `xvda` is disk 0, `xvdb3` partition 3 of disk 1.
"""

from __future__ import annotations

import re

_PATH = re.compile(r"(?:/dev/)?xvd([a-z]+)(\d*)")
_SHORT = 202 << 8
_LONG = 1 << 28


def disk_id(number: int, partition: int = 0) -> int:
    """The XenStore identifier of a disk, counted from 0, or of one of its partitions, counted from 1."""
    if number < 16 and partition < 16:
        return _SHORT | (number << 4) | partition
    return _LONG | (number << 8) | partition


def read_id(text: str) -> int | None:
    """The identifier that a number (decimal or 0x...) or a path such as /dev/xvdi1 stands for; None for other text."""
    path = _PATH.fullmatch(text)
    if path:
        return disk_id(_disk(path[1]), int(path[2] or 0))
    try:
        return int(text, 0)
    except ValueError:
        return None


def _disk(letters: str) -> int:
    """The number of a disk by its letters: z is 25, aa is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1

"""C archives, as far as a link has to know them before it fails: whether anything is inside, and for which machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["is_empty", "machine_of"]

MAGIC: Final = b"!<arch>\n"
HEADER: Final = 60
MACHINES: Final = {3: "i386", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
"""ELF's numbers of the machines that OCaml compiles for."""


def is_empty(file: Path) -> bool:
    """Whether nothing can come of linking this archive: `touch` made it, or `ar` without a member."""
    return file.stat().st_size <= len(MAGIC)


def machine_of(file: Path) -> str | None:
    """The machine that an archive's objects are for; None where it holds no ELF object."""
    for start in _members(file.read_bytes()):
        if start[:4] == b"\x7fELF":
            number = int.from_bytes(start[18:20], "little" if start[5] == 1 else "big")
            return MACHINES.get(number, f"machine {number}")
    return None


def _members(data: bytes) -> Iterator[bytes]:
    """The first bytes of each member."""
    offset = len(MAGIC) if data.startswith(MAGIC) else len(data)
    while offset + HEADER <= len(data):
        size = data[offset + 48 : offset + 58].strip()
        if not size.isdigit():
            return
        yield data[offset + HEADER : offset + HEADER + 20]
        offset += HEADER + int(size) + int(size) % 2

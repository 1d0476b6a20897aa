"""The digests by which mpy knows files again: SHA-256, in hexadecimal digits."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module

TYPE_CHECKING = False  # typing's own costs 4 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["pieces", "sha256", "sha256_of"]

_SMALL = 1_000_000
"""Bytes up to which Python's own code is quicker: OpenSSL, which hashlib loads first of all, takes 3 ms to be there."""

_PIECE = 1 << 18
"""Bytes of a large file that are looked at at a time: fresh memory for all of it takes longer than to read it."""


def sha256(content: bytes) -> str:
    """The SHA-256 of a content, in hexadecimal digits."""
    total = _total(len(content))
    total.update(content)
    return str(total.hexdigest())


def sha256_of(descriptor: int) -> str:
    """The SHA-256 of an open file, from where it stands on."""
    total = _total(os.fstat(descriptor).st_size)
    for piece in pieces(descriptor):
        total.update(piece)
    return str(total.hexdigest())


def pieces(descriptor: int) -> Iterator[memoryview]:
    """What an open file holds from where it stands on; each piece is there until the next is asked for."""
    room = memoryview(bytearray(_PIECE))
    while length := os.readv(descriptor, [room]):
        yield room[:length]


def _total(size: int) -> Any:  # any: of one of three modules
    quick = _quick() if size <= _SMALL else None
    if quick is not None:
        return quick()
    import hashlib

    return hashlib.sha256()


@cache
def _quick() -> Any | None:  # any: as above
    """Python's own SHA-256; None where it was built without. A module that is not there is looked for each time."""
    for module in ("_sha2", "_sha256"):  # the names since Python 3.12, and before
        try:
            return import_module(module).sha256
        except (ImportError, AttributeError):
            continue
    return None

"""Whether a file is the one that was meant: opam's checksums, `ALGORITHM=HEX`, all of which have to hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Mismatch", "by_strength", "mismatches"]

STRONGEST: Final = ("sha512", "sha256", "md5")
CHUNK: Final = 1 << 20


class Mismatch(NamedTuple):
    """A checksum that does not hold: both values as `ALGORITHM=HEX`."""

    expected: str
    found: str


def mismatches(file: Path, checksums: Iterable[str]) -> tuple[Mismatch, ...]:
    """The checksums that do not hold for a file, which is read once. Raises `OSError` when it cannot be."""
    wanted = [one.lower() for one in checksums]
    found = _digests(file, {one.partition("=")[0] for one in wanted})
    pairs = ((one, f"{algorithm}={found[algorithm]}") for one in wanted for algorithm in [one.partition("=")[0]])
    return tuple(Mismatch(expected, came) for expected, came in pairs if expected != came)


def by_strength(checksums: Iterable[str]) -> tuple[str, ...]:
    """The checksums, the one that is hardest to forge first."""
    return tuple(sorted(checksums, key=lambda one: (STRONGEST.index(one.partition("=")[0]), one)))


def _digests(file: Path, algorithms: set[str]) -> dict[str, str]:
    sums = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    with file.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            for one in sums.values():
                one.update(chunk)
    return {name: one.hexdigest() for name, one in sums.items()}

"""opam versions, ordered as opam orders them (Debian's algorithm, deb-version(7), over the whole string)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")

VersionKey: TypeAlias = "tuple[int, ...]"


def compare_versions(left: str, right: str) -> int:
    """Negative, zero or positive as `left` comes before, equals or comes after `right`."""
    if left == right:
        return 0
    key_l, key_r = version_key(left), version_key(right)
    return (key_l > key_r) - (key_l < key_r)


@lru_cache(maxsize=1 << 16)  # a solver compares the same few thousand versions again and again
def version_key(version: str) -> VersionKey:
    """A key for `sorted`, `min` and `max`: for each word the ranks of its characters and 0, then the number after it.

    The end counts as one more empty word: `1.0~` comes before `1.0` although it is longer.
    """
    if not version:
        return version_key("0")
    key: list[int] = []
    for word, number in _PARTS.findall(version):
        if word or number:
            key += [_rank(char) for char in word]
            key += (0, int(number or 0))
    return (*key, 0, 0)


def fits(version: str, minimum: str | None, limit: str | None) -> bool:
    """Whether `minimum <= version < limit`, an absent bound holding for every version."""
    low = minimum is None or compare_versions(version, minimum) >= 0
    return low and (limit is None or compare_versions(version, limit) < 0)


def _rank(char: str) -> int:
    """`~` comes before the end, letters before everything else."""
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256

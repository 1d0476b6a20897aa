"""opam versions, ordered as opam orders them (Debian's algorithm, deb-version(7), over the whole string)."""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

_PARTS = re.compile(r"(\D*)(\d*)")


def compare_versions(left: str, right: str) -> int:
    """Negative, zero or positive as `left` comes before, equals or comes after `right`."""
    for (word_l, number_l), (word_r, number_r) in zip_longest(_parts(left), _parts(right), fillvalue=("", "")):
        by_word = _compare_words(word_l, word_r)
        if by_word:
            return by_word
        by_number = int(number_l or 0) - int(number_r or 0)
        if by_number:
            return by_number
    return 0


def version_key(version: str) -> SupportsRichComparison:
    """A key for `sorted`, `min` and `max`."""
    return cmp_to_key(compare_versions)(version)


def fits(version: str, minimum: str | None, limit: str | None) -> bool:
    """Whether `minimum <= version < limit`, an absent bound holding for every version."""
    low = minimum is None or compare_versions(version, minimum) >= 0
    return low and (limit is None or compare_versions(version, limit) < 0)


def _parts(version: str) -> list[tuple[str, str]]:
    return [part for part in _PARTS.findall(version) if part != ("", "")]


def _compare_words(left: str, right: str) -> int:
    """`~` comes before the end, letters before everything else."""
    ranks_l, ranks_r = [[_rank(char) for char in word] + [0] for word in (left, right)]
    return (ranks_l > ranks_r) - (ranks_l < ranks_r)


def _rank(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256

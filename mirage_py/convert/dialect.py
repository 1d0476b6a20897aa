"""Which release of the OCaml tool a `config.ml` is written for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mirage_py.convert import tree as t
from mirage_py.dataclass import dataclass

Release = tuple[int, ...]

NEWEST: Final[Release] = (4, 11, 1)
"""The newest release whose configurations are known here."""
OLDEST: Final[Release] = (2, 0, 0)
BEYOND: Final[Release] = (99,)

_COMMENT = re.compile(rb"\(\*\s*mirage\s+(?P<bounds>[^*]*)\*\)")
_BOUND = re.compile(rb"(?P<sign>>=|<)\s*v?(?P<version>[0-9]+(?:\.[0-9]+){0,2})")


def show(release: Release) -> str:
    """The release as it is written: 4.9.0."""
    return ".".join(map(str, (*release, 0, 0)[:3]))


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The releases that a file is for: from `lowest` to before `below`.

    `stated` is what its first line says; `strays` are names that no release of that range has.
    """

    lowest: Release
    below: Release
    stated: bool
    strays: tuple[tuple[str, int], ...] = ()
    newer: Release = OLDEST

    @property
    def release(self) -> Release:
        """The newest of them: what the file means is what that one makes of it.

        A file that uses what is newer than its first line says was written for that.
        """
        stated = NEWEST if self.below > NEWEST else _just_before(self.below)
        return max(stated, self.newer)

    def before(self, *release: int) -> bool:
        """Whether the file is for a release before this one."""
        return self.release < release

    @property
    def words(self) -> str:
        """The range, as a person would write it."""
        if self.below > NEWEST:
            return f">= {show(self.lowest)}" if self.lowest > OLDEST else "any"
        return f">= {show(self.lowest)} & < {show(self.below)}" if self.lowest > OLDEST else f"< {show(self.below)}"


def _just_before(release: Release) -> Release:
    return (*release[:-1], release[-1] - 1, 999) if len(release) > 1 and release[-1] > 0 else _borrowed(release)


def _borrowed(release: Release) -> Release:
    kept = list(release)
    while len(kept) > 1 and kept[-1] == 0:
        kept.pop()
    return (*kept[:-1], kept[-1] - 1, 999)


def stated(text: bytes) -> tuple[Release, Release] | None:
    """The bounds of the first line's comment, or None when it has none."""
    first = _COMMENT.match(text.lstrip())
    if first is None:
        return None
    lowest, below = OLDEST, BEYOND
    for bound in _BOUND.finditer(first["bounds"]):
        release = tuple(int(part) for part in bound["version"].split(b"."))
        release = (*release, 0, 0)[:3]
        if bound["sign"] == b"<":
            below = release
        else:
            lowest = release
    return lowest, below


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Something that only some releases accept: a name, a label, a shape of call."""

    what: str
    line: int
    since: Release = OLDEST
    until: Release = BEYOND


def dialect_of(source: t.Source, evidence: Iterable[Evidence]) -> Dialect:
    """The dialect of a file: what its first line says, else what the names it uses leave possible."""
    found = sorted(evidence, key=lambda one: one.line)
    bounds = stated(source.text)
    if bounds is not None:
        lowest, below = bounds
        strays = tuple((one.what, one.line) for one in found if one.since >= below or one.until <= lowest)
        newer = max((one.since for one in found if one.since >= below), default=OLDEST)
        return Dialect(lowest=lowest, below=below, stated=True, strays=strays, newer=newer)
    lowest = max((one.since for one in found), default=OLDEST)
    below = min((one.until for one in found), default=BEYOND)
    if lowest < below:
        return Dialect(lowest=lowest, below=below, stated=False)
    # no release has all of them: what is new decides, what is old is brought up
    strays = tuple((one.what, one.line) for one in found if one.until <= lowest)
    below = min((one.until for one in found if one.until > lowest), default=BEYOND)
    return Dialect(lowest=lowest, below=below, stated=False, strays=strays)

"""Every failure a user can cause, with its exit code, its place and its next step.

They live together so that the exit codes can be read as one table; the class is raised next to the knowledge, travels
untouched, and is printed once, by `mirage_py.cli.main`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import ClassVar, NamedTuple

__all__ = [
    "AuditFailed",
    "ConfigError",
    "FetchFailed",
    "LibraryNotFound",
    "Location",
    "LockError",
    "MpyError",
    "PackageConflict",
    "ToolFailed",
    "ToolNotFound",
    "ToolTooOld",
    "Unreachable",
    "UnsupportedDevice",
    "UnsupportedTarget",
    "UsageError",
    "WouldOverwrite",
    "misspelt",
    "suggestion",
]


class Location(NamedTuple):
    """A place in a user's file: the path as the user would write it, and a line counted from 1 (0: the whole file)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    @classmethod
    def of(cls, file: str | PurePath, line: int = 0) -> Location:
        """The place with its path relative to the current directory when it lies below it."""
        path = Path(file)
        if path.is_absolute() and path.is_relative_to(Path.cwd()):
            path = path.relative_to(Path.cwd())
        return cls(str(path), line)


class MpyError(Exception):
    """Something a user can understand and mend.

    `message` says what, `location` where, `details` why it matters here (one line each), `hint` what to do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        location: Location | None = None,
        details: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.details = details
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.location}: {self.message}" if self.location else self.message


class UsageError(MpyError):
    """The command line, or a choice for a key, cannot be understood."""

    exit_code = 2


class ConfigError(MpyError):
    """config.py does not say a configuration: it does not load, or composes what does not fit."""

    exit_code = 3


class UnsupportedDevice(MpyError):
    """A device of the configuration cannot exist on the chosen target."""

    exit_code = 4


class UnsupportedTarget(MpyError):
    """The configuration cannot be planned or built for the chosen target."""

    exit_code = 4


class PackageConflict(MpyError):
    """Two devices ask for one opam package in ways that no version can satisfy."""

    exit_code = 4


class LockError(MpyError):
    """mpy.lock is missing, cannot be read, or does not fit what it is the lock of."""

    exit_code = 4


class ToolNotFound(MpyError):
    """A program that the step needs is not on this machine."""

    exit_code = 5


class ToolTooOld(MpyError):
    """A program is there, in a version that the step cannot use."""

    exit_code = 5


class LibraryNotFound(MpyError):
    """OCaml libraries of the closure are neither vendored, nor installed in a fitting version, nor bundled."""

    exit_code = 5


class ToolFailed(MpyError):
    """A program ran and failed; the message is in the user's terms, `output` holds the program's own text."""

    exit_code = 6

    def __init__(
        self,
        message: str,
        *,
        output: str = "",
        location: Location | None = None,
        details: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, location=location, details=details, hint=hint)
        self.output = output


class FetchFailed(MpyError):
    """What the network, a mirror or a cache should give cannot be had, or is not what it should be."""


class Unreachable(FetchFailed):
    """Nobody answers at an address: no network, no such host, or a proxy that refuses."""


class WouldOverwrite(MpyError):
    """A file of the user's stands where mpy would write one."""

    exit_code = 7


class AuditFailed(MpyError):
    """The audit's verdict is against at least one library."""

    exit_code = 8


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the known word that a mistyped or shortened one stands for, or None when none does."""
    listed = list(known)
    near = _within(1, word, listed) or _part_of(word, listed) or misspelt(word, listed)
    return f"did you mean {near}?" if near else None


def misspelt(word: str, known: Iterable[str]) -> str | None:
    """The known word that becomes this one by a slip of the fingers or two, or None when none does.

    Letters that are merely in common tell nothing: `--logs` is not `--color`.
    """
    length = len(_plain(word))
    return _within(1 if length < 6 else 2 if length < 10 else 3, word, known)


def _within(slips: int, word: str, known: Iterable[str]) -> str | None:
    typed = _plain(word)
    near = [one for one in known if abs(len(_plain(one)) - len(typed)) <= slips < len(typed) - 1]
    counted = [(_slips(typed, _plain(one)), _slips(word, one), one) for one in near]
    return min((one for one in counted if one[0] <= slips), default=(0, 0, None))[-1]


def _part_of(word: str, known: Iterable[str]) -> str | None:
    """The shortest known word that begins with this one, or has it between its dashes."""
    typed = _plain(word)
    if len(typed) < 3:
        return None
    longer = [one for one in known if _plain(one).startswith(typed) or typed in _plain(one).split("-")]
    return min(longer, key=len, default=None)


def _plain(word: str) -> str:
    return word.lstrip("-").lower().replace("_", "-")


def _slips(typed: str, meant: str) -> int:
    """How many letters are wrong, missing, too many or exchanged with their neighbour (optimal string alignment)."""
    before, row = [0] * (len(meant) + 1), list(range(len(meant) + 1))
    for i, letter in enumerate(typed, start=1):
        above, row, earlier = row, [i], before
        for j, other in enumerate(meant, start=1):
            costs = [above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other)]
            if i > 1 and j > 1 and letter == meant[j - 2] and typed[i - 2] == other:
                costs.append(earlier[j - 2] + 1)
            row.append(min(costs))
        before = above
    return row[-1]

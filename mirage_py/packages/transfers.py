"""What is on its way: the one line that tells a person how far several downloads are, with names and sizes."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from mirage_py.dataclass import dataclass, field

__all__ = ["Transfers", "size_text"]

PAUSE: Final = 0.1
"""Seconds between two lines: nobody reads faster."""


@dataclass
class Transfers:
    """Counts what comes, from any thread, and tells it as a line of text."""

    total: int
    tell: Callable[[str], None]
    _coming: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    _done: int = 0
    _bytes: int = 0
    _told: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def advance(self, name: str, have: int, whole: int | None) -> None:
        """So many bytes of `name` are there, of so many in all where the server says so."""
        with self._lock:
            self._coming[name] = (have, whole)
            self._tell()

    def done(self, name: str, size: int = 0) -> None:
        """`name` is there and right; `size` bytes of it were transferred."""
        with self._lock:
            self._coming.pop(name, None)
            self._done += 1
            self._bytes += size
            self._tell()

    def forget(self, name: str) -> None:
        """`name` does not come from where it was coming."""
        with self._lock:
            self._coming.pop(name, None)

    def _tell(self) -> None:
        if time.monotonic() - self._told < PAUSE:
            return
        self._told = time.monotonic()
        have = self._bytes + sum(part for part, _ in self._coming.values())
        names = ", ".join(_one(name, *sizes) for name, sizes in list(self._coming.items())[:3])
        more = len(self._coming) - 3
        names += f" and {more} more" if more > 0 else ""
        head = f"fetching sources: {self._done} of {self.total}, {size_text(have)}"
        self.tell(f"{head}: {names}" if names else head)


def _one(name: str, have: int, whole: int | None) -> str:
    return f"{name} ({size_text(have)} of {size_text(whole)})" if whole else f"{name} ({size_text(have)})"


def size_text(count: int) -> str:
    """A number of bytes as a person reads it."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"

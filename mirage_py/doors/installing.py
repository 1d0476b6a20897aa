"""Built files on their way into `dist/`: copied beside their places, and put on the disk, while others are still made.

At the end all of them take their places, each whole; who leaves before leaves what was there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mirage_py.digest import sha256_of
from mirage_py.doors.below import Below, translated
from mirage_py.doors.manifest import Owned
from mirage_py.doors.syncing import Syncing, in_thread
from mirage_py.errors import MpyError

__all__ = ["Digests", "Installing"]


class Digests:
    """What files below a folder hold, by digest; what was looked at ahead is not read again while it is as it was."""

    def __init__(self, below: Below) -> None:
        self._below = below
        self._known: dict[str, tuple[object, str]] = {}

    def look_ahead(self, paths: Iterable[str]) -> None:
        """Read files while there is nothing else to do."""
        for path in paths:
            with suppress(MpyError):  # what cannot be read is told of when it is needed
                state = self._below.settled_state(path)
                found = self._below.digest(path) if state else None
                if found:
                    self._known[path] = state, found

    def of(self, path: str) -> str | None:
        """The digest of a file; None where there is none."""
        state, found = self._known.get(path, (None, None))
        return found if state and self._below.settled_state(path) == state else self._below.digest(path)


class Installing:
    """The files that are to take places below a folder, where others are mpy's.

    `refuse` raises where what is at a path, with the digest that it has, is none of those.
    """

    def __init__(self, below: Below, owned: Owned, digests: Digests, refuse: Callable[[str, str | None], None]) -> None:
        self._below = below
        self._owned = owned
        self._digests = digests
        self._refuse = refuse
        self._brought: dict[str, str] = {}
        self._syncing = Syncing()
        self.changed: dict[str, frozenset[str]] = {}
        """Paths at which there is something else in the end: the digests of what is there, before and after."""

    def bring(self, path: str, source: Path) -> None:
        """Copy a file that was built, unless the same is there; raises where what is there is not mpy's."""
        there = self._digests.of(path)
        with _read(source) as made:
            new = sha256_of(made)
            if path in self._owned and there == new:
                return
            self._refuse(path, there)
            os.lseek(made, 0, os.SEEK_SET)
            scratch = self._below.beside(path, made, mode=os.fstat(made).st_mode & 0o777)
        self._brought[path] = scratch
        self.changed[path] = frozenset(filter(None, (new, there)))
        self._syncing.begin(self._below.opened(scratch))

    def take_places(self) -> None:
        """Put what was brought in its places, when it is on the disk."""
        with translated(self._below.root / "dist"):
            self._syncing.end()
        replaced = [self._below.opened(path) for path in self._brought if self._below.kind(path) == "file"]
        for path, scratch in self._brought.items():
            self._below.move(scratch, path)
        folders = {path.rpartition("/")[0] for path in self._brought}
        self._brought.clear()
        for folder in folders:
            self._below.sync(folder)
        _close(replaced)

    def drop(self) -> None:
        """Away with what has not taken its place."""
        with suppress(OSError):
            self._syncing.end()
        for scratch in self._brought.values():
            with suppress(MpyError):
                self._below.remove(scratch)
                self._below.remove_if_empty(scratch.rpartition("/")[0])


def _close(replaced: list[int]) -> None:
    """Let go of files that have no name any more: the system takes milliseconds for each, beside everything else."""
    for descriptor in replaced:
        in_thread(os.close, descriptor)


@contextmanager
def _read(source: Path) -> Iterator[int]:
    """A descriptor of a file that a tool has made."""
    with translated(source):
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with translated(source):
            yield descriptor
    finally:
        os.close(descriptor)

"""A file system that is not as one would like it: one call is refused, or is the last that the process makes."""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mirage_py.doors import exchange as exchanging

READS = ("stat", "lstat", "read", "pread", "fstat", "listdir", "scandir", "access", "readlink")
CHANGES = ("rename", "replace", "unlink", "mkdir", "rmdir", "link", "symlink", "write", "pwrite", "fsync")
REFUSALS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS)
ELSEWHERE = ("importlib", "site-packages", "<frozen", "_pytest")


os_open = os.open


class Killed(BaseException):
    """What a kill is to a test: nothing catches it, and no call succeeds any more."""


class Faults:
    """Counts the calls that mpy makes, and lets one of them fail; `reached` tells whether it came to that."""

    def __init__(self, at: int, failure: Callable[[], BaseException], *, for_good: bool = False) -> None:
        self.left = at
        self.failure = failure
        self.for_good = for_good
        self.reached = False
        self.on = True

    def _counting(self, real: Callable[..., Any]) -> Callable[..., Any]:  # any: whatever a call takes and gives
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.on and not self._is_elsewhere(args) and not (self.for_good and _only_reads(real, args)):
                if self.left == 0 and not (self.reached and not self.for_good):
                    self.reached = True
                    raise self.failure()
                self.left -= self.left > 0
            return real(*args, **kwargs)

        call.__name__ = call.__qualname__ = real.__name__
        return call

    def _is_elsewhere(self, args: tuple[Any, ...]) -> bool:
        """Whether Python itself asks, or it is about the terminal."""
        asker = sys._getframe(2).f_code.co_filename
        to_terminal = bool(args) and isinstance(args[0], int) and args[0] <= 2
        return to_terminal or any(part in asker for part in ELSEWHERE)

    @contextmanager
    def within(self, patch: pytest.MonkeyPatch, names: tuple[str, ...]) -> Iterator[Faults]:
        """Within the block these calls, `open` and the exchange of two folders are counted."""
        places = [(os, name) for name in (*names, "open")]
        places += [(io, "open"), (builtins, "open"), (fcntl, "flock"), (exchanging, "exchange")]
        able = (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks)
        with patch.context() as inner:
            for module, name in places:
                real = getattr(module, name)
                stand_in = self._counting(real)
                inner.setattr(module, name, stand_in)
                for functions in able:
                    if real in functions:
                        functions.add(stand_in)
            try:
                yield self
            finally:
                self.on = False


def _only_reads(real: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether a call opens something to read: a kill there is one before the next change."""
    return real is os_open and not args[1] & os.O_CREAT


def refused(at: int) -> Faults:
    """The call of this number is refused, for a reason that depends on it."""
    code = REFUSALS[at % len(REFUSALS)]
    return Faults(at, lambda: OSError(code, os.strerror(code)))


def killed(at: int) -> Faults:
    """The call of this number does not happen, nor does any after it."""
    return Faults(at, Killed, for_good=True)


@contextmanager
def quick_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory where the system has such a thing: thousands of trees are made and removed in it."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="mpy-test-") as folder:
        yield Path(folder)

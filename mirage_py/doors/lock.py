"""One mpy at a time: an advisory lock on a file, which the kernel drops with the process, so that none is ever stale.

(filelock would start asyncio.)
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mirage_py.doors.below import Below, translated

__all__ = ["LOCK", "locked"]

LOCK: Final = "mirage/.lock"
_PAUSE: Final = 0.05
_WIDTH: Final = 10


@contextmanager
def locked(below: Below, waiting: Callable[[str], None]) -> Iterator[None]:
    """The folder for this process alone; `waiting` is told once, when another mpy has it."""
    descriptor = _lock(below, waiting)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(below: Below, waiting: Callable[[str], None]) -> int:
    while True:
        descriptor = below.open_lock(LOCK)
        try:
            with translated(below.root / LOCK):
                _acquire(descriptor, waiting)
                if _still_there(below, descriptor):
                    _sign(descriptor)
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # a `clean` that was waited for removed the file that was locked


def _acquire(descriptor: int, waiting: Callable[[str], None]) -> None:
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                waiting(_holder(descriptor))
            told = True
            time.sleep(_PAUSE)
        else:
            return


def _still_there(below: Below, descriptor: int) -> bool:
    other = below.open_lock(LOCK)
    try:
        return os.path.samestat(os.fstat(descriptor), os.fstat(other))
    finally:
        os.close(other)


def _sign(descriptor: int) -> None:
    """Say who has it; not in a file that has another name too, which may be somebody's."""
    if os.fstat(descriptor).st_nlink == 1:
        os.pwrite(descriptor, f"{os.getpid():<{_WIDTH}}\n".encode(), 0)


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, _WIDTH, 0).decode("ascii", "replace").strip()
    who = f" (process {pid})" if pid.isdecimal() else ""
    return f"another mpy{who} is at work in this directory; waiting for it"

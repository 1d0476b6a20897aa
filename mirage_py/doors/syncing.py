"""Files that are put on the disk together: a file system that keeps a journal writes that once for all of them."""

from __future__ import annotations

import os
from _thread import LockType, allocate_lock, start_new_thread

from mirage_py.doors import answers

TYPE_CHECKING = False  # typing's own costs 4 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Syncing", "in_thread"]


def in_thread(call: Callable[..., object], *arguments: Any) -> None:  # any: what the call takes
    """Do something in a thread of its own, at once where there may be no more.

    Threads of a configuration may do whatever they like, and so Python tells of each; this one is mpy's.
    """
    with answers.aside():
        try:
            start_new_thread(call, arguments)
        except RuntimeError:
            call(*arguments)


class Syncing:
    """Files that are put on the disk, all at the same time and beside everything else."""

    def __init__(self) -> None:
        self._running: list[LockType] = []
        self._refused: list[BaseException] = []

    def begin(self, descriptor: int) -> None:
        """Put an open file on the disk, and close it."""
        done = allocate_lock()
        done.acquire()
        in_thread(self._sync, descriptor, done)
        self._running.append(done)  # what is waited for runs, wherever a signal comes between

    def end(self) -> None:
        """Until all are on the disk; raises what the system said of the first that it refused.

        Who is cut short here, by a signal, may call it again.
        """
        for done in self._running:
            with done:
                pass
        self._running.clear()
        if self._refused:
            raise self._refused[0]

    def _sync(self, descriptor: int, done: LockType) -> None:
        try:
            os.fsync(descriptor)
        except BaseException as refused:  # noqa: BLE001  # it is raised where it is waited for
            self._refused.append(refused)
        finally:
            os.close(descriptor)
            done.release()

"""Files that are put on the disk together: a file system that keeps a journal writes that once for all of them."""

from __future__ import annotations

import os
from _thread import LockType, allocate_lock, start_new_thread

__all__ = ["Syncing"]


class Syncing:
    """Files that are put on the disk, all at the same time and beside everything else."""

    def __init__(self) -> None:
        self._running: list[LockType] = []
        self._refused: list[BaseException] = []

    def begin(self, descriptor: int) -> None:
        """Put an open file on the disk, and close it."""
        done = allocate_lock()
        done.acquire()
        try:
            start_new_thread(self._sync, (descriptor, done))
        except RuntimeError:  # as many as there may be
            self._sync(descriptor, done)
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

"""The lock of a project's generated files, for who has to be quick: taken at once or not at all.

It is the one that `doors.lock` waits for, which imports more than a build with nothing to do has time for.
"""

from __future__ import annotations

import fcntl
import os

__all__ = ["take"]


def take(path: str) -> int | None:
    """The descriptor that holds the lock at this path until it is closed; None where there is none, or another has it.

    The kernel drops the lock with the process.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        state = os.fstat(descriptor)
        if os.path.samestat(state, os.stat(path)):
            if state.st_nlink == 1:
                os.pwrite(descriptor, f"{os.getpid():<10}\n".encode(), 0)  # as doors.lock says who has it
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None

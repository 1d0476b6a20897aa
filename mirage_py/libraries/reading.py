"""Reading files that somebody else put there: a pipe or a device under a file's name would be waited for for ever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["bytes_of", "text_of"]


def bytes_of(path: Path) -> bytes:
    """The bytes of a regular file; OSError for anything else, which is never opened."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(number, os.strerror(number) if number == errno.EISDIR else "it is no regular file", str(path))
    return path.read_bytes()


def text_of(path: Path) -> str:
    """The text of a regular file, whatever bytes are in it; OSError for anything else."""
    return bytes_of(path).decode("utf-8", "replace").replace("\r\n", "\n")

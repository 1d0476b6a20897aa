"""Reading files that somebody else put there, of whatever kind and shape.

A pipe or a device under a file's name would be waited for for ever; nesting without end, and numbers of a thousand
digits, are not what a parser's own exceptions tell of.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Parts", "bytes_of", "exact_text_of", "json_of", "parts_of", "text_of", "toml_of"]

_CHUNK = 1 << 20
_BLOCK = 1 << 12
_DEEPEST = 100


def bytes_of(path: Path) -> bytes:
    """The bytes of a regular file; OSError for anything else, which is not waited for."""
    descriptor, size = _opened(path)
    try:
        whole = os.read(descriptor, min(size, _CHUNK) + 1)
        if len(whole) == size:  # and the end was met
            return whole
        return b"".join((whole, *iter(lambda: os.read(descriptor, _CHUNK), b"")))
    finally:
        os.close(descriptor)


class Parts:
    """A file of which parts are read when they are asked for, as slices; what lies near each other is read at once."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._start, self._block = 0, b""

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        at = start - self._start
        if at < 0 or stop - self._start > len(self._block):
            if stop - start > _BLOCK:
                return self._read(start, stop - start)
            self._start, self._block, at = start, self._read(start, min(_BLOCK, self._size - start)), 0
        return self._block[at : at + max(0, stop - start)]

    def _read(self, start: int, size: int) -> bytes:
        """So many bytes; fewer where the file has become shorter."""
        found = os.pread(self._descriptor, size, start)
        while len(found) < size and (more := os.pread(self._descriptor, size - len(found), start + len(found))):
            found += more
        return found


@contextmanager
def parts_of(path: Path) -> Iterator[Parts]:
    """The parts of a regular file, as long as it is open; OSError for anything else, which is not waited for."""
    descriptor, size = _opened(path)
    try:
        yield Parts(descriptor, size)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> tuple[int, int]:
    """The descriptor of a regular file, and how many bytes it has now."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return descriptor, status.st_size
    os.close(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def text_of(path: Path) -> str:
    """The text of a regular file, whatever bytes are in it; OSError for anything else."""
    return bytes_of(path).decode("utf-8", "replace").replace("\r\n", "\n")


def exact_text_of(path: Path) -> str:
    """The text of a regular file; OSError for anything else, ValueError for bytes that are no UTF-8."""
    return bytes_of(path).decode("utf-8").replace("\r\n", "\n")


def json_of(text: str) -> Any:  # any: JSON
    """What a JSON text says; ValueError for any text that is none, however deep."""
    import json  # 2 ms, which not all that read files need

    try:
        found = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(found)
    return found


def toml_of(text: str) -> dict[str, Any]:  # any: what TOML holds
    """What a TOML text says; ValueError for any text that is none, however deep."""
    import tomllib

    try:
        found = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    _check_depth(found)
    return found


def _check_depth(value: object) -> None:
    """Refuse what whoever works with it would walk down in vain."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [one for outer in level for one in _within(outer)]
        if not level:
            return
    raise _too_deep()


def _within(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ValueError:
    return ValueError("it is nested too deep")

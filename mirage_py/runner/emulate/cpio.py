"""The archive that Linux unpacks as its first file system: cpio, in the format `newc`.

The layout is laid down in the kernel's Documentation/driver-api/early-userspace/buffer-format.rst. Archives may stand
one behind the other; a later file takes the place of an earlier one.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from mirage_py.dataclass import dataclass

__all__ = ["FOLDER", "Entry", "archive", "executable", "link", "text"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file, folder or link: its kind and rights as in `st_mode`, and its content (a link's: where it leads)."""

    mode: int
    content: bytes = b""


FOLDER = Entry(mode=stat.S_IFDIR | 0o755)


def executable(content: bytes) -> Entry:
    """A program."""
    return Entry(mode=stat.S_IFREG | 0o755, content=content)


def text(content: str) -> Entry:
    """A file to read."""
    return Entry(mode=stat.S_IFREG | 0o644, content=content.encode())


def link(target: str) -> Entry:
    """A symbolic link."""
    return Entry(mode=stat.S_IFLNK | 0o777, content=target.encode())


def archive(entries: Mapping[str, Entry]) -> bytes:
    """These files by their paths, with the folders that they lie in; the same files give the same bytes."""
    folders = dict.fromkeys(_parents(entries), FOLDER)
    pieces = [
        _record(path, entry, number) for number, (path, entry) in enumerate(sorted((folders | {**entries}).items()), 1)
    ]
    return b"".join([*pieces, _record("TRAILER!!!", Entry(mode=0), 0)])


def _parents(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield from (str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")


def _record(path: str, entry: Entry, number: int) -> bytes:
    """A header of thirteen numbers in eight hexadecimal digits, the path, the content; each part padded to fours."""
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    numbers = (number, entry.mode, 0, 0, links, 0, len(entry.content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % one for one in numbers) + name
    return _padded(head) + _padded(entry.content)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)

"""What a folder of sources holds: quickly, by what the file system says, and surely, by the content of each file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mirage_py.project.reading import bytes_of

__all__ = ["changes", "digests", "stamp"]

Digests = Mapping[str, str]
"""Path below the folder -> what the file is: `x:` or `f:` (may be run, or not) and its sha256, or `l:` and a target."""


def stamp(folder: Path) -> str:
    """A digest of names, sizes and times: equal as long as nobody wrote to the folder; 0.1 s for 10,000 files."""
    total = hashlib.sha256()
    for name, entry in _walk(os.fspath(folder)):
        state = entry.stat(follow_symlinks=False)
        target = os.readlink(entry.path) if entry.is_symlink() else ""
        total.update(
            f"{name}\0{state.st_mode}\0{state.st_size}\0{state.st_mtime_ns}\0{target}\n".encode(
                errors="surrogateescape"
            )
        )
    return total.hexdigest()


def digests(folder: Path) -> Digests:
    """What each file is, by its content, sorted by name."""
    return {name: _digest(entry) for name, entry in sorted(_walk(os.fspath(folder)), key=lambda one: one[0])}


def changes(was: Digests, now: Digests) -> tuple[str, ...]:
    """The files that differ, are new or are gone."""
    return tuple(sorted(name for name in {*was, *now} if was.get(name) != now.get(name)))


def _digest(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return f"l:{os.readlink(entry.path)}"
    kind = "x" if entry.stat(follow_symlinks=False).st_mode & 0o100 else "f"
    try:
        return f"{kind}:{hashlib.sha256(bytes_of(Path(entry.path))).hexdigest()}"
    except OSError as refused:  # a pipe, or what may not be read: nothing that mpy laid there
        return f"{kind}: {refused.strerror}"


def _walk(folder: str, below: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file and link, in an order that does not depend on the file system; no link is followed."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda one: one.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{below}{entry.name}/")
        else:
            yield f"{below}{entry.name}", entry

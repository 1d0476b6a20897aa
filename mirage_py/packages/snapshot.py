"""A repository at one moment: every opam file of it in one file, with an index that says where each begins.

A snapshot is made from an archive or from a folder, once; after that only what a solver asks for is read. Its digest
is that of the content: an archive, a checkout and a mirror of the same packages have the same.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final

from mirage_py.dataclass import dataclass, field
from mirage_py.errors import MpyError

__all__ = ["Damaged", "Snapshot", "from_archive", "from_folder", "open_snapshot", "store"]

PACKAGE: Final = re.compile(
    r"(?:^|/)packages/(?:[^/]+/)*?(?P<name>[^/.]+)\.(?P<version>[^/]+)/(?P<file>opam|files/.+)$"
)
BLOCK: Final = 512
MOST: Final = 1 << 30
"""Bytes that a repository may unpack to: the public one has 52 million."""

MOST_FILES: Final = 1_000_000
"""Files that a repository may have: the public one has 19,000."""

Entries = Mapping[str, "bytes | memoryview"]
"""Path to content, of what is below `packages/`."""

Span = tuple[int, int]


class Damaged(MpyError):
    """What should be a repository is none."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The packages of a repository; `index` says for each name and version where its opam file is in `data`."""

    digest: str
    data: Path
    index: Mapping[str, Mapping[str, Span]]
    files: Mapping[str, Mapping[str, Span]] = field(default_factory=dict)
    commit: str | None = None

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a package, in no order; none for one that is not here."""
        return tuple(self.index.get(name, ()))

    def text(self, name: str, version: str) -> str:
        """The opam file of a version; KeyError without it."""
        return self._read(self.index[name][version]).decode("utf-8", errors="replace")

    def content(self, name: str, version: str) -> Mapping[str, bytes]:
        """The files beside the opam file, by their path below `files/`."""
        return {file: self._read(span) for file, span in self.files.get(f"{name}.{version}", {}).items()}

    @property
    def count(self) -> int:
        """How many versions of packages there are."""
        return sum(map(len, self.index.values()))

    def _read(self, span: Span) -> bytes:
        start, size = span
        return self._content[start : start + size]

    @cached_property
    def _content(self) -> mmap:
        with self.data.open("rb") as file:
            return mmap(file.fileno(), 0, access=ACCESS_READ)


# ---------------------------------------------------------------------------------------------------------------------
# Reading what a repository is handed out as


def from_archive(path: Path) -> Entries:
    """The packages of a .tar.gz, .tar.xz, .tar.bz2 or .tar; `Damaged` for what is none, or ends too early."""
    import lzma
    import zlib

    try:
        if path.stat().st_size > MOST:
            raise _too_large()
        data = _decompressed(path.read_bytes())
        return _relevant(_tar_entries(memoryview(data)))
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise Damaged(f"the archive is damaged, or only half of it came: {error}") from None
    except OSError as error:
        raise Damaged(f"the archive cannot be read: {error.strerror or error}") from None
    except (ValueError, IndexError):
        raise Damaged("this is no tar archive") from None


def from_folder(folder: Path) -> Entries:
    """The packages of a folder that has a `packages` folder."""
    found: dict[str, bytes] = {}
    for place, folders, files in os.walk(folder / "packages"):
        folders.sort()
        below = os.path.relpath(place, folder)
        for name in files:
            path = f"{below}/{name}"
            if PACKAGE.search(path):
                try:
                    found[path] = (Path(place) / name).read_bytes()
                except OSError as error:
                    raise Damaged(f"{path} cannot be read: {error.strerror or error}") from None
    return found


def _relevant(entries: Iterator[tuple[str, memoryview]]) -> Entries:
    return {path: content for path, content in entries if PACKAGE.search(path)}


def _decompressed(raw: bytes) -> bytes:
    import bz2
    import lzma
    import zlib

    if raw.startswith(b"\x1f\x8b"):
        unpacker: Any = zlib.decompressobj(wbits=31)  # any: three classes of one manner
    elif raw.startswith(b"\xfd7zXZ\0"):
        unpacker = lzma.LZMADecompressor()
    elif raw.startswith(b"BZh"):
        unpacker = bz2.BZ2Decompressor()
    else:
        return raw
    text: bytes = unpacker.decompress(raw, MOST)
    if not unpacker.eof:
        if len(text) >= MOST:
            raise _too_large()
        raise EOFError("it ends in the middle")
    return text


def _too_large() -> Damaged:
    return Damaged(f"the archive unpacks to more than {MOST >> 20} MiB")


def _tar_entries(data: memoryview) -> Iterator[tuple[str, memoryview]]:
    """The regular files of a tar archive, from the headers that GNU tar, git and Python write (POSIX.1-2001, GNU).

    tarfile needs more than a second for the 19,000 members of the public repository, where a lock may take one.
    """
    at, name, count = 0, "", 0
    while at + BLOCK <= len(data) and data[at]:
        header = bytes(data[at : at + BLOCK])
        size = int(header[124:136].strip(b"\0 ") or b"0", 8)
        content = data[at + BLOCK : at + BLOCK + size]
        if len(content) < size:
            raise EOFError("it ends in the middle of a file")
        at += BLOCK + -(-size // BLOCK) * BLOCK
        match header[156:157]:
            case b"L":
                name = _text(bytes(content))
            case b"x":
                name = _pax_path(bytes(content)) or name
            case b"0" | b"\0":
                count += 1
                if count > MOST_FILES:
                    raise Damaged(f"the archive has more than {MOST_FILES} files")
                yield name or _header_name(header), content
                name = ""
            case b"g":
                pass
            case _:
                name = ""
    if not at:
        raise ValueError("no header")


def _header_name(header: bytes) -> str:
    name, prefix = _text(header[:100]), header[345:500]
    return f"{_text(prefix)}/{name}" if header[257:263] == b"ustar\0" and prefix[0] else name


def _pax_path(content: bytes) -> str:
    found = re.search(rb"(?:^|\n)\d+ path=([^\n]*)\n", content)
    return _text(found.group(1)) if found else ""


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", errors="replace")


# ---------------------------------------------------------------------------------------------------------------------
# Keeping it


def store(entries: Entries, folder: Path) -> Snapshot:
    """Keep the packages below `folder`, under the name of their digest; `Damaged` where there are none."""
    import hashlib

    found = sorted(
        (match.group("name", "version", "file"), path) for path in entries if (match := PACKAGE.search(path))
    )
    if not any(file == "opam" for (_, _, file), _ in found):
        raise Damaged("there are no packages in it", hint="a repository has a folder packages/NAME/NAME.VERSION/opam")
    index: dict[str, dict[str, Span]] = {}
    files: dict[str, dict[str, Span]] = {}
    at, listing = 0, []
    for (name, version, file), path in found:
        span = (at, len(entries[path]))
        at += span[1]
        listing.append(f"{name}.{version}/{file} {span[1]}\n")
        if file == "opam":
            index.setdefault(name, {}).setdefault(version, span)
        else:
            files.setdefault(f"{name}.{version}", {})[file.removeprefix("files/")] = span
    data = b"".join(entries[path] for _, path in found)
    digest = hashlib.sha256("".join(listing).encode() + data).hexdigest()
    place = folder / digest
    _write(place.with_suffix(".data"), data)
    text = json.dumps({"size": len(data), "packages": index, "files": files}, separators=(",", ":"))
    _write(place.with_suffix(".json"), text.encode())
    return Snapshot(digest=f"sha256={digest}", data=place.with_suffix(".data"), index=index, files=files)


def open_snapshot(folder: Path, digest: str) -> Snapshot | None:
    """The snapshot of this digest that is kept below `folder`, or None: for one that was cut short, too."""
    place = folder / digest.removeprefix("sha256=")
    data = place.with_suffix(".data")
    try:
        kept = json.loads(place.with_suffix(".json").read_bytes())
        whole = data.stat().st_size == kept["size"]
        return Snapshot(digest=digest, data=data, index=kept["packages"], files=kept["files"]) if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, content: bytes) -> None:
    half = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise MpyError(
            f"{path} cannot be written: {error.strerror or error}", hint="check the space on the disk of the cache"
        ) from None

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
from typing import IO, Final, Self

from mirage_py.dataclass import dataclass, field
from mirage_py.errors import MpyError

__all__ = ["Damaged", "Snapshot", "from_archive", "from_folder", "open_snapshot", "store"]

PACKAGE: Final = re.compile(r"(?:^|/)packages/(?:[^/]+/)*?([^/.]+)\.([^/]+)/(opam|files/.+)$")
BLOCK: Final = 512
PART: Final = 1 << 20
"""Bytes that are unpacked at once."""

MOST: Final = 1 << 30
"""Bytes that a repository may unpack to: the public one has 52 million."""

MOST_FILES: Final = 1_000_000
"""Files that a repository may have: the public one has 19,000."""

Place = tuple[str, str, str]
"""The name and version of a package, and the path of a file of it: `opam`, or one below `files/`."""

Entries = Mapping[Place, bytes]
"""The content of what is below `packages/`."""

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
        with _Unpacked(path) as data:
            return _relevant(_tar_entries(data))
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise Damaged(f"the archive is damaged, or only half of it came: {error}") from None
    except OSError as error:
        raise Damaged(f"the archive cannot be read: {error.strerror or error}") from None
    except (ValueError, IndexError):
        raise Damaged("this is no tar archive") from None


def from_folder(folder: Path) -> Entries:
    """The packages of a folder that has a `packages` folder."""
    found: dict[Place, bytes] = {}
    for where, folders, files in os.walk(folder / "packages"):
        folders.sort()
        below = os.path.relpath(where, folder)
        for name in files:
            path = f"{below}/{name}"
            if place := _place(path):
                try:
                    found[place] = (Path(where) / name).read_bytes()
                except OSError as error:
                    raise Damaged(f"{path} cannot be read: {error.strerror or error}") from None
    return found


def _relevant(entries: Iterator[tuple[str, bytes]]) -> Entries:
    return {place: content for path, content in entries if (place := _place(path))}


def _place(path: str) -> Place | None:
    """What a path says; None for a file that no package has."""
    found = PACKAGE.search(path)
    return found.groups() if found else None  # type: ignore[return-value]  # three groups that are always there


class _Unpacked:
    """What an archive holds, unpacked by a thread of its own while what came is read.

    Reading raises EOFError where it ends too early, and what its format raises for one that is damaged.
    """

    def __init__(self, path: Path) -> None:
        from queue import SimpleQueue
        from threading import Thread

        self._parts: SimpleQueue[bytes | Exception] = SimpleQueue()
        self._here, self._at, self._stopped = b"", 0, False
        self._thread = Thread(target=self._unpack, args=(path,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._thread.join()

    def read(self, size: int) -> bytes:
        """As many bytes; fewer where it ends."""
        if self._at + size > len(self._here):
            self._here, self._at = b"".join(self._more(size)), 0
        start, self._at = self._at, self._at + size
        return self._here[start : self._at]

    def drain(self) -> None:
        """Read to the end, where formats have their own checksums."""
        while self._next():
            pass

    def _more(self, size: int) -> Iterator[bytes]:
        part = self._here[self._at :]
        yield part
        size -= len(part)
        while size > 0 and (part := self._next()):
            yield part
            size -= len(part)

    def _next(self) -> bytes:
        part = self._parts.get()
        if isinstance(part, bytes):
            return part
        raise part

    def _unpack(self, path: Path) -> None:
        count = 0
        try:
            with _opened(path) as file:
                while not self._stopped and (part := file.read(PART)):
                    count += len(part)
                    if count > MOST:
                        raise _too_large()  # noqa: TRY301  # to be raised where it is read
                    self._parts.put(part)
            last: bytes | Exception = b""
        except Exception as error:  # noqa: BLE001  # raised where it is read
            last = error
        self._parts.put(last)
        self._parts.put(last)  # whoever comes to the end may ask once more


def _opened(path: Path) -> IO[bytes]:
    import bz2
    import gzip
    import lzma

    with path.open("rb") as file:
        start = file.read(6)
    for magic, kind in ((b"\x1f\x8b", gzip), (b"\xfd7zXZ\0", lzma), (b"BZh", bz2)):
        if start.startswith(magic):
            return kind.open(path, "rb")  # type: ignore[no-any-return]  # three modules of one manner
    return path.open("rb")


def _too_large() -> Damaged:
    return Damaged(f"the archive unpacks to more than {MOST >> 20} MiB")


def _tar_entries(data: _Unpacked) -> Iterator[tuple[str, bytes]]:
    """The regular files of a tar archive, from the headers that GNU tar, git and Python write (POSIX.1-2001, GNU).

    tarfile needs more than a second for the 19,000 members of the public repository, where a lock may take one.
    """
    name, count, header = "", 0, data.read(BLOCK)
    if len(header) < BLOCK or not header[0]:
        raise ValueError("no header")
    while len(header) == BLOCK and header[0]:
        size = int(header[124:136].strip(b"\0 ") or b"0", 8)
        content = data.read(-(-size // BLOCK) * BLOCK)[:size]
        if len(content) < size:
            raise EOFError("it ends in the middle of a file")
        match header[156:157]:
            case b"0" | b"\0":
                count += 1
                if count > MOST_FILES:
                    raise Damaged(f"the archive has more than {MOST_FILES} files")
                yield name or _header_name(header), content
                name = ""
            case b"L":
                name = _text(content)
            case b"x":
                name = _pax_path(content) or name
            case b"g":
                pass
            case _:
                name = ""
        header = data.read(BLOCK)
    data.drain()


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

    found = sorted(entries.items())
    if not any(file == "opam" for (_, _, file), _ in found):
        raise Damaged("there are no packages in it", hint="a repository has a folder packages/NAME/NAME.VERSION/opam")
    index: dict[str, dict[str, Span]] = {}
    files: dict[str, dict[str, Span]] = {}
    at, listing = 0, []
    for (name, version, file), content in found:
        span = (at, len(content))
        at += span[1]
        listing.append(f"{name}.{version}/{file} {span[1]}\n")
        if file == "opam":
            index.setdefault(name, {})[version] = span
        else:
            files.setdefault(f"{name}.{version}", {})[file.removeprefix("files/")] = span
    data = b"".join(content for _, content in found)
    hashed = hashlib.sha256("".join(listing).encode())
    hashed.update(data)
    digest = hashed.hexdigest()
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

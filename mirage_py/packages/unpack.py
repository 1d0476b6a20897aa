"""An archive of sources becomes a folder, and nothing outside that folder.

What is refused, before anything of it counts: absolute paths and `..`, links that leave, devices and pipes, more bytes
or files than sources have. Links are made last, so that no file is written through one. A single folder at the top is
taken away, as opam does.
"""

from __future__ import annotations

import os
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final, Literal, Protocol, Self

from mirage_py.dataclass import dataclass
from mirage_py.errors import FetchFailed, Location, MpyError

__all__ = ["BOUNDS", "Bounds", "leaving_links", "unpack"]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much an archive may hold when it is unpacked."""

    size: int
    entries: int


BOUNDS: Final = Bounds(size=1 << 30, entries=100_000)
"""The largest of opam's repository, a compiler, has 300 MB in 20,000 files."""

LONGEST_LINK: Final = 4096
LONGEST_HEADER: Final = 1 << 20
CHUNK: Final = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing in an archive: `target` is where a link leads, below the top for a hard link."""

    name: str
    kind: Literal["file", "folder", "link", "hardlink"]
    size: int = 0
    executable: bool = False
    target: str = ""


class _Refused(Exception):
    """Why an archive is not unpacked, in a few words."""


def unpack(archive: Path, into: Path, name: str, bounds: Bounds = BOUNDS) -> None:
    """Unpack a tar archive (plain, gzip, bzip2, xz) or a zip archive, told by its first bytes, as the folder `into`.

    `into` must not be there yet, and is not there after a failure. Raises `FetchFailed`, naming the package (`name`)
    and what is wrong with the archive, and `MpyError` when the disk refuses.
    """
    try:
        into.mkdir(parents=True)
        with archive.open("rb") as file, _damage_told():
            _Unpacking(into, bounds).all(file)
        _strip(into)
        _check_links(into)
    except _Refused as refused:
        shutil.rmtree(into, ignore_errors=True)
        raise FetchFailed(
            f"{name}: {refused}",
            details=(f"the archive is {archive}", "it is left as it is, and nothing of it was unpacked"),
            hint="no release of sources looks like this: ask where it comes from, and lock another version",
        ) from None
    except OSError as error:
        shutil.rmtree(into, ignore_errors=True)
        raise MpyError(
            f"cannot write: {error.strerror or error}",
            location=Location.of(error.filename or into),
            hint="check the permissions of the directory and the space on its disk",
        ) from None
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise


class _Unpacking:
    """One archive on its way into a folder, with what of it was seen so far."""

    def __init__(self, into: Path, bounds: Bounds) -> None:
        self.into = into
        self.bounds = bounds
        self.size = 0
        self.entries = 0
        self.links: dict[str, Entry] = {}

    def all(self, file: BinaryIO) -> None:
        """Every entry; links come last, hard links before the others."""
        entries = _of_zip(file) if file.read(4) == b"PK\x03\x04" else _of_tar(file, self.bounds)
        for entry, content in entries:
            self._take(entry, content)
        for kind in ("hardlink", "link"):
            for name, entry in self.links.items():
                if entry.kind == kind:
                    self._link(name, entry)

    def _take(self, entry: Entry, content: IO[bytes] | None) -> None:
        name = _inside(entry.name)
        self._count(entry)
        if not name:
            return
        match entry.kind:
            case "folder":
                self._folder(name)
            case "file":
                assert content is not None
                self._file(name, entry, content)
            case "link" | "hardlink":
                self.links[name] = entry

    def _count(self, entry: Entry) -> None:
        self.entries += 1
        self.size += entry.size
        if self.entries > self.bounds.entries:
            raise _Refused(f"the archive holds more than {self.bounds.entries} files")
        if self.size > self.bounds.size:
            raise _Refused(f"the archive holds more than {self.bounds.size} bytes when it is unpacked")

    def _folder(self, name: str) -> None:
        path = self.into / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise _Refused(f"{name} is a file and a folder at once") from None

    def _file(self, name: str, entry: Entry, content: IO[bytes]) -> None:
        self.links.pop(name, None)  # of two entries with a name the last counts, as for tar
        path = self.into / name
        self._folder(os.path.dirname(name))
        if path.is_dir():
            raise _Refused(f"{name} is a file and a folder at once")
        with path.open("wb") as file:
            left = entry.size
            while left and (chunk := content.read(min(CHUNK, left))):
                file.write(chunk)
                left -= len(chunk)
        if left:
            raise _Refused(f"the archive ends in the middle of {name}")
        path.chmod(0o755 if entry.executable else 0o644)

    def _link(self, name: str, entry: Entry) -> None:
        path = self.into / name
        self._folder(os.path.dirname(name))
        if os.path.lexists(path):
            raise _Refused(f"two things in the archive are called {name}")
        if entry.kind == "link":
            path.symlink_to(entry.target)
            return
        source = self.into / _inside(entry.target)
        if not source.is_file():
            raise _Refused(f"{name} is a link to {entry.target}, which is not in the archive")
        self._count(Entry(name=name, kind="file", size=source.stat().st_size))
        shutil.copy(source, path)


def _inside(name: str) -> str:
    """The name without what means nothing in it ("" for the top itself); refused when it leads out."""
    if name.startswith("/") or "\0" in name:
        raise _Refused(f"a path leaves the archive: {name!r}")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise _Refused(f"a path leaves the archive: {name!r}")
    return "/".join(parts)


# ---------------------------------------------------------------------------------------------------------------------
# What the formats say


class _Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, so many at most."""


class _Counted:
    """A decompressing reader that gives no more than some bytes, whatever the compressed ones promise."""

    def __init__(self, file: _Readable, most: int) -> None:
        self._file = file
        self._left = most

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _Refused("the archive unpacks to far more than sources have")
        return data


def _of_tar(file: BinaryIO, bounds: Bounds) -> Iterator[tuple[Entry, IO[bytes] | None]]:
    file.seek(0)
    overhead = bounds.entries * 1024  # headers, and what fills blocks up
    counted = _Counted(_decompressed(file), bounds.size + overhead)
    # a stream, read once and in order: nothing is kept but the member at hand, and `read` is all it needs
    with tarfile.open(fileobj=counted, mode="r|", tarinfo=_Headers) as tar:  # type: ignore[call-overload]
        for member in tar:
            tar.members = []  # else each of them is remembered
            yield _tar_entry(member), tar.extractfile(member) if member.isreg() else None


def _decompressed(file: BinaryIO) -> _Readable:
    import bz2
    import gzip
    import lzma

    formats: tuple[tuple[bytes, Callable[[BinaryIO], _Readable]], ...] = (
        (b"\x1f\x8b", lambda packed: gzip.GzipFile(fileobj=packed)),
        (b"BZh", bz2.BZ2File),
        (b"\xfd7zXZ\0", lzma.LZMAFile),
        (b"", lambda plain: plain),
    )
    head = file.read(6)
    file.seek(0)
    return next(opened for start, opened in formats if head.startswith(start))(file)


@contextmanager
def _damage_told() -> Iterator[None]:
    """Every way in which the libraries say that an archive is not whole, as one refusal."""
    import gzip
    import lzma
    import zlib

    try:
        yield
    except (
        tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError,
        EOFError, NotImplementedError, ValueError, struct.error,
    ) as error:  # fmt: skip
        raise _Refused(f"the archive is damaged: {error}") from None
    except OSError as error:
        if error.errno is None:  # bz2 says so that the data is wrong; the disk always gives a number
            raise _Refused(f"the archive is damaged: {error}") from None
        raise


class _Headers(tarfile.TarInfo):
    """Headers of tar, which tarfile reads into memory whole: long names and the like are kept short."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The header in a block."""
        header = super().frombuf(buf, encoding, errors)
        if header.type not in (*tarfile.REGULAR_TYPES, tarfile.GNUTYPE_SPARSE) and header.size > LONGEST_HEADER:
            raise _Refused(f"a header of the archive has {header.size} bytes")
        return header


def _tar_entry(member: tarfile.TarInfo) -> Entry:
    if member.issparse():
        raise _Refused(f"{member.name} is a sparse file")
    if member.isreg():
        return Entry(name=member.name, kind="file", size=member.size, executable=bool(member.mode & 0o100))
    if member.isdir():
        return Entry(name=member.name, kind="folder")
    if member.issym():
        return Entry(name=member.name, kind="link", target=member.linkname)
    if member.islnk():
        return Entry(name=member.name, kind="hardlink", target=member.linkname)
    raise _Refused(f"{member.name} is a device or a pipe")


def _of_zip(file: BinaryIO) -> Iterator[tuple[Entry, IO[bytes] | None]]:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.flag_bits & 1:
                raise _Refused(f"{member.filename} is encrypted")
            mode = member.external_attr >> 16
            if member.is_dir():
                yield Entry(name=member.filename, kind="folder"), None
            elif mode & 0o170000 == 0o120000:
                yield _zip_link(archive, member), None
            else:
                executable = bool(mode & 0o100)
                with archive.open(member) as content:
                    yield (
                        Entry(name=member.filename, kind="file", size=member.file_size, executable=executable),
                        content,
                    )


def _zip_link(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Entry:
    if member.file_size > LONGEST_LINK:
        raise _Refused(f"{member.filename} is a link of {member.file_size} bytes")
    return Entry(name=member.filename, kind="link", target=os.fsdecode(archive.read(member)))


# ---------------------------------------------------------------------------------------------------------------------
# The folder that it makes


def _check_links(folder: Path) -> None:
    for link, target in leaving_links(folder):
        raise _Refused(f"a link leaves its folder: {link} -> {target}")


def _strip(into: Path) -> None:
    """Take the single folder at the top away: its content is the folder's."""
    tops = list(into.iterdir())
    if len(tops) != 1 or tops[0].is_symlink() or not tops[0].is_dir():
        return
    aside = into.with_name(f"{into.name}.top")
    tops[0].rename(aside)
    into.rmdir()
    aside.rename(into)


def leaving_links(folder: Path) -> Iterator[tuple[str, str]]:
    """Links below a folder that lead out of it, by themselves or over another link, as (path, target)."""
    top = os.path.realpath(folder)
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(here, name)
            if os.path.islink(path) and _leaves(top, path):
                yield os.path.relpath(path, folder), os.readlink(path)


def _leaves(top: str, link: str) -> bool:
    real = os.path.realpath(link)
    return os.path.isabs(os.readlink(link)) or not (real == top or real.startswith(top + os.sep))

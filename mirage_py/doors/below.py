"""Files below one folder, reached by folder descriptors, so that no link on the way leads anywhere else.

Every path is relative to the folder and is walked name by name; a link, wherever it stands, is refused, and so is what
is neither a file nor a folder: a pipe would be waited for, a device read without end. Only the way to the folder itself
may lead through links: that is how the user names it.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from mirage_py.digest import pieces, sha256, sha256_of
from mirage_py.doors import answers
from mirage_py.doors.syncing import Syncing
from mirage_py.errors import Location, MpyError, WouldOverwrite

__all__ = [
    "Below",
    "aside_name",
    "digest",
    "encoded",
    "is_scratch",
    "no_file",
    "scratch_name",
    "set_aside",
    "translated",
]

Kind = Literal["file", "folder", "link", "other"]

_KINDS: Final[dict[int, Kind]] = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_SCRATCH: Final = re.compile(r"\.mpy-[0-9a-f]{32}")
_ASIDE: Final = re.compile(rf"{_SCRATCH.pattern}-of-(?P<name>[a-z]+)")
_CHUNK: Final = 1 << 20


def scratch_name() -> str:
    """A name for what is not whole yet, that nobody can have taken, or put something at, before."""
    return f".mpy-{os.urandom(16).hex()}"


def is_scratch(name: str) -> bool:
    """Whether a name is one that mpy makes for what is not whole yet, and that nobody else would."""
    return _SCRATCH.fullmatch(name) is not None


def aside_name(name: str) -> str:
    """A name for what is set aside until something else has taken its place."""
    return f"{scratch_name()}-of-{name}"


def set_aside(name: str) -> str | None:
    """The name that something had before it was set aside under this one; None for another name."""
    found = _ASIDE.fullmatch(name)
    return found["name"] if found else None


digest = sha256
"""The digest by which a content is known again."""


def encoded(text: str) -> bytes:
    """A text as it is written: UTF-8, with the bytes of file names that are none."""
    return text.encode("utf-8", "surrogateescape")


class Below:
    """The files below a folder. Paths are relative, with slashes; `MpyError` for whatever the system refuses."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # -----------------------------------------------------------------------------------------------------------------
    # What is there

    def kind(self, path: str) -> Kind | None:
        """What stands there, a link unfollowed; None for nothing."""
        state = self._state(path)
        return None if state is None else _KINDS.get(stat.S_IFMT(state.st_mode), "other")

    def is_same(self, path: str, other: str) -> bool:
        """Whether two paths are names of one file."""
        one, two = self._state(path), self._state(other)
        return one is not None and two is not None and os.path.samestat(one, two)

    def read(self, path: str) -> bytes | None:
        """The content of a file; None where there is none. `WouldOverwrite` for a link, and for what is no file."""
        return self._content(path, strange=True)

    def content(self, path: str) -> bytes | None:
        """The content of a file; None where there is none, or something else."""
        return self._content(path, strange=False)

    def _content(self, path: str, *, strange: bool) -> bytes | None:
        """The content of a file; what is no file is opened, and refused, only where that is wanted."""
        with self._reading(path), self._opened(path, strange=strange) as descriptor:
            return None if descriptor is None else _all_of(descriptor)

    def contents(self, folder: str, names: Iterable[str]) -> dict[str, bytes]:
        """The contents of the files of these names in a folder; without those that are none, or not there."""
        found: dict[str, bytes] = {}
        with self._reading(folder), suppress(FileNotFoundError), self._folder(folder) as at:
            for name in names:
                path = f"{folder}/{name}"
                with self._reading(path), suppress(FileNotFoundError):
                    descriptor = self._file(at, name, strange=False)
                    with self._ordinary(descriptor, path):
                        if descriptor is not None:
                            found[name] = _all_of(descriptor)
        return found

    def digest(self, path: str) -> str | None:
        """The SHA-256 of a file; None where there is none, or something else."""
        with self._reading(path), self._opened(path, strange=False) as descriptor:
            return None if descriptor is None else sha256_of(descriptor)

    def settled_state(self, path: str) -> object:
        """What the system says of a file, where that would be something else after any change; else None."""
        now, state = time.time_ns(), self._state(path)
        return answers.settled(state, now) if state is not None and stat.S_ISREG(state.st_mode) else None

    def opened(self, path: str) -> int:
        """A descriptor of a file, for the caller to close."""
        with self._writing(path), self._parent(path) as (folder, name):
            return os.open(name, _READ, dir_fd=folder)

    @contextmanager
    def _opened(self, path: str, *, strange: bool) -> Iterator[int | None]:
        try:
            with self._parent(path) as (folder, name):
                descriptor = self._file(folder, name, strange=strange)
        except FileNotFoundError:
            descriptor = None
        with self._ordinary(descriptor, path):
            yield descriptor

    def _file(self, folder: int, name: str, *, strange: bool) -> int | None:
        return os.open(name, _READ, dir_fd=folder) if strange or not self._is_strange(folder, name) else None

    @contextmanager
    def _ordinary(self, descriptor: int | None, path: str) -> Iterator[None]:
        """Refuses what is no file, and closes it after the block."""
        if descriptor is None:
            yield
            return
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise no_file(self._place(path))
            yield
        finally:
            os.close(descriptor)

    def names(self, path: str) -> list[str]:
        """What a folder holds, sorted; nothing where there is none."""
        with self._reading(path):
            try:
                with self._folder(path) as folder:
                    return sorted(os.listdir(folder))
            except FileNotFoundError:
                return []

    def refuse_links(self, *paths: str) -> None:
        """`WouldOverwrite` where one of these stands, and is no folder."""
        for path in paths:
            kind = self.kind(path)
            if kind not in {None, "folder"}:
                raise _no_folder(self._place(path), is_link=kind == "link")

    def refuse_ways_out(self, *folders: str) -> None:
        """`WouldOverwrite` where a link below one of these leads out of it: tools follow links, and write."""
        for folder in folders:
            home = os.path.realpath(self.root / folder)
            with self._reading(folder):
                for place, is_link in _strange(home) if self.kind(folder) == "folder" else ():
                    if not is_link:
                        raise no_file(self._place(folder) / os.path.relpath(place, home))
                    if not os.path.realpath(place).startswith(f"{home}{os.sep}"):
                        raise _way_out(self._place(folder) / os.path.relpath(place, home))

    # -----------------------------------------------------------------------------------------------------------------
    # What changes

    def write(self, path: str, content: bytes, *, mode: int = 0o666, sync: bool = False) -> None:
        """Put a file there, whole or not at all, with the folders above it; with `sync` it is on the disk then.

        What stands there is replaced, not written to: a link goes, and what it led to stays.
        """
        with self._writing(path), self._parent(path, create=True) as (folder, name):
            scratch = scratch_name()
            self._new(folder, scratch, content, mode=mode, sync=sync)
            try:
                os.replace(scratch, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(scratch, dir_fd=folder)
                raise

    def write_together(self, contents: Mapping[str, bytes], *, synced: Iterable[str] = ()) -> None:
        """Put files there in this order, each as `write` does; with others that are there they are on the disk then."""
        scratches: dict[str, str] = {}
        syncing = Syncing()
        try:
            for path, content in contents.items():
                scratches[path] = self.beside(path, content)
            for path in (*scratches.values(), *synced):
                syncing.begin(self.opened(path))
            with self._writing(next(iter(contents))):
                syncing.end()
            for path in contents:
                self.move(scratches[path], path)
                del scratches[path]
        except BaseException:
            with suppress(OSError):
                syncing.end()
            for scratch in scratches.values():
                with suppress(MpyError):
                    self.remove(scratch)
            raise

    def beside(self, path: str, content: bytes | int, *, mode: int = 0o666) -> str:
        """Put a file beside a place that it is to take, with the folders above it: the path that it has until then.

        The content is given, or an open file that has it.
        """
        above, slash, _ = path.rpartition("/")
        scratch = scratch_name()
        with self._writing(path), self._parent(path, create=True) as (folder, _):
            self._new(folder, scratch, content, mode=mode, sync=False)
        return f"{above}{slash}{scratch}"

    def create(self, path: str, content: bytes, *, sync: bool = False) -> None:
        """Put a file where none is yet, with the folders above it; refused by the system where something is."""
        with self._writing(path), self._parent(path, create=True) as (folder, name):
            self._new(folder, name, content, mode=0o666, sync=sync)

    def create_all(self, folder: str, contents: Mapping[str, bytes]) -> None:
        """Put files in a folder, by their names, each as `create` does."""
        with self._writing(folder), self._folder(folder, create=True) as at:
            for name, content in contents.items():
                with self._writing(f"{folder}/{name}"):
                    self._new(at, name, content, mode=0o666, sync=False)

    def link(self, source: str, path: str) -> bool:
        """Give a file a second name, with the folders above it; False where the file system has no such thing."""
        with self._writing(path), self._parent(source) as (here, old), self._parent(path, create=True) as (there, new):
            try:
                os.link(old, new, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
            except (FileNotFoundError, FileExistsError):
                raise
            except OSError:
                return False
            return True

    def move(self, source: str, path: str) -> None:
        """Give a file or folder another path, in place of a file that is there."""
        with self._writing(path), self._parent(source) as (here, old), self._parent(path, create=True) as (there, new):
            os.replace(old, new, src_dir_fd=here, dst_dir_fd=there)

    def exchange(self, one: str, other: str) -> bool:
        """Let two paths change places in one step; False where the system cannot do that."""
        with self._writing(other), self._parent(one) as (first, left), self._parent(other) as (second, right):
            with answers.aside():
                from mirage_py.doors.exchange import exchange  # 8 ms, where something is replaced

                done = exchange(first, left, second, right)
            answers.moved(*(os.path.abspath(self.root / path) for path in (one, other) if done))
            return done

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it, where they are not there yet."""
        with self._writing(path), self._folder(path, create=True):
            pass

    def remove(self, path: str) -> None:
        """Remove a file, or a link itself; nothing happens where nothing is."""
        with self._writing(path), suppress(FileNotFoundError), self._parent(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def remove_tree(self, path: str) -> None:
        """Remove a folder with all that is below it; links below go, what they lead to stays."""
        import shutil  # where something is removed

        if self.kind(path) == "folder":
            with self._writing(path), self._parent(path) as (folder, name):
                shutil.rmtree(name, dir_fd=folder)

    def remove_if_empty(self, path: str) -> None:
        """Remove a folder that holds nothing."""
        if self.kind(path) == "folder" and not self.names(path):
            with self._writing(path), self._parent(path) as (folder, name):
                os.rmdir(name, dir_fd=folder)

    def sync(self, path: str) -> None:
        """See to it that the names in a folder outlive a power cut."""
        with self._writing(path), self._folder(path) as folder:
            os.fsync(folder)

    def open_lock(self, path: str) -> int:
        """A descriptor of a file to lock, made where there is none; for the caller to close."""
        with self._writing(path), self._parent(path, create=True) as (folder, name):
            try:
                descriptor = os.open(name, _LOCK, 0o666, dir_fd=folder)
            except OSError:
                if self._is_strange(folder, name):
                    raise no_file(self._place(path)) from None
                raise
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise no_file(self._place(path))
            return descriptor

    # -----------------------------------------------------------------------------------------------------------------
    # The way there

    @contextmanager
    def _parent(self, path: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """The folder that a path's last name is in, and that name."""
        above, _, name = path.rpartition("/")
        with self._folder(above, create=create) as folder:
            yield folder, name

    @contextmanager
    def _folder(self, path: str, *, create: bool = False) -> Iterator[int]:
        """A descriptor of a folder, reached name by name; a link on the way is refused."""
        at = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            walked = ""
            for name in path.split("/") if path else ():
                walked = f"{walked}/{name}".lstrip("/")
                below = self._step(at, name, walked, create=create)
                os.close(at)
                at = below
            yield at
        finally:
            os.close(at)

    def _step(self, at: int, name: str, walked: str, *, create: bool) -> int:
        try:
            return os.open(name, _FOLDER, dir_fd=at)
        except FileNotFoundError:
            if not create:
                raise
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=at)
            return self._step(at, name, walked, create=False)
        except OSError:
            mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                raise
            raise _no_folder(self._place(walked), is_link=stat.S_ISLNK(mode)) from None

    def _new(self, folder: int, name: str, content: bytes | int, *, mode: int, sync: bool) -> None:
        descriptor = os.open(name, _NEW, mode, dir_fd=folder)
        try:
            for piece in pieces(content) if isinstance(content, int) else (memoryview(content),):
                left = piece
                while left:
                    left = left[os.write(descriptor, left) :]
            if sync:
                os.fsync(descriptor)
        except BaseException:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
        finally:
            os.close(descriptor)

    def _state(self, path: str) -> os.stat_result | None:
        with self._reading(path):
            try:
                with self._parent(path) as (folder, name):
                    return os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return None

    def _is_strange(self, folder: int, name: str) -> bool:
        try:
            return not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def _place(self, path: str) -> Path:
        return self.root / path

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self._is_link(path):
                raise no_file(self._place(path)) from None
            raise MpyError(
                f"cannot read: {error.strerror or error}",
                location=Location.of(self._place(path)),
                hint="mpy compares a file with what it wrote before it touches it: check the permissions",
            ) from None

    @contextmanager
    def _writing(self, path: str) -> Iterator[None]:
        with translated(self._place(path)):
            yield

    def _is_link(self, path: str) -> bool:
        try:
            with self._parent(path) as (folder, name):
                return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        except (OSError, MpyError):
            return False


def _all_of(descriptor: int) -> bytes:
    return b"".join(iter(lambda: os.read(descriptor, _CHUNK), b""))


def _strange(folder: str) -> Iterator[tuple[str, bool]]:
    """Every link below a folder, none of them followed; and what is none, but a pipe or a device."""
    waiting = [folder]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except FileNotFoundError:  # a tool tidies up behind an mpy that was killed
            continue
        with entries:
            for entry in entries:
                if entry.is_symlink():
                    yield entry.path, True
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not (entry.is_file() or stat.S_ISSOCK(entry.stat().st_mode)):  # dune leaves sockets
                    yield entry.path, False


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Whatever the system refuses within the block, as one line with its place."""
    try:
        yield
    except OSError as error:
        raise MpyError(
            f"cannot write: {error.strerror or error}",
            location=Location.of(path),
            hint="check the permissions of the directory and the space on its disk",
        ) from None


def no_file(place: Path) -> WouldOverwrite:
    """The error for a link, a pipe or a device where a file of mpy's belongs."""
    return WouldOverwrite(
        "this is no ordinary file",
        location=Location.of(place),
        details=("mpy neither follows a link below the project, nor waits for a pipe or a device",),
        hint="move it away, or delete it, and run mpy again",
    )


def _way_out(place: Path) -> WouldOverwrite:
    return WouldOverwrite(
        "this is a link that leads out of a folder of mpy's, where tools write",
        location=Location.of(place),
        hint="delete it, or mpy clean, and run mpy again",
    )


def _no_folder(place: Path, *, is_link: bool) -> WouldOverwrite:
    return WouldOverwrite(
        "this is a link, and mpy follows none in its own folders" if is_link else "this is no folder",
        location=Location.of(place),
        details=("mpy keeps what it generates in a folder of this name",),
        hint="move it away, or delete it, and run mpy again",
    )

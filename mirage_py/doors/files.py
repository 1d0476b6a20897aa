"""The one door to files: mpy writes through it, and knows afterwards exactly which files are its own.

`mirage/owned.json` lists every file with the digest it was written with. A file that is not listed, or whose content
is no longer the listed one, is the user's: it is neither overwritten nor deleted. A target's folder is swapped as a
whole; digests of what is about to be written are listed before, so that a crash at any point leaves files that are
still known.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mirage_py.doors import signals
from mirage_py.errors import Location, MpyError, WouldOverwrite

OWNED = "mirage/owned.json"
LOCK = "mirage/.lock"
SCRATCH = ("mirage/_build", "mirage/machine", "mirage/.stubs", "mirage/.pull")
"""Folders that are mpy's as a whole, whatever tools put there."""

LOOSE = frozenset({"dune-project", ".merlin"})
"""The files beside config.py that mpy writes; all others are below `mirage/` and `dist/`."""

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Files = Mapping[str, str]
"""Path relative to the directory of config.py -> content."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a write did, or would do: paths relative to the directory of config.py, sorted."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What `clean` removed, and what it left because the user had changed it or put it there."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


class Tree:
    """The generated files of one directory with a config.py."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def locked(self, waiting: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """The tree for this process alone; `waiting` is told once, when another mpy has it."""
        with signals.unwinding(), self._lock(waiting) as handle:
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
            self._recover()
            yield

    def _check_folder(self) -> None:
        """Refuse a file of the user's that has the name of the folder below which everything lives."""
        folder = self.root / "mirage"
        if os.path.lexists(folder) and not folder.is_dir():
            raise WouldOverwrite(
                "this is no folder",
                location=Location.of(folder),
                details=("mpy keeps what it generates in a folder of this name",),
                hint="move it away, or delete it, and run mpy again",
            )

    def _refuse_links(self, *paths: str) -> None:
        """Refuse to go on where a path, or a folder on the way to it, is a link: it may lead to files of the user's."""
        for path in paths:
            for part in (path, *map(str, Path(path).parents)):
                if part != "." and (self.root / part).is_symlink():
                    raise WouldOverwrite(
                        "this is a link, and mpy follows none in its own folders",
                        location=Location(part),
                        hint="move it away, or delete it, and run mpy again",
                    )

    def _lock(self, waiting: Callable[[str], None]) -> TextIO:
        path = self.root / LOCK
        while True:
            self._check_folder()
            self._refuse_links(LOCK, "dist", *SCRATCH)
            with _translated(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                handle = os.fdopen(_unfollowed(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+", encoding="utf-8")
            _acquire(handle.fileno(), path, waiting)
            if path.exists() and os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                return handle
            handle.close()  # a `clean` that was waited for removed the file that was locked

    def preview(self, folders: Mapping[str, Files], loose: Files) -> Written:
        """What `write` would do; nothing is touched. Raises `WouldOverwrite` as `write` would."""
        owned = self._owned()
        self._refuse_links(*folders, *(str(Path(path).parent) for path in loose))
        self._check(folders, loose, owned)
        return self._compare(folders, loose, owned)

    def write(self, folders: Mapping[str, Files], loose: Files) -> Written:
        """Make the folders hold exactly these files, and write the loose ones.

        `folders` maps a folder (relative, as are all paths) to its files by name. Only what differs is touched. Raises
        `WouldOverwrite` before anything is written, `MpyError` when the disk refuses.
        """
        done = self.preview(folders, loose)
        if not (done.created or done.changed or done.removed):
            return done
        owned = self._owned()
        new = {path: _digest(text) for path, text in _flat(folders, loose).items()}
        stale = set(done.removed)
        self._save(
            {path: {*digests} for path, digests in owned.items()}
            | {p: {d} | owned.get(p, set()) for p, d in new.items()}
        )
        touched = {*done.created, *done.changed, *done.removed}
        for folder, files in folders.items():
            if any(path.startswith(f"{folder}/") for path in touched):
                self._swap(folder, files)
                if not files:  # a folder that holds nothing more goes; a stranger's file in it stays, with the folder
                    with suppress(OSError):
                        (self.root / folder).rmdir()
        for path, text in loose.items():
            if path in touched:
                self._replace(path, text)
        self._save({p: d for p, d in owned.items() if p not in stale} | {p: {d} for p, d in new.items()})
        return done

    def install(self, source: Path, path: str) -> bool:
        """Copy a built file to `path`, whole or not at all; False when it was there already, the same."""
        target, owned = self.root / path, self._owned()
        digest = _digest_file(source)
        if target.is_file() and _digest_file(target) == digest and path in owned:
            return False
        self._refuse_links(str(Path(path).parent))
        self._refuse_foreign(path, owned)
        with _translated(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._save(owned | {path: {digest} | owned.get(path, set())})
            scratch = _scratch(target)
            shutil.copy2(source, scratch)
            scratch.replace(target)
        self._save(owned | {path: {digest}})
        return True

    def mirror(self, folder: str, files: Mapping[str, str | Path]) -> None:
        """Make a scratch folder hold exactly these files, each a text or a copy; only what differs is touched."""
        base = self.root / folder
        self._refuse_links(folder, *(f"{folder}/{name}" for name in files))
        present = {str(p.relative_to(base)) for p in base.rglob("*") if p.is_file()} if base.is_dir() else set()
        with _translated(base):
            for name in present - set(files):
                (base / name).unlink()
            for name, content in files.items():
                wanted = content.read_bytes() if isinstance(content, Path) else content.encode()
                if _read(base / name) != wanted:
                    (base / name).parent.mkdir(parents=True, exist_ok=True)
                    (base / name).write_bytes(wanted)
                    if wanted.startswith(b"#!"):
                        (base / name).chmod(0o755)

    def swap_in(self, folder: str, made: Path) -> None:
        """Put a folder that was made beside it (as `.new-NAME`) in the place of this one; a crash leaves either."""
        final = self.root / folder
        assert made == _new(final), "a folder of another name would not be found again after a crash"
        with _translated(final):
            _exchange(final, made)

    def discard(self, folder: str) -> None:
        """Remove a scratch folder; whatever is in it is made again."""
        with _translated(self.root / folder):
            shutil.rmtree(self.root / folder)

    def clean(self) -> Cleaned:
        """Remove what mpy wrote and only that, then the folders left empty."""
        owned, removed, kept = self._owned(), [], []
        self._refuse_links("dist", *SCRATCH, *{str(Path(path).parent) for path in owned})
        for path, digests in sorted(owned.items()):
            target = self.root / path
            if not target.is_file():
                continue
            if _digest_file(target) in digests:
                with _translated(target):
                    target.unlink()
                removed.append(path)
            else:
                kept.append(path)
        for folder in SCRATCH:
            if (self.root / folder).exists():
                shutil.rmtree(self.root / folder, ignore_errors=True)
                removed.append(f"{folder}/")
        # the manifest goes last: a clean that is killed can be run again
        self._prune({str(Path(path).parent) for path in owned} - {"mirage"})
        for path in (LOCK, OWNED):
            (self.root / path).unlink(missing_ok=True)
        self._prune({"mirage", "dist"})
        return Cleaned(removed=tuple(removed), kept=tuple(kept))

    def _prune(self, folders: set[str]) -> None:
        for folder in sorted(folders - {"."}, reverse=True):
            path = self.root / folder
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()

    def _compare(self, folders: Mapping[str, Files], loose: Files, owned: Mapping[str, set[str]]) -> Written:
        created: list[str] = []
        changed: list[str] = []
        unchanged: list[str] = []
        wanted = _flat(folders, loose)
        for path, text in sorted(wanted.items()):
            present = _read(self.root / path)
            bucket = created if present is None else unchanged if present == text.encode() else changed
            bucket.append(path)
        stale = [p for p in sorted(owned) if p not in wanted and str(Path(p).parent) in folders]
        return Written(created=tuple(created), changed=tuple(changed), removed=tuple(stale), unchanged=tuple(unchanged))

    def _check(self, folders: Mapping[str, Files], loose: Files, owned: Mapping[str, set[str]]) -> None:
        for path, text in _flat(folders, loose).items():
            if _read(self.root / path) != text.encode():
                self._refuse_foreign(path, owned)
        for folder in folders:
            for entry in sorted((self.root / folder).glob("*")):
                path = f"{folder}/{entry.name}"
                if path not in folders[folder] and entry.name not in folders[folder]:
                    self._refuse_foreign(path, owned)

    def _refuse_foreign(self, path: str, owned: Mapping[str, set[str]]) -> None:
        target = self.root / path
        if not os.path.lexists(target):
            return
        if target.is_file() and not target.is_symlink() and _digest_file(target) in owned.get(path, set()):
            return
        known = path in owned
        raise WouldOverwrite(
            "this file was changed since mpy wrote it" if known else "this file is not mpy's",
            location=Location(path),
            details=("mpy generates a file of this name, and overwrites only its own",),
            hint="move it away, or delete it, and run mpy again",
        )

    def _swap(self, folder: str, files: Files) -> None:
        final = self.root / folder
        new = _new(final)
        with _translated(final):
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            for name, text in files.items():
                (new / name).write_bytes(text.encode())
            _exchange(final, new)

    def _replace(self, path: str, text: str) -> None:
        target = self.root / path
        with _translated(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace_whole(target, text)

    def _recover(self) -> None:
        """Finish or undo what a killed mpy left: a folder set aside comes back unless its successor is there."""
        owned = self._owned()
        folders = {str(Path(path).parent) for path in (OWNED, *owned)}
        self._refuse_links(*folders)
        for folder in folders:
            for left in (self.root / folder).glob(".mpy-*"):
                if _SCRATCH_NAME.fullmatch(left.name):
                    left.unlink(missing_ok=True)
        for old in (self.root / "mirage").glob(".old-*"):
            final = old.with_name(old.name.removeprefix(".old-"))
            if final.exists():
                shutil.rmtree(old, ignore_errors=True)
            else:
                old.rename(final)
        for new in (self.root / "mirage").glob(".new-*"):
            shutil.rmtree(new, ignore_errors=True)

    def _owned(self) -> dict[str, set[str]]:
        try:
            self._refuse_links(OWNED)
            entries = json.loads(_read_regular(self.root / OWNED))["files"]
            owned = {path: set(digests) for path, digests in entries.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise MpyError(
                "this file cannot be read, so mpy does not know which files are its own",
                location=Location(OWNED),
                hint="restore it, or remove it together with the folders below mirage/ that mpy generated",
            ) from None
        strange = next((path for path in owned if not _may_be_owned(path)), None)
        if strange is not None:
            raise MpyError(
                f"this file lists {strange[:100]!r}, which is no place where mpy writes",
                location=Location(OWNED),
                hint="restore it, or remove it together with the folders below mirage/ that mpy generated",
            )
        return owned

    def _save(self, owned: Mapping[str, set[str]]) -> None:
        files = {path: sorted(digests) for path, digests in sorted(owned.items())}
        self._replace(OWNED, json.dumps({"format": 1, "files": files}, indent=1) + "\n")


_SCRATCH_NAME = re.compile(r"\.mpy-[0-9a-f]{32}")


def _scratch(path: Path) -> Path:
    """Where a file is written before it takes its place: a name that nobody can have put a link at before."""
    return path.with_name(f".mpy-{secrets.token_hex(16)}")


def _replace_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all; what stood there, a link included, gives way."""
    scratch = _scratch(path)
    try:
        with os.fdopen(os.open(scratch, _NEW_FILE, 0o666), "wb") as file:
            file.write(text.encode())
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise


def _unfollowed(path: str | Path, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)


def _read_regular(path: Path) -> bytes:
    """The content of an ordinary file; `OSError` at once for a pipe or a device, which might be waited for."""
    with open(path, "rb", opener=_unfollowed) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("no ordinary file")
        return file.read()


def _may_be_owned(path: str) -> bool:
    """Whether mpy can have written a file of this path: a manifest may come from anybody."""
    first, *rest = path.split("/")
    return path in LOOSE or (first in ("mirage", "dist") and bool(rest) and not {"", ".", ".."} & set(rest))


def _new(folder: Path) -> Path:
    """Where a folder is made before it takes its place."""
    return folder.with_name(f".new-{folder.name}")


def _exchange(final: Path, new: Path) -> None:
    """Let `new` take the place of `final`, if there is one; `Tree._recover` knows each state in between."""
    old = final.with_name(f".old-{final.name}")
    if final.exists():
        final.rename(old)
    new.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file that the user named, whole or not at all."""
    with _translated(path):
        _replace_whole(path, text)


def create(folder: Path, files: Files) -> None:
    """Write files where none are yet; all of them or, when the disk refuses, none.

    Raises `WouldOverwrite` that names what is there.
    """
    there = next((name for name in files if os.path.lexists(folder / name)), None)
    if there is not None:
        raise WouldOverwrite(
            "this file is there already",
            location=Location.of(folder / there),
            hint="choose another folder, or move it away",
        )
    made: list[Path] = []
    try:
        with _translated(folder):
            for name, text in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with (folder / name).open("xb") as file:
                    made.append(folder / name)
                    file.write(text.encode())
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise


def _flat(folders: Mapping[str, Files], loose: Files) -> dict[str, str]:
    return {f"{folder}/{name}": text for folder, files in folders.items() for name, text in files.items()} | dict(loose)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from None


def _digest(text: str) -> str:
    import hashlib  # 3 ms: a query writes no file

    return hashlib.sha256(text.encode()).hexdigest()


def _digest_file(path: Path) -> str:
    import hashlib

    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> MpyError:
    return MpyError(
        f"cannot read: {error.strerror or error}",
        location=Location.of(path),
        hint="mpy compares a file with what it wrote before it touches it: check the permissions",
    )


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MpyError(
            f"cannot write: {error.strerror or error}",
            location=Location.of(error.filename or path),
            hint="check the permissions of the directory and the space on its disk",
        ) from None


def _acquire(descriptor: int, path: Path, waiting: Callable[[str], None]) -> None:
    """An advisory lock that the kernel drops with the process: no stale lock is ever left (filelock starts asyncio)."""
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                waiting(_holder(path))
            told = True
            time.sleep(0.05)
        else:
            return


def _holder(path: Path) -> str:
    try:
        pid = path.read_text(encoding="utf-8").strip()
    except OSError:
        pid = ""
    return f"another mpy{f' (process {pid})' if pid else ''} is at work in this directory; waiting for it"

"""The one door to files: mpy writes through it, and knows afterwards exactly which files are its own.

`mirage/owned.json` lists every file with the digest it was written with. A file that is not listed, or whose content
is no longer the listed one, is the user's: it is neither overwritten nor deleted. What is generated for all targets
takes its place in one step (`doors.swap`). No link below `mirage/` and `dist/` is followed (`doors.below`), and what
mpy was asked to write is on the disk before it says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.doors import answers, signals
from mirage_py.doors.below import Below, aside_name, digest, encoded, is_scratch, scratch_name, set_aside, translated
from mirage_py.doors.installing import Digests, Installing
from mirage_py.doors.lock import LOCK, locked
from mirage_py.doors.manifest import OWNED, Manifest, Owned, folders_of, manifest_text, read_manifest
from mirage_py.errors import Location, WouldOverwrite

__all__ = ["OWNED", "SCRATCH", "Cleaned", "Files", "Tree", "Written", "create", "write_whole"]

SCRATCH: Final = ("mirage/_build", "mirage/machine", "mirage/.stubs", "mirage/.pull")
"""Folders that are mpy's as a whole, whatever tools put there."""

_EMPTY: Final = digest(b"")

Files = Mapping[str, str]
"""Path relative to the directory of config.py -> content."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a write did, or would do: paths relative to the directory of config.py, sorted."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()

    @property
    def touched(self) -> frozenset[str]:
        """Every path at which something is different now."""
        return frozenset((*self.created, *self.changed, *self.removed))


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What `clean` removed, and what it left because the user had changed it or put it there."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


class Tree:
    """The generated files of one directory with a config.py."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._below = Below(root)
        self._digests = Digests(self._below)

    @contextmanager
    def locked(self, waiting: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """The tree for this process alone; `waiting` is told once, when another mpy has it.

        What an mpy that was killed left half done is ended or taken back first.
        """
        with signals.unwinding(), locked(self._below, waiting):
            self._below.refuse_links("dist", *SCRATCH)
            self._recover()
            yield

    def preview(self, folders: Mapping[str, Files], loose: Files) -> Written:
        """What `write` would do; nothing is touched. Raises `WouldOverwrite` as `write` would."""
        return self._compared(folders, loose, self._manifest().files)

    def write(self, folders: Mapping[str, Files], loose: Files) -> Written:
        """Make the folders hold exactly these files, and write the loose ones: all of it or nothing.

        `folders` maps a folder (relative, as are all paths) to its files by name. Only what differs is touched. Raises
        `WouldOverwrite` before anything is written, `MpyError` when the disk refuses.
        """
        before = self._manifest().files
        done = self._compared(folders, loose, before)
        if done.touched:
            self._put(folders, loose, before, done)
        return done

    def look_ahead(self, *paths: str) -> None:
        """Read what `installing` will compare with, while there is nothing else to do."""
        self._digests.look_ahead(paths)

    @contextmanager
    def installing(self) -> Iterator[Installing]:
        """Takes built files within the block; they take their places when it is left, unless that is by an error."""
        owned = self._manifest().files
        found = Installing(self._below, owned, self._digests, partial(self._refuse_foreign, owned=owned))
        try:
            yield found
            if found.changed:
                # what is there stays mpy's, as if this were cut short now: that saves a second manifest
                self._save({**owned, **found.changed})
                found.take_places()
        finally:
            found.drop()

    def mirror(self, folder: str, files: Mapping[str, str | Path]) -> None:
        """Make a scratch folder hold exactly these files, each a text or a copy; only what differs is touched."""
        for path in self._all_below(folder):
            if path.removeprefix(f"{folder}/") not in files:
                self._below.remove(path)
        for name, content in files.items():
            with translated(self.root / folder / name):
                wanted = content.read_bytes() if isinstance(content, Path) else encoded(content)
            if self._below.content(f"{folder}/{name}") != wanted:
                self._below.write(f"{folder}/{name}", wanted, mode=0o777 if wanted.startswith(b"#!") else 0o666)

    def scratch(self) -> Path:
        """Where a folder can be made that `swap_in` puts in its place; one that is never put there goes again."""
        return self.root / "mirage" / scratch_name()

    def swap_in(self, folder: str, made: Path) -> None:
        """Put a folder that was made at a `scratch` place in the place of this one; a crash leaves either."""
        new = f"mirage/{made.name}"
        if self._below.kind(folder) is None:
            self._below.move(new, folder)
        elif self._below.exchange(new, folder):
            self._below.remove_tree(new)
        else:
            aside = f"mirage/{aside_name(folder.rpartition('/')[2])}"
            self._below.move(folder, aside)
            self._below.move(new, folder)
            self._below.remove_tree(aside)

    def refuse_links(self, *folders: str) -> None:
        """Refuse to go on where one of these stands, and is no folder."""
        self._below.refuse_links(*folders)

    def refuse_ways_out(self) -> None:
        """Refuse to go on where a link below a scratch folder leads out of it: the tools that write there follow it."""
        with answers.aside():  # tools make links anew; whether one leads out is all that counts
            self._below.refuse_ways_out(*SCRATCH)
        answers.note("ways out", *(os.path.abspath(self.root / folder) for folder in SCRATCH))

    def discard(self, folder: str) -> None:
        """Remove a scratch folder; whatever is in it is made again."""
        self._below.remove_tree(folder)

    def preview_clean(self) -> Cleaned:
        """What `clean` would do; nothing is touched."""
        owned = self._manifest().files
        there = [path for path in sorted(owned) if self._below.kind(path) is not None]
        own = [path for path in there if self._is_own(path, owned)]
        folders = [f"{folder}/" for folder in SCRATCH if self._below.kind(folder) == "folder"]
        return Cleaned(removed=(*own, *folders), kept=tuple(path for path in there if path not in own))

    def clean(self) -> Cleaned:
        """Remove what mpy wrote and only that, then the folders left empty."""
        owned = self._manifest().files
        done = self.preview_clean()
        for path in done.removed:
            if path.endswith("/"):
                self._below.remove_tree(path.rstrip("/"))
            else:
                self._below.remove(path)
        # the manifest goes last: a clean that is killed can be run again
        self._prune(folders_of(owned) - {"mirage"})
        for path in (LOCK, OWNED):
            self._below.remove(path)
        self._prune({"mirage", "dist"})
        return done

    # -----------------------------------------------------------------------------------------------------------------
    # Comparing

    def _compared(self, folders: Mapping[str, Files], loose: Files, owned: Owned) -> Written:
        """What is to be done; `WouldOverwrite` where something of the user's is in the way."""
        created: list[str] = []
        changed: list[str] = []
        unchanged: list[str] = []
        self._below.refuse_links(*folders, *folders_of(loose))
        wanted = _flat(folders, loose)
        there = self._there(folders, loose)
        for path, content in sorted(wanted.items()):
            present = there.get(path)
            if path in there and present != content:
                self._refuse_foreign(path, owned=owned)
            (created if present is None else unchanged if present == content else changed).append(path)
        for path in there:
            if path not in wanted:
                self._refuse_foreign(path, owned=owned)
        stale = [path for path in sorted(owned) if path not in wanted and path.rpartition("/")[0] in folders]
        return Written(created=tuple(created), changed=tuple(changed), removed=tuple(stale), unchanged=tuple(unchanged))

    def _there(self, folders: Mapping[str, Files], loose: Files) -> dict[str, bytes | None]:
        """What stands at these paths and in these folders: the content of what is wanted there, None for all else."""
        there: dict[str, bytes | None] = {path: self._below.content(path) for path in loose}
        for folder, files in folders.items():
            names = [name for name in self._below.names(folder) if name in files or not is_scratch(name)]
            wanted = self._below.contents(folder, (name for name in names if name in files))
            there |= {f"{folder}/{name}": wanted.get(name) for name in names}
        return there

    def _refuse_foreign(self, path: str, found: str | None = None, *, owned: Owned) -> None:
        """Refuse to touch what is not mpy's; `found` is the digest of what is there, where that is known."""
        if self._below.kind(path) is None or self._is_own(path, owned, found):
            return
        raise WouldOverwrite(
            "this file was changed since mpy wrote it" if path in owned else "this file is not mpy's",
            location=Location(path),
            details=("mpy generates a file of this name, and overwrites only its own",),
            hint="move it away, or delete it, and run mpy again",
        )

    def _is_own(self, path: str, owned: Owned, found: str | None = None) -> bool:
        """Whether a file is as mpy wrote it; an empty one is what a power cut leaves of that."""
        found = found or self._below.digest(path)
        return found is not None and path in owned and (found == _EMPTY or found in owned[path])

    # -----------------------------------------------------------------------------------------------------------------
    # Writing

    def _put(self, folders: Mapping[str, Files], loose: Files, before: Owned, done: Written) -> None:
        from mirage_py.doors.swap import Change, put

        new = {path: frozenset({digest(content)}) for path, content in _flat(folders, loose).items()}
        touched = done.touched
        changing = folders_of(touched)
        kept = {path: digests for path, digests in before.items() if path not in done.removed}
        put(
            self._below,
            Change(
                folders={
                    folder: {name: encoded(text) for name, text in files.items()}
                    for folder, files in folders.items()
                    if folder in changing
                },
                loose={path: encoded(text) for path, text in loose.items() if path in touched},
                before=before,
                after={**kept, **new},
            ),
        )

    def _manifest(self) -> Manifest:
        content = self._below.read(OWNED)
        return Manifest() if content is None else read_manifest(content, Path(OWNED))

    def _save(self, owned: Owned) -> None:
        self._below.write(OWNED, manifest_text(Manifest(files=owned)), sync=True)

    def _all_below(self, folder: str) -> Iterator[str]:
        """Every file below a folder; a link is one, wherever it leads."""
        for name in self._below.names(folder):
            path = f"{folder}/{name}"
            if self._below.kind(path) == "folder":
                yield from self._all_below(path)
            else:
                yield path

    def _prune(self, folders: set[str] | frozenset[str]) -> None:
        for folder in sorted(folders, reverse=True):
            self._below.remove_if_empty(folder)

    # -----------------------------------------------------------------------------------------------------------------
    # What a killed mpy left

    def _recover(self) -> None:
        """End the exchange that was begun, and remove what never got to its place."""
        manifest = self._manifest()
        if manifest.swap is not None:
            from mirage_py.doors.swap import end_swap

            manifest = end_swap(self._below, manifest)
        self._sweep_home()
        folders = (folders_of(manifest.files) | {"dist"}) - {"mirage"}
        for folder in ("", *folders):
            for name in filter(is_scratch, self._below.names(folder)):
                self._sweep(f"{folder}/{name}".lstrip("/"))

    def _sweep(self, path: str) -> None:
        if self._below.kind(path) == "file":
            self._below.remove(path)
        elif "/" not in path:
            from mirage_py.doors.swap import sweep

            sweep(self._below, path)

    def _sweep_home(self) -> None:
        for name in self._below.names("mirage"):
            path, was = f"mirage/{name}", set_aside(name)
            if is_scratch(name):
                self._below.remove_tree(path) if self._below.kind(path) == "folder" else self._below.remove(path)
            elif was is not None and self._below.kind(f"mirage/{was}") is None:
                self._below.move(path, f"mirage/{was}")
            elif was is not None:
                self._below.remove_tree(path)


def write_whole(path: Path, text: str, *, sync: bool = True) -> None:
    """Write a file, whole or not at all, with `sync` on the disk; what stood there, a link included, gives way."""
    below = Below(path.parent)
    below.write(path.name, encoded(text), sync=sync)
    if sync:
        below.sync("")


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
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
    below = Below(folder)
    made: list[str] = []
    try:
        for name, text in files.items():
            below.create(name, encoded(text), sync=True)
            made.append(name)
    except BaseException:
        for name in made:
            below.remove(name)
        raise


def _flat(folders: Mapping[str, Files], loose: Files) -> dict[str, bytes]:
    within = {f"{folder}/{name}": text for folder, files in folders.items() for name, text in files.items()}
    return {path: encoded(text) for path, text in {**within, **loose}.items()}

"""mirage/duniverse: the vendored sources, compared with the lock, and exchanged as a whole.

What is right is left alone. What a person edited there is never overwritten, and what a person put there is theirs. A
new state is made beside the old one, of links to what stays and of what is new, and takes its place in one step.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from mirage_py.dataclass import dataclass, replace
from mirage_py.doors.files import Tree
from mirage_py.errors import Location, MpyError, WouldOverwrite
from mirage_py.packages.lock import Lock, LockedSource
from mirage_py.packages.manifest import (
    DUNIVERSE,
    KEPT_IN,
    Laid,
    Manifest,
    read_digests,
    read_manifest,
    write_digests,
    write_manifest,
)
from mirage_py.packages.stamps import changes, digests, stamp

__all__ = ["State", "Survey", "lay", "source_key", "survey"]

LAYOUT = 1
"""Raised when the same source is laid in another way: folders of an older layout are laid anew."""

Kind = Literal["right", "edited", "absent", "old", "gone", "linked", "foreign"]


@dataclass(frozen=True, kw_only=True)
class State:
    """How a folder stands to the lock.

    right: as it was laid, from the source that is locked; edited: that, changed by a person since, in `files`; absent:
    not there; old: laid from another source; gone: no longer locked; linked: a folder elsewhere serves; foreign: not
    laid by mpy.
    """

    folder: str
    kind: Kind
    files: tuple[str, ...] = ()
    blocked: bool = False


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Every folder of mirage/duniverse and of the lock, by name."""

    manifest: Manifest
    states: Mapping[str, State]

    def of(self, *kinds: Kind) -> tuple[str, ...]:
        """The folders of these kinds, sorted."""
        return tuple(sorted(name for name, state in self.states.items() if state.kind in kinds))


def survey(root: Path, lock: Lock) -> Survey:
    """How the folders below the folder of config.py stand to the lock."""
    manifest = read_manifest(root)
    wanted = {source.folder: source for source in lock.sources}
    there = {one.name for one in _entries(root / DUNIVERSE)}
    names = {*wanted, *manifest.folders, *there}
    states = {name: _state(root, name, manifest.folders.get(name), wanted.get(name), lock) for name in sorted(names)}
    return Survey(manifest=manifest, states=states)


def unchanged(root: Path, manifest: Manifest) -> bool:
    """Whether everything that was laid looks as it did then: nothing is read but names, sizes and times."""
    return all(_looks_right(root, name, laid) for name, laid in manifest.folders.items())


def source_key(source: LockedSource, lock: Lock) -> str:
    """What names a source and all that is laid over it: equal keys give equal folders."""
    versions = sorted((one.name, one.version) for one in lock.sharing(source.folder)) if source.substs else []
    return hashlib.sha256(repr((LAYOUT, source, versions)).encode()).hexdigest()


def refuse_blocked(root: Path, found: Survey) -> None:
    """Raise `WouldOverwrite` for what stands where the lock wants something else."""
    edited = [state for state in found.states.values() if state.blocked and state.files]
    foreign = [state for state in found.states.values() if state.blocked and not state.files]
    if edited:
        first = edited[0]
        raise WouldOverwrite(
            "these sources were edited, and mpy.lock wants others in their place",
            location=Location.of(root / DUNIVERSE / first.folder),
            details=tuple(f"{one.folder}: {_few(one.files)}" for one in edited),
            hint=f"work in a checkout (mpy dev {first.folder} ../{first.folder}), or delete the folder and pull again",
        )
    if foreign:
        raise WouldOverwrite(
            "this folder is not mpy's, and mpy.lock wants other sources there",
            location=Location.of(root / DUNIVERSE / foreign[0].folder),
            details=tuple(f"{one.folder}: not laid by mpy pull" for one in foreign[1:]),
            hint="move it to duniverse/, or delete it, and pull again",
        )


def lay(tree: Tree, manifest: Manifest, fresh: Mapping[str, Path], gone: Iterable[str]) -> Manifest:
    """Exchange mirage/duniverse for one with the `fresh` folders (moved from where they are) and without those `gone`.

    `manifest` says what the new state is; the stamps of what is fresh are filled in. Raises `MpyError` when the disk
    refuses, and then nothing has changed.
    """
    final = tree.root / DUNIVERSE
    new = tree.scratch()
    try:
        _gather(final, new, without={*fresh, *gone})
        done = replace(manifest, folders=dict(_moved_in(tree.root, new, manifest, fresh)))
        write_manifest(new, done)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise MpyError(
            f"cannot write: {error.strerror or error}",
            location=Location.of(error.filename or new),
            details=("the sources are as they were",),
            hint="check the permissions of the directory and the space on its disk",
        ) from None
    tree.swap_in(DUNIVERSE, new)
    return done


def renewed(root: Path, found: Survey) -> Manifest:
    """The manifest with stamps as they are now, of folders whose content was found to be right."""
    folders = {
        name: replace(laid, stamp=stamp(root / DUNIVERSE / name)) if _is_right(found, name) else laid
        for name, laid in found.manifest.folders.items()
    }
    return replace(found.manifest, folders=folders)


def _is_right(found: Survey, name: str) -> bool:
    return found.states[name].kind == "right" and found.manifest.folders[name].linked is None


# ---------------------------------------------------------------------------------------------------------------------
# Comparing


def _state(root: Path, name: str, laid: Laid | None, source: LockedSource | None, lock: Lock) -> State:
    path = root / DUNIVERSE / name
    if laid is None:
        kind: Kind = "foreign" if os.path.lexists(path) else "absent"
        return State(folder=name, kind=kind, blocked=kind == "foreign" and source is not None)
    if laid.chosen and os.path.lexists(path):
        return State(folder=name, kind="linked")
    if not os.path.lexists(path):
        return State(folder=name, kind="absent" if source else "gone")
    edited = _edits(root, name, laid)
    right = source is not None and laid.key == source_key(source, lock)
    if edited:
        return State(folder=name, kind="edited", files=edited, blocked=not right)
    return State(folder=name, kind="right" if right else "old" if source else "gone")


def _looks_right(root: Path, name: str, laid: Laid) -> bool:
    path = root / DUNIVERSE / name
    if laid.linked is not None:
        return path.is_dir() and path.is_symlink()
    return path.is_dir() and not path.is_symlink() and stamp(path) == laid.stamp


def _edits(root: Path, name: str, laid: Laid) -> tuple[str, ...]:
    """The files that a person changed since the folder was laid."""
    if _looks_right(root, name, laid):
        return ()
    path = root / DUNIVERSE / name
    if laid.linked is not None or path.is_symlink() or not path.is_dir():
        return (".",)
    was = read_digests(root / DUNIVERSE, name)
    return changes(was, digests(path)) if was is not None else (".",)


def _few(files: tuple[str, ...]) -> str:
    return ", ".join(files[:4]) + (f" and {len(files) - 4} more" if len(files) > 4 else "")


def _entries(folder: Path) -> Iterator[Path]:
    """What lies in the folder, but what dune does not look at."""
    if folder.is_dir():
        yield from (one for one in sorted(folder.iterdir()) if not one.name.startswith("."))


# ---------------------------------------------------------------------------------------------------------------------
# Laying


def _gather(final: Path, new: Path, without: set[str]) -> None:
    """Make `new` hold what stays of `final`: files under a second name, which costs no room and keeps their times."""
    new.mkdir(parents=True)
    for entry in _entries(final):
        if entry.name not in without:
            _second_name(entry, new / entry.name)
    for note in sorted((final / KEPT_IN / "files").glob("*.json")):
        if note.stem not in without:
            (new / KEPT_IN / "files").mkdir(parents=True, exist_ok=True)
            _second_name(note, new / KEPT_IN / "files" / note.name)


def _second_name(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, copy_function=_link)
    else:
        _link(str(source), str(target))


def _link(source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    try:
        os.link(source, target)
    except OSError:  # a file system without links, or one that has too many of this file
        shutil.copy2(source, target)


def _moved_in(root: Path, new: Path, manifest: Manifest, fresh: Mapping[str, Path]) -> Iterator[tuple[str, Laid]]:
    for name, laid in sorted(manifest.folders.items()):
        if name not in fresh:
            yield name, laid
        elif laid.linked is not None:
            (new / name).symlink_to(os.path.relpath(root / laid.linked, root / DUNIVERSE))
            yield name, laid
        else:
            fresh[name].rename(new / name)
            write_digests(new, name, digests(new / name))
            yield name, replace(laid, stamp=stamp(new / name))

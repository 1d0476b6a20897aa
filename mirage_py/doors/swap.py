"""All or nothing: a new `mirage/` is made beside the old one, and both change places in one step.

What is generated is there twice for a moment: what changes anew, what stays under a second name. Everything else below
`mirage/` moves over after the step: build directories, vendored sources, what anybody put there. Meanwhile
`mirage/dune` hides the folders, so that dune finds none of them rather than sources without their libraries; and the
new manifest names the old folder, so that whoever comes next ends what was begun.

Where a file system cannot exchange two folders (or gives no second names), files are replaced one by one, below a
`mirage/dune` that hides them from the first to the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mirage_py.dataclass import dataclass, replace
from mirage_py.doors import signals
from mirage_py.doors.below import Below, digest, is_scratch, scratch_name
from mirage_py.doors.lock import LOCK
from mirage_py.doors.manifest import OWNED, Manifest, Owned, Swap, folders_of, manifest_text, read_manifest
from mirage_py.errors import MpyError

__all__ = ["Change", "end_swap", "put", "sweep"]

HOME: Final = "mirage"
VEIL: Final = "mirage/dune"
HIDDEN: Final = b"; mpy was interrupted while it wrote the folders here: run it again.\n(data_only_dirs *)\n"
"""What `mirage/dune` says while the folders below it change."""


_MADE_AGAIN: Final = frozenset({VEIL, "mirage/dune-workspace", "mirage/keys.json"})
"""Of the files that all targets share, those whose content can be made again; as a target's folder can. A power cut may
leave them empty, which mpy takes for its own."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Folders with all that they are to hold, by name; single files by path; what is owned before and after."""

    folders: Mapping[str, Mapping[str, bytes]]
    loose: Mapping[str, bytes]
    before: Owned
    after: Owned

    @property
    def inside(self) -> Mapping[str, bytes]:
        """The single files below `mirage/`."""
        return {path: content for path, content in self.loose.items() if path.startswith(f"{HOME}/")}

    @property
    def outside(self) -> Mapping[str, bytes]:
        """The single files beside config.py."""
        return {path: content for path, content in self.loose.items() if path not in self.inside}


class _Unable(Exception):
    """The file system cannot do it in one step; all is as it was."""


def put(below: Below, change: Change) -> None:
    """Write a change: a crash at any point leaves all of it or nothing, once `end_swap` was called."""
    if change.outside:
        manifest = Manifest(files=_either(change.before, {p: change.after[p] for p in change.outside}))
        below.write_together({OWNED: manifest_text(manifest), **change.outside})
    try:
        _at_once(below, change)
    except _Unable:
        _one_by_one(below, change)


# ---------------------------------------------------------------------------------------------------------------------
# In one step


def _at_once(below: Below, change: Change) -> None:
    swap = Swap(old=scratch_name())
    try:
        moving = _stage(below, change, swap.old)
        if moving and (VEIL in change.loose or below.kind(VEIL) == "file"):
            swap = replace(swap, dune=scratch_name())
            below.move(f"{swap.old}/dune", f"{swap.old}/{swap.dune}")
            below.create(f"{swap.old}/dune", HIDDEN)
        chosen = [_staged(path, swap.old) for path in change.inside if path not in _MADE_AGAIN]
        below.write_together(_announced(Manifest(files=_veiled(change.after, swap), swap=swap)), synced=chosen)
        with signals.held():
            _exchange(below, swap.old)
            _move_over(below, swap.old, moving)
            end_swap(below, Manifest(files=change.after, swap=swap))
    except BaseException:
        sweep(below, swap.old)
        raise


def _exchange(below: Below, stage: str) -> None:
    if not below.exchange(stage, HOME):
        raise _Unable


def _stage(below: Below, change: Change, stage: str) -> tuple[str, ...]:
    """Make the new `mirage/`, but for what moves over when it is there: the names of that."""
    below.make_folder(stage)
    for path, text in _announced(Manifest(swap=Swap(old=stage))).items():
        below.write(path, text)  # first of all: it says whose this folder is
    generated = folders_of(change.before) | set(change.folders)
    moving = []
    for name in below.names(HOME):
        path = f"{HOME}/{name}"
        match below.kind(path):
            case "file" if path == OWNED or path in change.loose or is_scratch(name):
                pass
            case "file":
                _second_name(below, path, f"{stage}/{name}")
            case "folder" if path in change.folders:
                pass
            case "folder" if path in generated:
                _copy(below, path, f"{stage}/{name}")
            case _:
                moving.append(name)
    for folder, files in change.folders.items():
        _make(below, folder, files, _staged(folder, stage))
    for path, content in change.inside.items():
        below.create(_staged(path, stage), content)
    return tuple(moving)


def _staged(path: str, stage: str) -> str:
    """Where it is until the new `mirage/` is in its place."""
    return f"{stage}{path.removeprefix(HOME)}"


def _make(below: Below, folder: str, files: Mapping[str, bytes], place: str) -> None:
    """A folder with these files; those that stay as they are keep their times, so that dune need not read them."""
    there = below.contents(folder, files)
    fresh = {name: content for name, content in files.items() if there.get(name) != content}
    if fresh:
        below.create_all(place, fresh)
    for name, content in files.items():
        if there.get(name) == content:
            _second_name(below, f"{folder}/{name}", f"{place}/{name}")


def _copy(below: Below, folder: str, place: str) -> None:
    below.make_folder(place)
    for name in below.names(folder):
        if below.kind(f"{folder}/{name}") == "folder":
            _copy(below, f"{folder}/{name}", f"{place}/{name}")
        else:
            _second_name(below, f"{folder}/{name}", f"{place}/{name}")


def _second_name(below: Below, path: str, other: str) -> None:
    if not below.link(path, other):
        raise _Unable


def _move_over(below: Below, old: str, names: tuple[str, ...]) -> None:
    """Take these along from the old `mirage/`; where that is refused (a mount point), take everything back."""
    moved: list[str] = []
    try:
        for name in names:
            below.move(f"{old}/{name}", f"{HOME}/{name}")
            moved.append(name)
    except MpyError:
        for name in moved:
            below.move(f"{HOME}/{name}", f"{old}/{name}")
        if not below.exchange(old, HOME):
            raise
        raise _Unable from None


# ---------------------------------------------------------------------------------------------------------------------
# After the step: by who made it, or by who comes next


def end_swap(below: Below, manifest: Manifest) -> Manifest:
    """Carry over what is still in the old folder, show dune the new one; the manifest without the exchange."""
    if manifest.swap is None:
        return manifest
    old = manifest.swap.old
    if below.kind(old) == "folder":
        _carry(below, old, HOME, _listed(below, old))
        below.remove_if_empty(old)
    if manifest.swap.dune and below.kind(f"{HOME}/{manifest.swap.dune}") == "file":
        below.move(f"{HOME}/{manifest.swap.dune}", VEIL)
    done = Manifest(files=_unveiled(manifest.files))
    _save(below, done)
    below.sync("")
    return done


def _carry(below: Below, old: str, new: str, listed: Owned) -> None:
    """What is in the old folder and is no file of mpy's goes to the new one: nobody's file is lost on the way."""
    for name in below.names(old):
        source, target = f"{old}/{name}", f"{new}/{name}"
        if below.kind(source) != "folder":
            if (
                target in (OWNED, LOCK)
                or below.is_same(source, target)
                or below.digest(source) in listed.get(target, ())
            ):
                below.remove(source)
            else:
                below.move(source, target)
        elif below.kind(target) is None and target not in folders_of(listed):
            below.move(source, target)
        else:
            _carry(below, source, target, listed)
            below.remove_if_empty(source)


def _listed(below: Below, old: str) -> Owned:
    """The files of mpy's in the old folder."""
    content = below.content(f"{old}/{OWNED.rpartition('/')[2]}")
    try:
        return {} if content is None else read_manifest(content, below.root / old).files
    except MpyError:
        return {}


def sweep(below: Below, stage: str) -> None:
    """Remove a folder that was to become `mirage/`, and only such a one: it says in its manifest who it is."""
    name_of_manifest = OWNED.rpartition("/")[2]
    if below.kind(stage) != "folder":
        return
    content = below.content(f"{stage}/{name_of_manifest}")
    try:
        swap = None if content is None else read_manifest(content, below.root / stage).swap
    except MpyError:
        return
    if content is None:  # it had no name yet when mpy was ended, or was all that was left
        rest = [name for name in below.names(stage) if is_scratch(name)]
    else:
        rest = below.names(stage) if swap is not None and swap.old == stage else []
    for name in sorted(rest, key=lambda one: one == name_of_manifest):
        place = f"{stage}/{name}"
        below.remove_tree(place) if below.kind(place) == "folder" else below.remove(place)
    below.remove_if_empty(stage)


# ---------------------------------------------------------------------------------------------------------------------
# One by one


def _one_by_one(below: Below, change: Change) -> None:
    shown = change.loose.get(VEIL, below.content(VEIL))
    owned = _either(change.before, change.after)
    if shown is not None and change.folders:
        _save(below, Manifest(files=_either(owned, {VEIL: frozenset({digest(HIDDEN)})})))
        below.write(VEIL, HIDDEN)
    else:
        _save(below, Manifest(files=owned))
    for path, content in _in_folders(below, change):
        below.write(path, content)
    for path in change.before:
        if path not in change.after and path.rpartition("/")[0] in change.folders:
            below.remove(path)
    for folder in change.folders:
        below.remove_if_empty(folder)
    for path, content in change.inside.items():
        if path != VEIL:
            below.write(path, content, sync=path not in _MADE_AGAIN)
    if shown is not None:
        below.write(VEIL, shown)
    _save(below, Manifest(files=change.after))


def _in_folders(below: Below, change: Change) -> Iterator[tuple[str, bytes]]:
    """The files of the folders that are not there as they should be."""
    for folder, files in change.folders.items():
        there = below.contents(folder, files)
        yield from ((f"{folder}/{name}", content) for name, content in files.items() if there.get(name) != content)


# ---------------------------------------------------------------------------------------------------------------------
# The manifest


def _announced(manifest: Manifest) -> dict[str, bytes]:
    """The manifest of the folder that is to become `mirage/`, by its path."""
    assert manifest.swap is not None
    return {f"{manifest.swap.old}/{OWNED.rpartition('/')[2]}": manifest_text(manifest)}


def _save(below: Below, manifest: Manifest) -> None:
    below.write(OWNED, manifest_text(manifest), sync=True)


def _either(one: Owned, other: Owned) -> Owned:
    """Both, with the digests of both."""
    return {path: one.get(path, frozenset()) | other.get(path, frozenset()) for path in {**one, **other}}


def _veiled(owned: Owned, swap: Swap) -> Owned:
    return _either(owned, {VEIL: frozenset({digest(HIDDEN)})}) if swap.dune else owned


def _unveiled(owned: Owned) -> Owned:
    """Without the digest of what hides the folders."""
    left = owned.get(VEIL, frozenset()) - {digest(HIDDEN)}
    others = {path: digests for path, digests in owned.items() if path != VEIL}
    return {**others, VEIL: left} if left else others

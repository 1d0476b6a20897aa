"""A checkout in the place of a vendored package, until it is dropped; and whether sources are what the lock names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mirage_py.dataclass import dataclass, replace
from mirage_py.doors.files import Tree
from mirage_py.errors import Location, LockError, UsageError, WouldOverwrite
from mirage_py.packages.duniverse import lay, survey
from mirage_py.packages.lock import FILE, Lock, SolvedFor
from mirage_py.packages.lock_file import read_lock
from mirage_py.packages.manifest import DUNIVERSE, WRITTEN_TO, Laid, read_manifest

__all__ = ["Chosen", "check_locked", "chosen_folders", "drop", "put"]

Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A folder below mirage/duniverse that a checkout serves for, and the packages that come from it."""

    folder: str
    checkout: str
    packages: tuple[str, ...]


def put(root: Path, package: str, checkout: Path, *, waiting: Told = lambda _: None) -> Chosen:
    """Let a checkout serve in a package's place: a link to it stands in the package's folder.

    Raises `UsageError` for a checkout that is no folder, or is no dune project, and `WouldOverwrite` when what was
    pulled there was edited.
    """
    from mirage_py.libraries.dunefiles import read_sources

    _check(root, checkout)
    lock = _lock_or_none(root)
    folder = _folder_of(lock, package)
    tree = Tree(root)
    with tree.locked(waiting):
        tree.refuse_links(*WRITTEN_TO)
        found = survey(root, lock)
        state = found.states.get(folder)
        if state is not None and state.kind in {"edited", "foreign"}:
            raise WouldOverwrite(
                "this folder was edited" if state.files else "this folder is not mpy's",
                location=Location.of(root / DUNIVERSE / folder),
                details=state.files[:8],
                hint="take what is in it to the checkout, delete it, and run mpy dev again",
            )
        sources, linked = read_sources(checkout), os.path.relpath(checkout, root)
        laid = Laid(
            key="", linked=linked, chosen=True,
            provides=tuple(sorted(sources.provides({}))), needs=tuple(sorted(sources.needs({}))),
        )  # fmt: skip
        folders = {**found.manifest.folders, folder: laid}
        lay(tree, replace(found.manifest, folders=folders), {folder: root}, ())
    return Chosen(folder=folder, checkout=linked, packages=_sharing(lock, folder, package))


def drop(root: Path, package: str, *, waiting: Told = lambda _: None) -> Chosen:
    """Let what is locked serve again; the checkout itself is left as it is. What is locked is not laid yet."""
    lock = _lock_or_none(root)
    folder = _folder_of(lock, package)
    tree = Tree(root)
    with tree.locked(waiting):
        tree.refuse_links(*WRITTEN_TO)
        manifest = read_manifest(root)
        laid = manifest.folders.get(folder)
        if laid is None or not laid.chosen:
            there = ", ".join(one.folder for one in chosen_folders(root))
            raise UsageError(
                f"no checkout serves for {package}", hint=f"checkouts serve for {there}" if there else "none does"
            )
        rest = {name: one for name, one in manifest.folders.items() if name != folder}
        lay(tree, replace(manifest, lock="", folders=rest), {}, (folder,))
    return Chosen(folder=folder, checkout=str(laid.linked), packages=_sharing(lock, folder, package))


def chosen_folders(root: Path) -> tuple[Chosen, ...]:
    """The folders that checkouts serve for."""
    folders = read_manifest(root).folders
    return tuple(
        Chosen(folder=name, checkout=str(laid.linked), packages=laid.provides)
        for name, laid in sorted(folders.items())
        if laid.chosen
    )


def check_locked(root: Path) -> None:
    """Raise `LockError` unless the sources are what mpy.lock names, to the last file: no checkout, no edit."""
    found = survey(root, read_lock(root, trusted=False))
    wrong = [f"{one.folder}: a checkout serves, {one.checkout}" for one in chosen_folders(root)]
    wrong += [f"{name}: edited ({', '.join(found.states[name].files[:4])})" for name in found.of("edited")]
    wrong += [f"{name}: not laid yet, or from another lock" for name in found.of("absent", "old", "gone")]
    wrong += [f"{name}: not laid by mpy pull" for name in found.of("foreign")]
    if wrong:
        raise LockError(
            f"the sources are not those that {FILE} names, and --locked takes no others",
            location=Location.of(root / DUNIVERSE),
            details=tuple(wrong),
            hint="mpy dev --drop PKG for a checkout; mpy pull for the others",
        )


def _check(root: Path, checkout: Path) -> None:
    if not checkout.is_dir():
        raise UsageError(f"{checkout} is no folder", hint="name the folder of a checkout")
    if not (checkout / "dune-project").is_file() and not any(checkout.glob("*.opam")):
        raise UsageError(f"{checkout} has no dune-project", hint="name the folder that has it: the top of the checkout")
    if root.resolve().is_relative_to(checkout.resolve()):
        raise UsageError(f"{checkout} holds this project", hint="name a folder beside it")


def _lock_or_none(root: Path) -> Lock:
    """The lock, or one that names nothing: a checkout may serve before anything was locked."""
    return read_lock(root, trusted=False) if (root / FILE).is_file() else Lock(solved_for=SolvedFor(ocaml="", dune=""))


def _folder_of(lock: Lock, package: str) -> str:
    found = lock.package(package)
    if found is not None and found.source is not None:
        return found.source
    known = {source.folder for source in lock.sources}
    if lock.packages and package not in known:
        raise UsageError(
            f"{package} is not vendored by {FILE}",
            hint=f"there is {', '.join(sorted(one.name for one in lock.packages if one.source)[:12])}",
        )
    if not package or package.startswith(".") or "/" in package:
        raise UsageError(f"{package!r} is no name of a package")
    return package


def _sharing(lock: Lock, folder: str, package: str) -> tuple[str, ...]:
    return tuple(sorted(one.name for one in lock.sharing(folder))) or (package,)

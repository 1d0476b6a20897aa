"""Pull: lay the sources that mpy.lock names into mirage/duniverse, and leave alone what is right there."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.dataclass import dataclass, replace
from mirage_py.doors.files import Tree
from mirage_py.doors.network import Network
from mirage_py.errors import Location, LockError, MpyError, PackageConflict
from mirage_py.packages.duniverse import Survey, lay, refuse_blocked, renewed, source_key, survey, unchanged
from mirage_py.packages.lock import FILE, Folder, Lock
from mirage_py.packages.manifest import DUNIVERSE, WRITTEN_TO, Laid, Manifest, read_manifest, write_manifest
from mirage_py.project.reading import bytes_of

if TYPE_CHECKING:
    from mirage_py.libraries.dunefiles import Sources
    from mirage_py.packages.archives import Store

__all__ = ["Pulled", "Where", "pull"]

STAGING: Final = "mirage/.pull"
JOBS: Final = 8

Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where archives may come from: mirrors as the user named them, and the network unless it is shut."""

    mirrors: tuple[str, ...] = ()
    offline: bool = False
    jobs: int | None = None


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What `pull` did: folders by name; `linked` to folders elsewhere, `edited` with the files a person changed."""

    laid: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    linked: Mapping[str, str]
    edited: Mapping[str, tuple[str, ...]]
    left_out: int = 0


def pull(
    root: Path,
    where: Where,
    *,
    progress: Told = lambda _: None,
    waiting: Told = lambda _: None,
    warn: Told = lambda _: None,
) -> Pulled:
    """Make mirage/duniverse hold what mpy.lock beside config.py names.

    Raises `LockError` without a lock, `FetchFailed` for what cannot be had or is not what the lock names,
    `WouldOverwrite` where a person's work is in the way, `PackageConflict` for two libraries of one name. After a
    failure, and after an interrupt, the sources are as they were.
    """
    digest = _digest_of_lock(root)
    tree = Tree(root)
    with tree.locked(waiting):
        tree.refuse_links(*WRITTEN_TO)
        manifest = read_manifest(root)
        if manifest.lock == digest and unchanged(root, manifest):
            return _as_it_was(manifest)
        from mirage_py.packages.lock_file import read_lock

        return _Pull(tree, read_lock(root, trusted=False), digest, where, progress, warn).done()


def _digest_of_lock(root: Path) -> str:
    try:
        return hashlib.sha256(bytes_of(root / FILE)).hexdigest()
    except FileNotFoundError:
        raise LockError(f"there is no {FILE} beside config.py, which names the sources", hint="mpy lock") from None
    except OSError as error:
        raise LockError(f"{FILE} cannot be read: {error.strerror}", location=Location.of(root / FILE)) from None


def _as_it_was(manifest: Manifest) -> Pulled:
    linked = {name: laid.linked for name, laid in manifest.folders.items() if laid.linked is not None}
    return Pulled(kept=tuple(name for name in manifest.folders if name not in linked), linked=linked, edited={})


class _Pull:
    """One pull, under the lock of the tree."""

    def __init__(self, tree: Tree, lock: Lock, digest: str, where: Where, progress: Told, warn: Told) -> None:
        self.tree = tree
        self.root = tree.root
        self.lock = lock
        self.digest = digest
        self.where = where
        self.progress = progress
        self.warn = warn
        self.staging = tree.root / STAGING
        self.sources: dict[str, Sources] = {}

    def done(self) -> Pulled:
        found = survey(self.root, self.lock)
        refuse_blocked(self.root, found)
        self.tree.discard(STAGING)
        todo = found.of("absent", "old")
        if not todo and not found.of("gone"):
            manifest = replace(renewed(self.root, found), lock=self.digest)
            _write(self.root, manifest)
            return self._told(found, manifest, ())
        try:
            manifest, laid = self._lay(found, todo)
        finally:
            shutil.rmtree(self.staging, ignore_errors=True)
        return self._told(found, manifest, laid)

    def _lay(self, found: Survey, todo: tuple[str, ...]) -> tuple[Manifest, tuple[str, ...]]:
        stays = {name: laid for name, laid in found.manifest.folders.items() if found.states[name].kind not in _MOVES}
        self._obtain(todo)
        trees, needed = self._trees(stays)
        again = tuple(name for name, laid in stays.items() if needed & _names(laid.left_out) and _was_unpacked(laid))
        if again:  # a library of a tree that was left out is needed now
            stays = {name: laid for name, laid in stays.items() if name not in again}
            self._obtain(again)
            trees, needed = self._trees(stays)
        fresh = {name: self._laid(name, trees.get(name, {})) for name in (*todo, *again)}
        manifest = Manifest(lock=self.digest, folders=stays | fresh)
        self._check_names(found, manifest)
        self._leave_out(trees)
        done = lay(self.tree, manifest, {name: self.staging / name for name in fresh}, found.of("gone"))
        return done, tuple(sorted(fresh))

    def _obtain(self, folders: tuple[str, ...]) -> None:
        """The sources in folders of their own below the staging place, and what their dune files say."""
        from mirage_py.libraries.dunefiles import read_sources
        from mirage_py.packages.obtain import obtain
        from mirage_py.packages.transfers import Transfers

        fetched = tuple(name for name in folders if not isinstance(self.lock.source(name).origin, Folder))
        self.staging.mkdir(parents=True, exist_ok=True)
        transfers = Transfers(len(fetched), self.progress)
        obtain(self.lock, fetched, self.staging, self._store(), transfers, self.where.jobs or JOBS, root=self.root)
        self.progress("reading dune files")
        for name in folders:
            self.sources[name] = read_sources(self._place(name))

    def _store(self) -> Store:
        from mirage_py.packages import cache
        from mirage_py.packages.archives import Store, mirror_of

        opam = cache.of_opam()
        return Store(
            own=cache.of_user(),
            network=Network(offline=self.where.offline),
            others=(opam,) if opam else (),
            mirrors=tuple(mirror_of(one) for one in self.where.mirrors),
            warn=self.warn,
        )

    def _place(self, name: str) -> Path:
        """Where a folder that is being laid can be read."""
        origin = self.lock.source(name).origin
        if not isinstance(origin, Folder):
            return self.staging / name
        place = self.root / origin.path
        if not place.is_dir():
            raise LockError(
                f"{FILE} takes {name} from the folder {origin.path}, which is not there",
                location=Location.of(self.root / FILE),
                hint="put the folder there, or change the pin in config.py and lock again",
            )
        return place

    def _trees(self, stays: Mapping[str, Laid]) -> tuple[dict[str, dict[str, tuple[str, ...]]], frozenset[str]]:
        """For each new folder the trees that no library needs; and all libraries that are needed."""
        asked = {package.name for package in self.lock.packages}
        needed = frozenset(asked).union(*(laid.needs for laid in stays.values()))
        while True:
            trees = {name: sources.beside(needed) for name, sources in self.sources.items()}
            more = needed.union(*(one.needs(trees[name]) for name, one in self.sources.items()))
            if more == needed:
                return trees, needed
            needed = more

    def _laid(self, name: str, trees: Mapping[str, tuple[str, ...]]) -> Laid:
        from mirage_py.packages.obtain import label

        source, sources = self.lock.source(name), self.sources[name]
        linked = source.origin.path if isinstance(source.origin, Folder) else None
        return Laid(
            key=source_key(source, self.lock),
            version=label(self.lock, name).partition(" ")[2],
            packages={} if linked else {one.name: one.version for one in self.lock.sharing(name)},
            provides=tuple(sorted(sources.provides(trees))),
            needs=tuple(sorted(sources.needs(trees))),
            left_out={} if linked else trees,
            linked=linked,
        )

    def _leave_out(self, trees: Mapping[str, Mapping[str, object]]) -> None:
        """Take the trees away that dune is not to see; never from a folder that is elsewhere."""
        for name, unneeded in trees.items():
            for tree in unneeded:
                if (self.staging / name).is_dir():
                    shutil.rmtree(self.staging / name / tree)

    def _check_names(self, found: Survey, manifest: Manifest) -> None:
        """Raise `PackageConflict` where two folders have a library of one name."""
        from mirage_py.libraries.dunefiles import read_sources

        named = [(f"{DUNIVERSE}/{name}", laid.provides) for name, laid in manifest.folders.items()]
        others = [self.root / DUNIVERSE / name for name in found.of("foreign")]
        others += [one for one in sorted((self.root / "duniverse").glob("[!.]*")) if one.is_dir()]
        named += [(str(one.relative_to(self.root)), tuple(read_sources(one).provides({}))) for one in others]
        conflicts = list(_twice(named))
        if conflicts:
            name, places = conflicts[0]
            raise PackageConflict(
                f"the library {name} is in {len(places)} folders, and dune takes it from one only",
                details=(*places, *(f"{other} too: {', '.join(its)}" for other, its in conflicts[1:8])),
                hint=_way_out_of(places),
            )

    def _told(self, found: Survey, manifest: Manifest, laid: tuple[str, ...]) -> Pulled:
        linked = {name: one.linked for name, one in manifest.folders.items() if one.linked is not None}
        edited = {name: found.states[name].files for name in found.of("edited")}
        return Pulled(
            laid=laid,
            removed=found.of("gone"),
            kept=tuple(sorted({*manifest.folders} - {*laid, *linked, *edited})),
            linked=linked,
            edited=edited,
            left_out=sum(len(manifest.folders[name].left_out) for name in laid),
        )


_MOVES: Final = frozenset(("absent", "old", "gone"))


def _names(trees: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    return frozenset(name for names in trees.values() for name in names)


def _was_unpacked(laid: Laid) -> bool:
    return laid.linked is None


def _twice(named: list[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each library that is in several places, with these."""
    places: dict[str, list[str]] = {}
    for place, libraries in named:
        for library in libraries:
            places.setdefault(library, []).append(place)
    yield from ((name, tuple(where)) for name, where in sorted(places.items()) if len(where) > 1)


def _way_out_of(places: tuple[str, ...]) -> str:
    own = [place for place in places if not place.startswith(f"{DUNIVERSE}/")]
    if own:
        return f"remove {own[0]}, or keep it and take the package with mpy dev"
    return (
        "two packages of the lock bring the same library: report it to their authors, and lock another version of one"
    )


def _write(root: Path, manifest: Manifest) -> None:
    try:
        if (root / DUNIVERSE).is_dir() or manifest.folders:
            write_manifest(root / DUNIVERSE, manifest)
    except OSError as error:
        raise MpyError(f"cannot write: {error.strerror}", location=Location.of(root / DUNIVERSE)) from None

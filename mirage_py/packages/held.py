"""How the sources here stand to mpy.lock: what of it is pulled, and for what a checkout serves."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

from mirage_py.dataclass import dataclass, field
from mirage_py.packages.duniverse import source_key
from mirage_py.packages.lock import FILE, Lock, LockedPackage
from mirage_py.packages.lock_file import read_lock
from mirage_py.packages.manifest import Manifest, read_manifest
from mirage_py.project.reading import bytes_of

__all__ = ["Held", "held"]


@dataclass(frozen=True, kw_only=True)
class Held:
    """The lock, the folders of it that are not laid as it wants them, and those that checkouts serve for."""

    lock: Lock
    waiting: frozenset[str] = frozenset()
    checkouts: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """How much it is: `50 packages from 42 sources`."""
        vendored = sum(one.served == "vendored" for one in self.lock.packages)
        return f"{vendored} packages from {len(self.lock.sources)} sources"

    def waits(self, name: str) -> LockedPackage | None:
        """The package of this name, where `pull` would bring it."""
        package = self.lock.package(name)
        return package if package is not None and package.source in self.waiting else None

    def note(self, name: str) -> str:
        """What is to be said of a package beside who serves it now; empty where that is what is locked."""
        package = self.lock.package(name)
        if package is None or package.source is None:
            return ""
        if package.source in self.checkouts:
            return f"from the checkout {self.checkouts[package.source]}"
        return f"{package.version} in {FILE}, not pulled" if package.source in self.waiting else ""

    def brings(self, names: Collection[str]) -> bool:
        """Whether `pull` would bring all of these."""
        return all(self.waits(name) for name in names)


def held(root: Path) -> Held | None:
    """The lock beside config.py with how far it is pulled; None without one, `LockError` for one that is damaged."""
    path = root / FILE
    if not path.is_file():
        return None
    lock, manifest = read_lock(root), read_manifest(root)
    checkouts = {name: laid.linked for name, laid in manifest.folders.items() if laid.chosen and laid.linked}
    return Held(lock=lock, waiting=_waiting(path, lock, manifest) - checkouts.keys(), checkouts=checkouts)


def _waiting(path: Path, lock: Lock, manifest: Manifest) -> frozenset[str]:
    if manifest.lock == hashlib.sha256(bytes_of(path)).hexdigest():
        return frozenset()
    there = {name: laid.key for name, laid in manifest.folders.items()}
    return frozenset(one.folder for one in lock.sources if there.get(one.folder) != source_key(one, lock))

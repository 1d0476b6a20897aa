"""Archives by their checksums, in the layout of opam's own cache: `sha256/ab/abcd…`.

So an existing `~/.opam/download-cache` serves, a folder that was copied from one, and the archive mirror that opam's
people keep; and what mpy keeps can serve opam (`archive-mirrors`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mirage_py.dataclass import dataclass
from mirage_py.doors import memory
from mirage_py.packages.checksums import by_strength, mismatches

__all__ = ["Cache", "address", "of_opam", "of_user"]


@dataclass(frozen=True)
class Cache:
    """A folder of archives; a `foreign` one is read and never written."""

    root: Path
    foreign: bool = False

    def find(self, checksums: Iterable[str]) -> Path | None:
        """The archive for which all of these hold. One of mpy's own that was damaged is thrown away."""
        wanted = tuple(checksums)
        for checksum in by_strength(wanted):
            file = self.root / address(checksum)
            with suppress(OSError):
                if not mismatches(file, wanted):
                    return file
                if not self.foreign:
                    file.unlink()
        return None

    def keep(self, file: Path, checksums: Iterable[str]) -> Path:
        """Move a file, whose checksums hold, into the cache: to be found by each of them. Raises `OSError`."""
        first, *others = (self.root / address(checksum) for checksum in by_strength(checksums))
        first.parent.mkdir(parents=True, exist_ok=True)
        file.replace(first)
        for other in others:
            with suppress(OSError):  # one name is enough to find it again
                other.parent.mkdir(parents=True, exist_ok=True)
                _link(first, other)
        return first

    def incoming(self, checksums: Iterable[str]) -> Path:
        """Where a file with these checksums is put while it comes; the same for all who want it."""
        algorithm, _, digest = by_strength(checksums)[0].partition("=")
        return self.root / "incoming" / f"{algorithm}-{digest}"


def address(checksum: str) -> str:
    """Where a file of this checksum lies below a cache, or below a mirror's address."""
    algorithm, _, digest = checksum.partition("=")
    return f"{algorithm}/{digest[:2]}/{digest}"


def of_user() -> Cache:
    """The cache that all projects of this user share."""
    return Cache(memory.folder() / "archives")


def of_opam() -> Cache | None:
    """The cache of the opam on this machine, if there is one."""
    root = os.environ.get("OPAMROOT") or os.path.join(os.path.expanduser("~"), ".opam")
    folder = Path(root) / "download-cache"
    return Cache(folder, foreign=True) if folder.is_dir() else None


def _link(file: Path, name: Path) -> None:
    name.unlink(missing_ok=True)
    try:
        name.hardlink_to(file)
    except OSError:  # a file system without links
        shutil.copyfile(file, name)

"""Where package metadata comes from: the repositories that a project names, and what this user's cache keeps of each.

A project names its repositories in `mpy.toml` beside config.py (`repositories = ["https://…", "../metadata"]`); without
one they are opam's own and the overlays that have ports to dune. What was read once is kept as a snapshot in the
cache of the user, never in opam's own state, and read again when `mpy repo update` says so. A local folder, or a local
archive, is looked at each time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mirage_py.dataclass import dataclass
from mirage_py.doors import memory
from mirage_py.errors import ConfigError, FetchFailed, Location, MpyError
from mirage_py.packages.lock import LockedRepository
from mirage_py.packages.snapshot import MOST, Entries, Snapshot, from_archive, from_folder, open_snapshot, store
from mirage_py.project.reading import exact_text_of, toml_of

if TYPE_CHECKING:
    from mirage_py.doors.network import Network

__all__ = ["DEFAULTS", "SETTINGS", "Repositories", "Repository", "named", "settings_text", "snapshot_of"]

SETTINGS: Final = "mpy.toml"

DEFAULTS: Final = (
    "https://opam.ocaml.org/index.tar.gz",
    "https://github.com/ocaml-dune/opam-overlays/archive/refs/heads/main.tar.gz",
)
"""opam's own repository, and the overlays of released libraries that dune can build."""

Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository as it is now: what names it, and its packages."""

    source: str
    snapshot: Snapshot
    commit: str | None = None

    @property
    def locked(self) -> LockedRepository:
        """As a lock names it."""
        return LockedRepository(source=self.source, digest=self.snapshot.digest, commit=self.commit)


def named(root: Path) -> tuple[str, ...]:
    """The repositories of the project in a folder, first the one that goes before the others.

    Raises `ConfigError` for an mpy.toml that is broken.
    """
    found = _settings(root).get("repositories", DEFAULTS)
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) and one for one in found):
        raise ConfigError(
            "repositories is a list of addresses and folders",
            location=Location.of(root / SETTINGS),
            hint='for instance repositories = ["https://opam.ocaml.org/index.tar.gz"]',
        )
    return tuple(found)


def settings_text(root: Path, sources: Sequence[str]) -> str:
    """The content of mpy.toml that names these repositories; whatever else stands in it stays."""
    import tomli_w

    return tomli_w.dumps({**_settings(root), "repositories": list(sources)})


def _settings(root: Path) -> dict[str, Any]:  # any: what TOML holds
    path = root / SETTINGS
    try:
        return toml_of(exact_text_of(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        line = re.search(r"line (\d+)", str(error))
        place = Location.of(path)._replace(line=int(line.group(1)) if line else 0)
        raise ConfigError(f"this file cannot be read: {error}", location=place) from None


def snapshot_of(digest: str) -> Snapshot | None:
    """The packages of this digest, where the cache has them."""
    return open_snapshot(memory.folder() / "repositories", digest)


@dataclass(frozen=True, kw_only=True)
class Repositories:
    """The repositories of a project (paths are relative to `root`), read over a network that may be shut."""

    root: Path
    network: Network
    tell: Told = lambda _: None

    def read(self, source: str, *, again: bool = False) -> Repository:
        """A repository; one that is elsewhere as it was kept, unless it is to be read `again`.

        Raises `FetchFailed` when it cannot be had and none was kept, `Damaged` when what came is no repository. What
        was kept before stays.
        """
        try:
            return self._read(source, again=again)
        except MpyError as error:
            if source not in error.message:
                error.message = f"{source}: {error.message}"
            if isinstance(error, FetchFailed) and error.hint and self.local(source) is None:
                error.hint = f"{error.hint}, or name another repository with --repo"
            raise

    def kept(self, source: str) -> Repository | None:
        """What the cache has of a repository that is elsewhere."""
        answer = memory.recall("repository", {"source": source})
        found = open_snapshot(self._folder, str(answer["digest"])) if answer else None
        return Repository(source=source, snapshot=found, commit=answer.get("commit")) if found else None

    @property
    def _folder(self) -> Path:
        return memory.folder() / "repositories"

    def _read(self, source: str, *, again: bool) -> Repository:
        local = self.local(source)
        if local is not None:
            return self._of_path(source, local)
        kept = self.kept(source)
        if kept is not None and not again:
            return kept
        self.tell(source)
        return self._of_git(source, kept) if _is_git(source) else self._of_address(source, kept)

    def local(self, source: str) -> Path | None:
        """Where a repository of this machine is; None for one that is elsewhere."""
        if source.startswith("file://"):
            return Path(source.removeprefix("file://"))
        return None if "://" in source or source.startswith("git+") else self.root / os.path.expanduser(source)

    def _of_path(self, source: str, path: Path) -> Repository:
        if path.is_dir():
            return Repository(source=source, snapshot=store(from_folder(path), self._folder))
        if not path.is_file():
            raise FetchFailed(f"{source} is not there", hint="name a folder, an archive or an address: mpy repo --help")
        key = {"source": str(path.absolute())}
        answer = memory.recall("repository", key)
        found = open_snapshot(self._folder, str(answer["digest"])) if answer else None
        if found is None:
            self.tell(source)
            found = store(from_archive(path), self._folder)
            memory.remember("repository", key, {"digest": found.digest}, (path,))
        return Repository(source=source, snapshot=found)

    def _of_address(self, source: str, kept: Repository | None) -> Repository:
        from tempfile import TemporaryDirectory

        answer = memory.recall("repository", {"source": source}) or {}
        with TemporaryDirectory(prefix="mpy-") as folder:
            target = Path(folder) / "archive"
            came = self.network.download(source, target, limit=MOST, etag=answer.get("etag") if kept else None)
            if came is None and kept is not None:
                return kept
            return self._keep(source, from_archive(target), etag=came.etag if came else None)

    def _of_git(self, source: str, kept: Repository | None) -> Repository:
        from tempfile import TemporaryDirectory

        from mirage_py.packages import git

        url, _, ref = source.partition("#")
        cache = memory.folder()
        tree = git.resolve(url, ref or None, cache, offline=self.network.offline)
        if kept is not None and kept.commit == tree.commit:
            return kept
        with TemporaryDirectory(prefix="mpy-") as folder:
            git.check_out(tree, Path(folder) / "tree", cache, offline=self.network.offline)
            return self._keep(source, from_folder(Path(folder) / "tree"), commit=tree.commit)

    def _keep(self, source: str, entries: Entries, *, etag: str | None = None, commit: str | None = None) -> Repository:
        snapshot = store(entries, self._folder)
        known = {"digest": snapshot.digest, "etag": etag, "commit": commit}
        memory.remember("repository", {"source": source}, known, ())
        return Repository(source=source, snapshot=snapshot, commit=commit)


def _is_git(source: str) -> bool:
    return source.startswith(("git+", "git://")) or source.partition("#")[0].endswith(".git")

"""The repositories of a project: listed, added, removed, read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mirage_py.dataclass import dataclass
from mirage_py.doors.files import write_whole
from mirage_py.doors.network import Network
from mirage_py.errors import MpyError, UsageError, suggestion
from mirage_py.packages.repositories import SETTINGS, Repositories, Repository, named, settings_text

__all__ = ["Listed", "add", "kept", "listed", "remove", "update"]

Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A repository with the number of its versions and its digest, where it was read; `changed` after an update."""

    source: str
    count: int | None = None
    digest: str | None = None
    changed: bool | None = None


def listed(root: Path) -> tuple[Listed, ...]:
    """The repositories of a project, as the cache has them."""
    reading = Repositories(root=root, network=Network(offline=True))
    return tuple(_listed(source, kept(reading, source)) for source in named(root))


def add(root: Path, source: str, *, last: bool = False, offline: bool = False) -> Listed:
    """Name one more repository, once it was read.

    Raises `FetchFailed` or `Damaged` when there is none, `UsageError` when it is named already.
    """
    there = named(root)
    if source in there:
        raise UsageError(f"{source} is named already", hint="mpy repo list")
    found = Repositories(root=root, network=Network(offline=offline)).read(source, again=True)
    write_whole(root / SETTINGS, settings_text(root, (*there, source) if last else (source, *there)))
    return _listed(source, found)


def remove(root: Path, source: str) -> None:
    """Name a repository no more; `UsageError` for one that is not named."""
    there = named(root)
    if source not in there:
        raise UsageError(f"{source} is not named", hint=suggestion(source, there) or "mpy repo list")
    write_whole(root / SETTINGS, settings_text(root, [one for one in there if one != source]))


def update(root: Path, *, tell: Told = lambda _: None) -> tuple[Listed, ...]:
    """Read the repositories again, all of them; then raise what the first that could not be had raised."""
    reading = Repositories(root=root, network=Network(), tell=tell)
    done, failures = [], []
    for source in named(root):
        before = kept(reading, source)
        try:
            found = reading.read(source, again=True)
        except MpyError as error:
            failures.append(error)
        else:
            done.append(
                _listed(source, found, changed=before is None or before.snapshot.digest != found.snapshot.digest)
            )
    if failures:
        raise failures[0]
    return tuple(done)


def kept(reading: Repositories, source: str) -> Repository | None:
    """What is known of a repository without a connection."""
    try:
        return reading.kept(source) or (reading.read(source) if reading.local(source) else None)
    except MpyError:
        return None


def _listed(source: str, found: Repository | None, *, changed: bool | None = None) -> Listed:
    if found is None:
        return Listed(source=source)
    return Listed(source=source, count=found.snapshot.count, digest=found.snapshot.digest, changed=changed)

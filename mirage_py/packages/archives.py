"""Where an archive comes from: a cache by its checksum, a mirror by its checksum, at last the place it was released at.

That order serves a project for longest: hosts generate archives anew, and releases move, but a checksum stays. What
comes from anywhere is the file that all checksums hold for, or it is not there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from mirage_py.dataclass import dataclass, field
from mirage_py.doors.network import Network, is_remote
from mirage_py.errors import FetchFailed, Location, MpyError, Unreachable, UsageError
from mirage_py.packages.cache import Cache, address
from mirage_py.packages.checksums import Mismatch, by_strength, mismatches
from mirage_py.packages.transfers import Transfers

__all__ = ["ARCHIVE_MIRROR", "Failure", "Store", "WantedFile", "mirror_of"]

ARCHIVE_MIRROR: Final = "https://opam.ocaml.org/cache"
"""Where opam's people keep each archive of their repository, by checksum."""

LARGEST: Final = 512 << 20
"""Bytes: no archive of sources in opam's repository has a third of it."""

Warn = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class WantedFile:
    """One file to have: the name to show, where it was released, and the checksums that hold for it."""

    name: str
    urls: tuple[str, ...]
    checksums: tuple[str, ...]


class Failure(NamedTuple):
    """A place that did not give the file, and why; `mismatches` when it gave another one."""

    place: str
    reason: str
    mismatches: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Store:
    """Gets files from what is near first: caches, mirrors (folders or addresses), then the network at large."""

    own: Cache
    network: Network
    others: tuple[Cache, ...] = ()
    mirrors: tuple[str, ...] = ()
    archive_mirror: str | None = ARCHIVE_MIRROR
    warn: Warn = lambda _text: None
    silent: set[str] = field(default_factory=set)
    """Hosts that nobody answered for: asking each of them again for every archive would take an hour."""

    def get(self, wanted: WantedFile, transfers: Transfers) -> Path:
        """The file, in a cache; all its checksums hold.

        Raises `FetchFailed` with what each place said; of a file that is not the one, both values of each checksum.
        """
        near = self.find(wanted)
        if near is not None:
            transfers.done(wanted.name)
            return near
        failures: list[Failure] = []
        for place in self._places(wanted):
            outcome = self._from(place, wanted, transfers)
            if isinstance(outcome, Path):
                self._warn_of(wanted, failures)
                return outcome
            failures.append(outcome)
        raise _unavailable(wanted, failures, offline=self.network.offline)

    def find(self, wanted: WantedFile) -> Path | None:
        """The file where it takes no transfer: in a cache, or in a mirror that is a folder."""
        folders = [Cache(Path(one), foreign=True) for one in self.mirrors if not is_remote(one)]
        found = (cache.find(wanted.checksums) for cache in (self.own, *self.others, *folders))
        return next((file for file in found if file is not None), None)

    def _places(self, wanted: WantedFile) -> Iterator[str]:
        """The addresses to ask, in order; a mirror is asked by each checksum, the strongest first."""
        mirrors = [
            *(one for one in self.mirrors if is_remote(one)),
            *([self.archive_mirror] if self.archive_mirror else []),
        ]
        for mirror in mirrors:
            yield from (f"{mirror.rstrip('/')}/{address(checksum)}" for checksum in by_strength(wanted.checksums))
        yield from wanted.urls

    def _from(self, place: str, wanted: WantedFile, transfers: Transfers) -> Path | Failure:
        host = urlsplit(place).netloc
        if host in self.silent:
            return Failure(place, "nobody answered before")
        target = self.own.incoming(wanted.checksums)
        try:
            size = self._bring(place, target, wanted.name, transfers)
        except FetchFailed as failed:
            transfers.forget(wanted.name)
            if isinstance(failed, Unreachable):
                self.silent.add(host)
            return Failure(place, failed.message.removeprefix(f"{place}: "))
        return self._checked(place, target, wanted, transfers, size)

    def _checked(self, place: str, target: Path, wanted: WantedFile, transfers: Transfers, size: int) -> Path | Failure:
        """The file in the cache, if it is the right one; another mpy may have put it there meanwhile."""
        try:
            wrong = mismatches(target, wanted.checksums)
        except FileNotFoundError:
            found = self.find(wanted)
            return found or Failure(place, "came, and was taken away")
        if wrong:
            target.unlink()
            transfers.forget(wanted.name)
            return Failure(place, "gives another file", wrong)
        transfers.done(wanted.name, size)
        return self._kept(target, wanted)

    def _bring(self, place: str, target: Path, name: str, transfers: Transfers) -> int:
        """The size of what is at `target` now."""
        if urlsplit(place).scheme == "file":
            return _copied(Path(unquote(urlsplit(place).path)), target)
        if not is_remote(place):
            raise FetchFailed(f"{place}: mpy does not speak {urlsplit(place).scheme}")
        done = self.network.download(
            place,
            target,
            limit=LARGEST,
            checked=True,
            progress=lambda have, whole: transfers.advance(name, have, whole),
        )
        assert done is not None, "no earlier state was named"
        return done.size

    def _kept(self, file: Path, wanted: WantedFile) -> Path:
        try:
            return self.own.keep(file, wanted.checksums)
        except OSError as error:
            found = self.find(wanted) if isinstance(error, FileNotFoundError) else None
            if found:
                return found
            raise MpyError(
                f"cannot write: {error.strerror or error}",
                location=Location.of(self.own.root),
                hint="check the permissions of mpy's cache (XDG_CACHE_HOME) and the space on its disk",
            ) from None

    def _warn_of(self, wanted: WantedFile, failures: list[Failure]) -> None:
        """Tell of places that give something else: a mirror that is wrong, or an archive that was made anew."""
        for failure in failures:
            if failure.mismatches:
                self.warn(f"{failure.place} is not {wanted.name} as mpy.lock names it; another place had it")


def mirror_of(source: str) -> str:
    """A mirror as the user names it, an address or a folder. Raises `UsageError` for what is neither."""
    if is_remote(source):
        return source
    folder = Path(unquote(urlsplit(source).path) if source.startswith("file://") else source)
    if not folder.is_dir():
        raise UsageError(
            f"the mirror {source} is neither a folder nor an http(s) address",
            hint="a mirror has the layout of opam's download-cache: sha256/ab/abcd…",
        )
    return str(folder.absolute())


def _copied(source: Path, target: Path) -> int:
    try:
        size = source.stat().st_size
        if size > LARGEST:
            raise FetchFailed(f"{source}: {size} bytes, where at most {LARGEST} may be")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise FetchFailed(f"file://{source}: {error.strerror or error}") from None
    return size


def _unavailable(wanted: WantedFile, failures: list[Failure], *, offline: bool) -> FetchFailed:
    wrong = [failure for failure in failures if failure.mismatches]
    if wrong:
        return FetchFailed(
            f"{wanted.name}: what comes is not the archive that mpy.lock names; nothing of it was unpacked",
            details=tuple(_told(failures)),
            hint=(
                "an archive that was made anew, or tampered with: name a mirror that has the right one with --mirror, "
                "or lock again (mpy lock --update)"
            ),
        )
    if offline:
        return FetchFailed(
            f"{wanted.name} is in no cache, and --offline opens no connection",
            details=tuple(by_strength(wanted.checksums)[:1]),
            hint="run the command without --offline once, or name a folder that has it with --mirror",
        )
    return FetchFailed(
        f"{wanted.name} cannot be had",
        details=tuple(_told(failures)),
        hint="check the connection (and https_proxy, if there is one), or name a mirror with --mirror",
    )


def _told(failures: list[Failure]) -> Iterator[str]:
    """A line for each place, one for a host that nobody answers for."""
    seen: set[tuple[str, str]] = set()
    for failure in failures:
        key = (urlsplit(failure.place).netloc, failure.reason)
        if failure.mismatches or key not in seen:
            yield f"{failure.place}: {failure.reason}"
        seen.add(key)
        for mismatch in failure.mismatches:
            yield f"  expected {mismatch.expected}"
            yield f"  came     {mismatch.found}"

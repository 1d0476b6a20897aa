"""Sources as a lock names them become folders: fetched in parallel, checked, unpacked, laid over by the repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Final, ParamSpec

from mirage_py.dataclass import dataclass
from mirage_py.errors import FetchFailed
from mirage_py.packages import git
from mirage_py.packages.archives import Store, WantedFile
from mirage_py.packages.lock import Archive, GitTree, Lock, LockedSource
from mirage_py.packages.overlay import overlay
from mirage_py.packages.transfers import Transfers
from mirage_py.packages.unpack import unpack

__all__ = ["JOBS", "label", "obtain"]

JOBS: Final = 8
"""Downloads at once: a server is asked politely, and unpacking keeps two cores busy."""

SHOWN: Final = 12
"""Failures that are told one by one."""

P = ParamSpec("P")

Extras = Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class _Job:
    source: LockedSource
    name: str
    into: Path


def obtain(
    lock: Lock, folders: tuple[str, ...], staging: Path, store: Store, transfers: Transfers, jobs: int, *, root: Path
) -> None:
    """Make the folders of these sources below `staging`: archives in parallel, git repositories one by one.

    `root` is the folder of the lock, from which paths in it lead.
    Raises `FetchFailed` for all that cannot be had at once; what was fetched stays in the cache, so that another try
    goes on from there. An interrupt ends what is on its way.
    """
    made = [_Job(source=lock.source(one), name=label(lock, one), into=staging / one) for one in folders]
    archives = [job for job in made if isinstance(job.source.origin, Archive)]
    failures: dict[str, FetchFailed] = {}
    with _workers(store, jobs) as workers:
        pending = {workers.submit(_unpacked, job, store, transfers): job for job in archives}
        for job in made:
            if isinstance(job.source.origin, GitTree):
                _noted(failures, job, _checked_out, job, root, store, transfers)
        for future in as_completed(pending):
            job = pending[future]
            extra = _outcome(future, failures, job)
            if extra is not None:
                _noted(failures, job, _overlaid, job, extra, lock)
    if failures:
        raise _all_of(failures, len(made))


def label(lock: Lock, folder: str) -> str:
    """A source as a person knows it: its folder, and the version of what is in it."""
    sharing = lock.sharing(folder)
    chosen = next((one for one in sharing if one.name == folder), next(iter(sharing), None))
    return f"{folder} {chosen.version}" if chosen else folder


def _unpacked(job: _Job, store: Store, transfers: Transfers) -> Extras:
    """The archive as a folder, in a worker's thread; the files of its extra sources."""
    origin = job.source.origin
    assert isinstance(origin, Archive)
    wanted = [
        WantedFile(name=f"{job.name}: {one.name}", urls=one.urls, checksums=one.checksums)
        for one in job.source.extra_sources
    ]
    extra = {one.name: store.get(file, transfers) for one, file in zip(job.source.extra_sources, wanted, strict=True)}
    archive = store.get(WantedFile(name=job.name, urls=origin.urls, checksums=origin.checksums), transfers)
    unpack(archive, job.into, job.name)
    return extra


def _checked_out(job: _Job, root: Path, store: Store, transfers: Transfers) -> None:
    origin = job.source.origin
    assert isinstance(origin, GitTree)
    transfers.advance(job.name, 0, None)
    git.check_out(origin, job.into, store.own.root, root=root, offline=store.network.offline)
    transfers.done(job.name)


def _overlaid(job: _Job, extra: Extras, lock: Lock) -> None:
    versions = {one.name: one.version for one in lock.sharing(job.source.folder)}
    overlay(job.source, job.into, extra, versions)


@contextmanager
def _workers(store: Store, jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that stop at once when the block is left by an error or an interrupt."""
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="fetch")
    try:
        yield pool
    except BaseException:
        store.network.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(future: Future[Extras], failures: dict[str, FetchFailed], job: _Job) -> Extras | None:
    try:
        return future.result()
    except FetchFailed as failed:
        failures[job.source.folder] = failed
        return None


def _noted(failures: dict[str, FetchFailed], job: _Job, step: Callable[P, None], *args: P.args, **kw: P.kwargs) -> None:
    """Do a step; note when it fails for a reason that is this source's alone."""
    try:
        step(*args, **kw)
    except FetchFailed as failed:
        failures[job.source.folder] = failed


def _all_of(failures: Mapping[str, FetchFailed], count: int) -> FetchFailed:
    """One error that names all that cannot be had; the first tells what to do."""
    ordered = [failures[folder] for folder in sorted(failures)]
    if len(ordered) == 1:
        return ordered[0]
    details = [line for one in ordered[:SHOWN] for line in (one.message, *(f"  {detail}" for detail in one.details))]
    more = [f"and {len(ordered) - SHOWN} more"] if len(ordered) > SHOWN else []
    return FetchFailed(
        f"{len(ordered)} of {count} sources cannot be had; nothing was changed",
        details=(*details, *more),
        hint=ordered[0].hint,
    )

"""Lock: choose a version of every package that the unikernels need, and say in mpy.lock what was chosen, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mirage_py.dataclass import dataclass
from mirage_py.doors.files import write_whole
from mirage_py.doors.network import Network
from mirage_py.errors import Location, LockError
from mirage_py.packages.lock import FILE, GitTree, Lock
from mirage_py.packages.repositories import Repositories, named
from mirage_py.project.reading import exact_text_of
from mirage_py.workflow.fitting import misfits, misfits_of_config, otherwise, wanted_by
from mirage_py.workflow.request import Request, Wish
from mirage_py.workflow.resolve import resolution

__all__ = ["Change", "Locked", "check", "lock", "locked_first"]

Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A package that is in another version than before; None where it was not there, or is not any more."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, kw_only=True)
class Locked:
    """What was chosen, how it differs from what was locked before, and what else there is to say."""

    lock: Lock
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
    written: bool = False


def lock(request: Request, wish: Wish, *, tell: Told = lambda _: None) -> Locked:
    """Choose versions for all unikernels and targets of a request, and write mpy.lock unless `wish.dry`.

    Raises `PackageConflict` with the story when there is no solution, `FetchFailed` when a repository cannot be had,
    `LockError` for an earlier lock that is damaged.
    """
    from mirage_py.packages.lock_file import lock_text, read_lock
    from mirage_py.packages.locked import lock_of
    from mirage_py.workflow.machine import machine_of
    from mirage_py.workflow.solving import Solving

    before = read_lock(request.folder) if (request.folder / FILE).exists() else None
    found = resolution(request, before.labels if before else ())
    network = Network(offline=wish.offline)
    kept = _kept(before, wish)
    machine = machine_of(request, found, wish, network, _kept_origins(before, kept))
    tell("reading repositories")
    reading = Repositories(root=request.folder, network=network, tell=tell)
    sources = wish.repositories or named(request.folder)
    repositories = tuple(reading.read(source) for source in sources)
    asked = wanted_by(found)
    tell("choosing versions")
    with Solving(machine, [one.snapshot for one in repositories], asked) as solving:
        solution, candidates = solving.solved(kept)
        made = lock_of(
            solution, candidates, asked, machine.pinned, machine.solved_for(wish), (one.locked for one in repositories)
        )
        text = lock_text(made)
        path = request.folder / FILE
        written = not wish.dry and (before is None or exact_text_of(path) != text)
        if written:
            write_whole(path, text)
        notes = tuple(solving.notes(solution, candidates)) if written or wish.dry else ()
    return Locked(lock=made, changes=tuple(_changes(before, made)), notes=notes, written=written)


def check(request: Request, wish: Wish) -> Lock:
    """The lock, when it fits config.py and the repositories that are named; `LockError` with what does not fit.

    Opens no connection, and solves nothing.
    """
    from mirage_py.packages.lock_file import read_lock

    held = read_lock(request.folder)
    found = resolution(request, held.labels)
    _refuse((*misfits(held, found, request, wish.repositories), *otherwise(held, wish)), request)
    return held


def locked_first(request: Request, wish: Wish, *, tell: Told = lambda _: None) -> Locked | None:
    """Lock where nothing was locked yet; else None, and `LockError` where what is locked does not fit config.py."""
    from mirage_py.packages.lock_file import read_lock

    if not (request.folder / FILE).is_file():
        return lock(request, wish, tell=tell)
    _refuse(misfits_of_config(read_lock(request.folder), resolution(request)), request)
    return None


def _refuse(wrong: tuple[str, ...], request: Request) -> None:
    if wrong:
        raise LockError(
            f"this lock does not fit {request.file.name}",
            location=Location.of(request.folder / FILE),
            details=wrong,
            hint="mpy lock",
        )


def _kept(before: Lock | None, wish: Wish) -> Mapping[str, str]:
    """The versions that are to stay where they can."""
    if before is None or wish.update == ():
        return {}
    moving = {*(wish.update or ())}
    known = {one.name for one in before.packages}
    strange = sorted(moving - known)
    if strange:
        raise LockError(f"{FILE} has no package {strange[0]}", hint="mpy lock --update alone moves all of them")
    return {one.name: one.version for one in before.packages if one.name not in moving}


def _kept_origins(before: Lock | None, kept: Mapping[str, str]) -> Mapping[str, GitTree]:
    """The commits of pinned packages that stay, whatever a branch or tag has become."""
    found = ((one.name, before.source(one.source).origin) for one in before.packages if one.source) if before else ()
    return {name: origin for name, origin in found if name in kept and isinstance(origin, GitTree)}


def _changes(before: Lock | None, after: Lock) -> Iterator[Change]:
    old = {one.name: one.version for one in before.packages} if before else {}
    new = {one.name: one.version for one in after.packages}
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Change(name=name, old=old.get(name), new=new.get(name))

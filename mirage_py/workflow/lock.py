"""Lock: choose a version of every package that the unikernels need, and say in mpy.lock what was chosen, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_py.dataclass import dataclass
from mirage_py.doors.files import write_whole
from mirage_py.doors.network import Network
from mirage_py.errors import Location, LockError
from mirage_py.packages.formula import bound_text, holds
from mirage_py.packages.lock import FILE, Archive, Lock
from mirage_py.packages.repositories import SETTINGS, Repositories, named, snapshot_of
from mirage_py.packages.requests import Wanted, wanted
from mirage_py.project.reading import exact_text_of
from mirage_py.workflow.request import Request, Wish
from mirage_py.workflow.resolve import Resolution, resolution

if TYPE_CHECKING:
    from mirage_py.packages.requests import Asked

__all__ = ["Change", "Locked", "check", "lock", "locked_first", "misfits"]

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

    found = resolution(request)
    before = read_lock(request.folder) if (request.folder / FILE).exists() else None
    network = Network(offline=wish.offline)
    machine = machine_of(request, found, wish, network)
    tell("reading repositories")
    reading = Repositories(root=request.folder, network=network, tell=tell)
    sources = wish.repositories or named(request.folder)
    repositories = tuple(reading.read(source) for source in sources)
    asked = _wanted(found)
    tell("choosing versions")
    with Solving(machine, [one.snapshot for one in repositories], asked) as solving:
        solution, candidates = solving.solved(_kept(before, wish))
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
    _refuse(misfits(held, resolution(request), request, wish.repositories), request)
    return held


def locked_first(request: Request, wish: Wish, *, tell: Told = lambda _: None) -> Locked | None:
    """Lock where nothing was locked yet; else None, and `LockError` where what is locked does not fit config.py."""
    from mirage_py.packages.lock_file import read_lock

    if not (request.folder / FILE).is_file():
        return lock(request, wish, tell=tell)
    _refuse(tuple(_misfits(read_lock(request.folder), _wanted(resolution(request)))), request)
    return None


def _refuse(wrong: tuple[str, ...], request: Request) -> None:
    if wrong:
        raise LockError(
            f"this lock does not fit {request.file.name}",
            location=Location.of(request.folder / FILE),
            details=wrong,
            hint="mpy lock",
        )


def misfits(held: Lock, found: Resolution, request: Request, repositories: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a lock and the configuration disagree on, and the repositories that are named."""
    return (*_misfits(held, _wanted(found)), *_elsewhere(held, request.folder, repositories))


def _misfits(held: Lock, asked: Sequence[Wanted]) -> Iterator[str]:
    """What config.py and a lock disagree on."""
    there = {one.label: one for one in held.unikernels}
    for one in asked:
        locked = there.get(one.label)
        if locked is None:
            yield f"{one.label} is not in it"
            continue
        more, less = sorted({*one.texts} - {*locked.asks}), sorted({*locked.asks} - {*one.texts})
        yield from (f"{one.label} asks for {text}, which is not in it" for text in more)
        yield from (f"{one.label} no longer asks for {text}" for text in less)
        if not more:
            yield from (text for wish in one.asked if (text := _unmet(held, one.label, wish)))


def _unmet(held: Lock, label: str, wish: Asked) -> str:
    """What is wrong with the locked version of what a unikernel asks for; empty where nothing is."""
    package = held.package(wish.name)
    asked = f"{label} asks for {wish.name} {bound_text(wish.bound)}".rstrip()
    if package is None:
        given = {"ocaml": held.solved_for.ocaml, "dune": held.solved_for.dune}
        return "" if wish.name in given else f"{asked}, and no version is locked"
    fits = package.served == "vendored" and package.version != "dev"
    return f"{asked}, and {package.version} is locked" if fits and not holds(wish.bound, package.version) else ""


def _elsewhere(held: Lock, root: Path, sources: tuple[str, ...]) -> Iterator[str]:
    """What a lock and the repositories disagree on: those that are named now, and the packages of those it names."""
    made_from = tuple(one.source for one in held.repositories)
    expected = sources or (named(root) if (root / SETTINGS).exists() else made_from)
    if made_from != expected:
        yield f"it was made from {', '.join(made_from)}; named are {', '.join(expected)}"
    kept = [snapshot_of(one.digest) for one in held.repositories]
    if all(kept):
        archives = {one.folder for one in held.sources if isinstance(one.origin, Archive)}
        for package in held.packages:
            if package.source in archives and not any(
                package.version in one.versions(package.name) for one in kept if one
            ):
                yield f"{package.name} {package.version} is in none of its repositories"


def _wanted(found: Resolution) -> tuple[Wanted, ...]:
    return tuple(wanted(one.info.label, one.info.target, one.info.requirements) for one in found.resolved)


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


def _changes(before: Lock | None, after: Lock) -> Iterator[Change]:
    old = {one.name: one.version for one in before.packages} if before else {}
    new = {one.name: one.version for one in after.packages}
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Change(name=name, old=old.get(name), new=new.get(name))

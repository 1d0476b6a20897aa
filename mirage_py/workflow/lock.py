"""Lock: choose a version of every package that the unikernels need, and say in mpy.lock what was chosen, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.doors.files import write_whole
from mirage_py.doors.network import Network
from mirage_py.errors import Location, LockError, MpyError, PackageConflict
from mirage_py.packages.candidates import Candidates, Given, environment
from mirage_py.packages.formula import bound_text, holds
from mirage_py.packages.lock import FILE, Archive, Lock
from mirage_py.packages.repositories import SETTINGS, Repositories, Repository, named, snapshot_of
from mirage_py.packages.requests import Wanted, wanted
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import Resolution, resolution

if TYPE_CHECKING:
    from mirage_py.packages.encode import Asked
    from mirage_py.packages.ports import Unported
    from mirage_py.packages.solve import Failed, Solution
    from mirage_py.workflow.machine import Machine

__all__ = ["Change", "Locked", "Wish", "check", "lock", "locked_first", "misfits"]

DEBIAN_13: Final = ("5.3.0", "3.17.2")
"""OCaml and dune of a system on which today's released libraries build."""

Told = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How to lock: `repositories` in place of the project's, another compiler than the machine's, what may serve.

    `update` names the packages that are to move (none of them: all); None keeps what is locked where it can stay.
    """

    repositories: tuple[str, ...] = ()
    ocaml: str | None = None
    dune: str | None = None
    bundled: bool = True
    installed: bool = False
    update: tuple[str, ...] | None = None
    offline: bool = False
    dry: bool = False


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
    solving = _Solving(machine, repositories, asked)
    solution, candidates = solving.solved(_kept(before, wish))
    made = lock_of(
        solution, candidates, asked, machine.pinned, machine.solved_for(wish), (one.locked for one in repositories)
    )
    text = lock_text(made)
    path = request.folder / FILE
    written = not wish.dry and (before is None or path.read_text("utf-8") != text)
    if written:
        write_whole(path, text)
    notes = tuple(solving.notes(solution))
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


def _listed(packages: Iterable[Unported]) -> str:
    return ", ".join(one.name for one in packages)


class _Solving:
    """One request and the ways to solve it; what other circumstances would give is found out here too."""

    def __init__(self, machine: Machine, repositories: Sequence[Repository], asked: Sequence[Wanted]) -> None:
        self.machine = machine
        self.repositories = [one.snapshot for one in repositories]
        self.asked: tuple[Asked, ...] = tuple(dict.fromkeys(one for wants in asked for one in wants.asked))
        self.freestanding = frozenset(one.name for wants in asked if wants.freestanding for one in wants.asked)

    def solved(self, keep: Mapping[str, str]) -> tuple[Solution, Candidates]:
        from mirage_py.packages.solve import Failed

        given = self.machine.given(self.repositories)
        found, candidates = self._solve(given, self.asked, keep)
        if isinstance(found, Failed):
            raise self._refusal(found, candidates)
        return found, candidates

    def _solve(
        self, given: Given, asked: Sequence[Asked], keep: Mapping[str, str]
    ) -> tuple[Solution | Failed, Candidates]:
        from mirage_py.packages.solve import solve

        candidates = Candidates(
            repositories=self.repositories, given=given, environment=environment(), freestanding=self.freestanding
        )
        return solve(asked, candidates, keep), candidates

    def _solvable(self, given: Given, asked: Sequence[Asked] | None = None) -> bool:
        from mirage_py.packages.solve import Solution

        return isinstance(self._solve(given, self.asked if asked is None else asked, {})[0], Solution)

    def _refusal(self, failed: Failed, candidates: Candidates) -> MpyError:
        from mirage_py.packages.explain import story
        from mirage_py.packages.ports import lacking

        ways = "\n".join(self._ways(failed, candidates.given))
        found = lacking(self.asked, candidates)
        ports = tuple(map(str, found.unported))
        if ports and not found.failures:
            return PackageConflict(
                f"dune has to build what goes into an image, and cannot build {_listed(found.unported)}",
                details=ports,
                hint=ways or "name a repository that has ports (mpy repo add SOURCE), or do without",
            )
        failures = found.failures or (failed,)
        names = dict.fromkeys(one.name for each in failures for one in each.core)
        also = (f"dune cannot build these either: {_listed(found.unported)}", *ports) if ports else ()
        return PackageConflict(
            f"no choice of versions has all that config.py asks for: {', '.join(names)}",
            details=(*(line for each in failures for line in story(each)), *also),
            hint=ways or "name a repository that has them: mpy repo add SOURCE",
        )

    def _ways(self, failed: Failed, given: Given) -> Iterator[str]:
        """The single changes that would make it solvable."""
        ocaml, dune = DEBIAN_13
        if self._solvable(replace(given, ocaml=ocaml, dune=dune)):
            yield f"with OCaml {ocaml} and dune {dune} there is a solution: Debian 13 has both"
        if not given.bundled and self.machine.bundled and self._solvable(replace(given, bundled=self.machine.bundled)):
            yield "with the libraries that come with mpy there is one: leave --no-bundled out"
        for pin in given.pinned:
            others = tuple(one for one in given.pinned if one is not pin)
            if self._solvable(replace(given, pinned=others)):
                yield f"without the pin of {pin.name} there is one"
        for one in failed.core:
            if one.bound is not None:
                loose = [replace(other, bound=None) if other == one else other for other in self.asked]
                if self._solvable(given, loose):
                    yield f'with other bounds there is one: override(package("{one.name}", min=..., max=...))'

    def notes(self, solution: Solution) -> Iterator[str]:
        """What a newer compiler would change, where mpy's own libraries had to serve."""
        ocaml, dune = DEBIAN_13
        given = self.machine.given(self.repositories)
        if solution.bundled and self._solvable(replace(given, ocaml=ocaml, dune=dune, bundled=())):
            yield (
                f"libraries that come with mpy serve, because no released ones fit OCaml {given.ocaml} and dune "
                f"{given.dune}; with OCaml {ocaml} and dune {dune} (Debian 13) released ones would"
            )

"""Whether a lock fits: config.py, the repositories that are named, and what the command line says.

Nothing is solved, and no connection is opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_py.dsl.key import TARGETS
from mirage_py.packages.formula import bound_text, holds
from mirage_py.packages.lock import Archive, Folder, GitTree, Lock, Origin
from mirage_py.packages.repositories import SETTINGS, named, snapshot_of
from mirage_py.packages.requests import Wanted, wanted

if TYPE_CHECKING:
    from mirage_py.dsl.package import Pin
    from mirage_py.packages.requests import Asked
    from mirage_py.workflow.request import Request, Wish
    from mirage_py.workflow.resolve import Resolution

__all__ = ["misfits", "misfits_of_config", "otherwise", "wanted_by"]


def wanted_by(found: Resolution) -> tuple[Wanted, ...]:
    """What each unikernel on each target asks for."""
    return tuple(wanted(one.info.label, one.info.target, one.info.requirements) for one in found.resolved)


def misfits(held: Lock, found: Resolution, request: Request, repositories: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a lock and the configuration disagree on, and the repositories that are named."""
    return (
        *misfits_of_config(held, found),
        *_gone(held, found),
        *_elsewhere(held, request.folder, repositories),
        *(["it was changed after mpy lock wrote it"] if held.edited else []),
    )


def misfits_of_config(held: Lock, found: Resolution) -> tuple[str, ...]:
    """What config.py and a lock disagree on, a line for all unikernels of which it holds."""
    labels: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in wanted_by(found):
        for what in _misfits(held, one):
            labels[what].append(one.label)
    together = [f"{', '.join(of)} {one if len(of) == 1 else several}" for (one, several), of in labels.items()]
    return (*together, *_repinned(held, found))


def otherwise(held: Lock, wish: Wish) -> Iterator[str]:
    """What was solved for otherwise than the command line says."""
    solved = held.solved_for
    for name, locked, said in (("OCaml", solved.ocaml, wish.ocaml), ("dune", solved.dune, wish.dune)):
        if said is not None and said != locked:
            yield f"it was made for {name} {locked}; named is {said}"
    if solved.bundled and not wish.bundled:
        yield "it was made with the libraries that come with mpy"
    if wish.installed and not solved.installed:
        yield "it was made without the libraries that are installed"


def _misfits(held: Lock, one: Wanted) -> Iterator[tuple[str, str]]:
    """What is wrong for a unikernel, in words for one and in words for several."""
    locked = next((other for other in held.unikernels if other.label == one.label), None)
    if locked is None:
        yield "is not in it", "are not in it"
        return
    more, less = sorted({*one.texts} - {*locked.asks}), sorted({*locked.asks} - {*one.texts})
    yield from ((f"asks for {text}, which is not in it", f"ask for {text}, which is not in it") for text in more)
    yield from ((f"no longer asks for {text}", f"no longer ask for {text}") for text in less)
    if not more:
        found = (text for wish in one.asked if (text := _unmet(held, wish)))
        yield from ((f"asks for {text}", f"ask for {text}") for text in found)


def _unmet(held: Lock, wish: Asked) -> str:
    """What is wrong with the locked version of what a unikernel asks for; empty where nothing is."""
    package = held.package(wish.name)
    asked = f"{wish.name} {bound_text(wish.bound)}".rstrip()
    if package is None:
        given = {"ocaml": held.solved_for.ocaml, "dune": held.solved_for.dune}
        return "" if wish.name in given else f"{asked}, and no version is locked"
    fits = package.served == "vendored" and package.version != "dev"
    return f"{asked}, and {package.version} is locked" if fits and not holds(wish.bound, package.version) else ""


def _repinned(held: Lock, found: Resolution) -> Iterator[str]:
    """The packages that config.py pins to another place than the locked one, or pins no more."""
    pins = {ask.name: ask.pin for one in found.resolved for ask in one.info.requirements if ask.pin}
    origins = {one.folder: one.origin for one in held.sources}
    seen = {one.info.label for one in found.resolved}
    for package in held.packages:
        pin, locked = pins.get(package.name), _place(origins.get(package.source or ""))
        if pin is not None and _pinned(pin) != locked:
            yield f"{package.name} is pinned to {pin.url}, and locked from {locked or 'a repository'}"
        if pin is None and locked and seen.issuperset(package.unikernels):
            yield f"{package.name} is locked from {locked}, and not pinned any more"


def _pinned(pin: Pin) -> str:
    return pin.url.removeprefix("file://")


def _place(origin: Origin | None) -> str:
    """Where a package was pinned to; empty for one of a repository."""
    match origin:
        case Folder(path=path):
            return path
        case GitTree(url=url, ref=ref):
            return f"{url}#{ref}" if ref else url
        case _:
            return ""


def _gone(held: Lock, found: Resolution) -> Iterator[str]:
    """What a lock is for that config.py does not register any more."""
    names = {unikernel.name for one in found.resolved for unikernel in one.config.unikernels}
    known = {f"{name}-{target}" for name in names for target in TARGETS} | {one.info.label for one in found.resolved}
    gone = sorted({*held.labels} - known)
    if gone:
        yield f"it is for {', '.join(gone)} too, which config.py does not have"


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

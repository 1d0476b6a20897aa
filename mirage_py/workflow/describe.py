"""Describe: every unikernel that the request names, with who serves its libraries on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mirage_py.dataclass import dataclass, replace
from mirage_py.describe.served import Served, Sources
from mirage_py.errors import MpyError
from mirage_py.model.closure import Closure
from mirage_py.packages.held import Held, held
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.closures import closures_or_none, linked
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolution


@dataclass(frozen=True, kw_only=True)
class Described:
    """A unikernel on a target, and by library who serves it; nobody on a machine without the tools that know.

    `sources` are those of mpy.lock, where there is one.
    """

    resolved: Resolved
    served: Mapping[str, Served]
    sources: Sources | None = None


def described(request: Request) -> tuple[Described, ...]:
    """All that the request names, in its order."""
    found = resolution(request)
    closures = closures_or_none(request, found)
    locked, sources = _locked(request.folder)
    return tuple(
        Described(
            resolved=one, served=_served(closures.get(one.plan.label), one.info.libraries, locked), sources=sources
        )
        for one in found.resolved
    )


def _locked(folder: Path) -> tuple[Held | None, Sources | None]:
    """What mpy.lock says, in full and at a glance."""
    try:
        found = held(folder)
    except MpyError as error:
        return None, Sources(trouble=error.message)
    if found is None:
        return None, None
    return found, Sources(size=found.size, waiting=tuple(sorted(found.waiting)), checkouts=found.checkouts)


def _served(closure: Closure | None, names: tuple[str, ...], locked: Held | None) -> Mapping[str, Served]:
    """Who serves each library of the image: those that the configuration asks for (`names`), and all they need.

    With what mpy.lock says beside that.
    """
    if closure is None:
        return {}
    notes = {name: locked.note(name.partition(".")[0]) if locked is not None else "" for name in linked(closure)}
    return {
        name: replace(_one(closure, name, asked=name in names), locked=note or None) for name, note in notes.items()
    }


def _one(closure: Closure, name: str, *, asked: bool) -> Served:
    found = closure.by_name.get(name)
    if found is None:
        by = next((asker for one in closure.missing if name in one.libraries for asker in one.askers), None)
        return Served(origin="missing", needed_by=None if asked else by)
    passed = "; ".join(str(one) for one in found.rejected)
    return Served(
        origin=found.library.origin,
        version=found.library.version,
        instead=passed or None,
        needed_by=None if asked or len(found.path) == 1 else found.path[-2],
    )

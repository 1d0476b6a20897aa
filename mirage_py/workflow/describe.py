"""Describe: every unikernel that the request names, with who serves its libraries on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mirage_py.describe.served import Served
from mirage_py.model.closure import Closure
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.closures import closures_or_none, linked
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolution


@dataclass(frozen=True, kw_only=True)
class Described:
    """A unikernel on a target, and by library who serves it; nobody on a machine without the tools that know."""

    resolved: Resolved
    served: Mapping[str, Served]


def described(request: Request) -> tuple[Described, ...]:
    """All that the request names, in its order."""
    found = resolution(request)
    closures = closures_or_none(request, found)
    return tuple(
        Described(resolved=one, served=_served(closures.get(one.plan.label), one.info.libraries))
        for one in found.resolved
    )


def _served(closure: Closure | None, names: tuple[str, ...]) -> Mapping[str, Served]:
    """Who serves each library of the image: those that the configuration asks for (`names`), and all they need."""
    if closure is None:
        return {}
    return {name: _one(closure, name, asked=name in names) for name in linked(closure)}


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

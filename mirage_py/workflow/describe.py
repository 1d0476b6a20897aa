"""Describe: every unikernel that the request names, with who serves its libraries on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mirage_py.describe.served import Served
from mirage_py.model.closure import Closure
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.closures import closures_or_none
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
    """Who serves each library that the configuration asks for by name."""
    if closure is None:
        return {}
    return {name: _one(closure, name) for name in names}


def _one(closure: Closure, name: str) -> Served:
    found = closure.by_name.get(name)
    if found is None:
        return Served(origin="missing")
    passed = "; ".join(str(one) for one in found.rejected)
    return Served(origin=found.library.origin, version=found.library.version, instead=passed or None)

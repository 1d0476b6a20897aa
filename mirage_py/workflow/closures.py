"""From resolved plans to their closures: who serves what on this machine, computed once for all that speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mirage_py.errors import MpyError
from mirage_py.libraries.closure import closure_of
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.places import Project
from mirage_py.model.closure import Closure
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.project.folders import dune_root
from mirage_py.toolchain.discover import toolchains_for
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import Resolution
from mirage_py.workflow.tools import tools_of


def closures_for(
    folder: Path,
    plans: Iterable[Plan],
    toolchains: Mapping[str, Toolchain | None],
    host: HostToolchain | None = None,
) -> dict[str, Closure]:
    """The closure of each plan, by label; `toolchains` are by target, None where this machine has none.

    `host` are the tools that compile here: those of a switch that was named have its libraries. Raises ToolNotFound
    where findlib is not here.
    """
    findlib = Findlib.discover(environment=host.environment if host else None)
    project = Project(folder, dune_root(folder), findlib, host)
    return {
        plan.label: closure_of(plan, project.places(plan, toolchains.get(plan.target)), toolchains.get(plan.target))
        for plan in plans
    }


def closures_or_none(request: Request, found: Resolution) -> Mapping[str, Closure]:
    """The closures of all that was resolved, by label; of none on a machine without the tools that know.

    That is for `build` to refuse. A target without a toolchain is judged by what the host has.
    """
    links = {plan.target: request.link or found.saved_for(plan).link for plan in found.plans}
    try:
        here = toolchains_for((plan.target for plan in found.plans), tools_of(request, found.saved, found.plans), links)
        return closures_for(request.folder, found.plans, here.toolchains, here.host)
    except MpyError:
        return {}


def linked(closure: Closure) -> tuple[str, ...]:
    """The names of all libraries of an image, those that nobody serves here too; sorted."""
    missing = (name for one in closure.missing if one.use == "image" for name in one.libraries)
    return tuple(sorted({*(one.library.name for one in closure.image), *missing}))

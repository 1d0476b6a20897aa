"""From resolved plans to their closures: who serves what on this machine, computed once for all that speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mirage_py.libraries.closure import closure_of
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.places import Project
from mirage_py.model.closure import Closure
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import Toolchain
from mirage_py.project.sources import dune_root


def closures_for(
    folder: Path, plans: Iterable[Plan], toolchains: Mapping[str, Toolchain | None]
) -> dict[str, Closure]:
    """The closure of each plan, by label; `toolchains` are by target, None where this machine has none.

    Raises ToolNotFound where findlib is not here.
    """
    project = Project(folder, dune_root(folder), Findlib.discover())
    return {
        plan.label: closure_of(plan, project.places(plan, toolchains.get(plan.target)), toolchains.get(plan.target))
        for plan in plans
    }

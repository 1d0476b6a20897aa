"""Which toolchain a configuration is built with: what was said now, what the environment says, what was saved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import ToolchainChoice
from mirage_py.project.choices import Saved, SavedTarget
from mirage_py.toolchain.discover import from_environment
from mirage_py.workflow.request import Request


def tools_of(request: Request, saved: Saved, plans: Iterable[Plan]) -> ToolchainChoice | None:
    """The choice for these plans; None where nobody has made one. All are built with one host compiler."""
    if request.toolchain is not None or from_environment(ToolchainChoice()) != ToolchainChoice():
        return request.toolchain
    of_plans = (saved.get(plan.name, {}).get(plan.target, SavedTarget()).tools for plan in plans)
    tools = next(filter(None, of_plans), None)
    if tools is None:
        return None
    return ToolchainChoice(
        description=next(map(Path, tools.get("toolchain", ())), None),
        switch=next(iter(tools.get("switch", ())), None),
        prefixes=tuple(map(Path, tools.get("solo5-prefix", ()))),
    )


def saved_form(choice: ToolchainChoice | None) -> dict[str, tuple[str, ...]]:
    """What the command line says about the toolchain, as it is saved: the next command may start elsewhere."""
    if choice is None:
        return {}
    options = {
        "toolchain": (str(choice.description.absolute()),) if choice.description else (),
        "switch": (choice.switch,) if choice.switch else (),
        "solo5-prefix": tuple(str(prefix.absolute()) for prefix in choice.prefixes),
    }
    return {name: words for name, words in options.items() if words}

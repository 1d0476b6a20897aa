"""Why a link failed, in terms of libraries: who wants what is undefined, and why it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mirage_py.build.images import LinkFailed
from mirage_py.errors import ToolFailed
from mirage_py.model.closure import Closure
from mirage_py.project.folders import dune_root

__all__ = ["explained"]


def explained(folder: Path, closures: Mapping[str, Closure], failed: LinkFailed) -> ToolFailed:
    """The failed link told by who wants the undefined symbols, and why they are not there, where there are any."""
    from mirage_py.build.diagnostics import link_failed, undefined_in_own
    from mirage_py.workflow.audit import explain_link  # readers of archives: 100 ms, for a link that failed only

    told: ToolFailed = failed
    for plan, toolchain in failed.linked:
        own = undefined_in_own(failed.output, folder, dune_root(folder), plan)
        explanations = explain_link(folder, plan, toolchain, closures[plan.label], failed.output, own)
        told = link_failed(plan.image, explanations, failed, own) if explanations else told
    return told

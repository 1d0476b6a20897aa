"""One unikernel on one target, as far as it goes without touching a file."""

from __future__ import annotations

from mirage_py.dataclass import dataclass
from mirage_py.dsl.config import Config, Unikernel
from mirage_py.model.plan import Plan
from mirage_py.resolve.context import Context
from mirage_py.resolve.graph import Graph
from mirage_py.resolve.info import Info


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A unikernel with the choices made for a target, what they leave of its graph, and the plan that follows."""

    config: Config
    unikernel: Unikernel
    context: Context
    graph: Graph
    info: Info
    plan: Plan

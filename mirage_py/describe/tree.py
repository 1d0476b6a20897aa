"""The graph as a tree to read: each device once in full, and from then on by its number."""

from __future__ import annotations

from collections.abc import Iterator

from mirage_py.dataclass import dataclass
from mirage_py.describe.roles import is_device
from mirage_py.resolve.graph import Graph, Node

DEEPEST = 12
"""Levels below a root; what lies deeper gets a root of its own, so that a chain of thousands stays readable."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One line of the tree: what leads to it, the device, and whether it was shown before or is shown later."""

    lead: str
    node: Node
    data: bool = False
    seen: str = ""


def trees(graph: Graph) -> tuple[tuple[Branch, ...], tuple[Branch, ...]]:
    """What is started first, one after the other, and the user's jobs; each with all that is below it."""
    shown: set[Node] = set()
    jobs = [node for node in graph.root.inputs if node not in set(graph.init)]
    first = [node for one in graph.init for node in ((one,) if is_device(one) else one.inputs)]
    return tuple(_trees(first, shown)), tuple(_trees(jobs, shown))


def _trees(roots: list[Node], shown: set[Node]) -> Iterator[Branch]:
    while roots:
        yield from _below(roots.pop(0), shown, roots)


def _below(root: Node, shown: set[Node], later: list[Node]) -> Iterator[Branch]:
    """Depth first, without recursion: each entry of the stack is a line that waits to be written."""
    stack = [Branch(lead="", node=root)]
    depths = [0]
    while stack:
        branch, depth = stack.pop(), depths.pop()
        node = branch.node
        if node in shown:
            if branch.lead:
                yield Branch(lead=branch.lead, node=node, data=branch.data, seen="above")
            continue
        if depth > DEEPEST:
            later.append(node)
            yield Branch(lead=branch.lead, node=node, data=branch.data, seen="below")
            continue
        shown.add(node)
        yield branch
        children = [*((one, False) for one in node.args), *((one, True) for one in node.deps if one not in node.args)]
        before = _continued(branch.lead)
        for index, (child, data) in reversed(list(enumerate(children))):
            corner = ("└" if index == len(children) - 1 else "├") + ("╌╌ " if data else "── ")
            stack.append(Branch(lead=before + corner, node=child, data=data))
            depths.append(depth + 1)


def _continued(lead: str) -> str:
    """What stands below the corner that led to a device."""
    if not lead:
        return ""
    return lead[:-4] + ("│   " if lead[-4] == "├" else "    ")

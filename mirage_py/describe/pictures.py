"""The graph as a picture: for Graphviz, and for Mermaid, which code hosts draw in a page.

Both show the same: a box for each device with its module and the name of its instance, a line to what it is applied to,
a dashed one to what it only waits for, and apart from these what is started first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from mirage_py.codegen.stamp import stamp
from mirage_py.describe.roles import COLORS, FAINT, INK, Role, drawn, only_first, role, waited
from mirage_py.resolve.graph import Node
from mirage_py.targets.resolved import Resolved

FONT: Final = "Helvetica,Arial,sans-serif"


def dot(one: Resolved) -> str:
    """The graph in the language of Graphviz."""
    return "\n".join(_dot_lines(one)) + "\n"


def _dot_lines(one: Resolved) -> Iterator[str]:
    yield f"// {_stamp(one)}"
    yield f"digraph {_quoted(one.plan.label)} {{"
    title = _quoted(f"{one.info.name} for {one.info.target}")
    yield f'  graph [label={title}, labelloc=t, fontname="{FONT}", fontsize=16, fontcolor="{INK}",'
    yield "    rankdir=TB, nodesep=0.3, ranksep=0.45, pad=0.3, splines=true, newrank=true];"
    yield f'  node [shape=box, style="rounded,filled", fontname="{FONT}", fontsize=12, fontcolor="{INK}",'
    yield '    margin="0.16,0.09", penwidth=1.2];'
    yield f'  edge [color="{FAINT}", arrowsize=0.7, penwidth=1.1];'
    yield ""
    first = only_first(one)
    yield "  subgraph cluster_first {"
    yield f'    graph [label="started first, in this order", labelloc=t, fontsize=11, fontcolor="{FAINT}",'
    yield '      style="rounded,dashed", color="#c5cad3", margin=12];'
    for node in first:
        yield f"    {_dot_node(node, 'init', ', group=first')}"
    for above, below in pairwise(first):
        yield f"    {above.variable} -> {below.variable} [style=invis];"
    yield "  }"
    for node in drawn(one):
        if node not in first:
            yield f"  {_dot_node(node, role(node, one))}"
    yield ""
    for node in drawn(one):
        for child in node.args:
            yield f"  {node.variable} -> {child.variable};"
        for child in waited(node):
            yield f"  {node.variable} -> {child.variable} [style=dashed];"
    yield "}"


def _dot_node(node: Node, role: Role, more: str = "") -> str:
    fill, line = COLORS[role]
    faint = f'<font point-size="9" color="{FAINT}">{_html(node.variable)}</font>'
    label = f"<b>{_html(node.device.module)}</b><br/>{faint}"
    return f'{node.variable} [label=<{label}>, fillcolor="{fill}", color="{line}"{more}];'


def mermaid(one: Resolved) -> str:
    """The graph as a Mermaid flowchart."""
    return "\n".join(_mermaid_lines(one)) + "\n"


def _mermaid_lines(one: Resolved) -> Iterator[str]:
    yield "---"
    yield f"title: {one.info.name} for {one.info.target}"
    yield "---"
    yield f"%% {_stamp(one)}"
    yield "flowchart TD"
    first = only_first(one)
    yield '  subgraph first ["started first, in this order"]'
    yield "    direction TB"
    for node in first:
        yield f"    {_mermaid_node(node, 'init')}"
    for above, below in pairwise(first):
        yield f"    {above.variable} ~~~ {below.variable}"
    yield "  end"
    for node in drawn(one):
        if node not in first:
            yield f"  {_mermaid_node(node, role(node, one))}"
    for node in drawn(one):
        for child in node.args:
            yield f"  {node.variable} --> {child.variable}"
        for child in waited(node):
            yield f"  {node.variable} -.-> {child.variable}"
    for kind, (fill, line) in COLORS.items():
        yield f"  classDef {kind} fill:{fill},stroke:{line},color:{INK}"
    yield f"  style first fill:none,stroke:#c5cad3,stroke-dasharray:5 5,color:{FAINT}"


def _mermaid_node(node: Node, role: Role) -> str:
    label = f"<b>{_entities(node.device.module)}</b><br/><small>{_entities(node.variable)}</small>"
    return f'{node.variable}("{label}"):::{role}'


def _stamp(one: Resolved) -> str:
    return stamp("opam", one.info.config_file).removeprefix("# ")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _entities(text: str) -> str:
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")

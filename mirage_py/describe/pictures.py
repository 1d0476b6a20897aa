"""The graph as a picture: for Graphviz, and for Mermaid, which code hosts draw in a page.

Both show the same: a box for each device with its module and the name of its instance, a line to what it is applied to,
a dashed one to what it only waits for, and apart from these what is started first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, Literal

from mirage_py.codegen.stamp import stamp
from mirage_py.resolve.graph import Node
from mirage_py.targets.resolved import Resolved

Role = Literal["main", "functor", "device", "outside", "init"]

COLORS: Final[dict[Role, tuple[str, str]]] = {
    "main": ("#fff1d6", "#c77700"),
    "functor": ("#e8f0fe", "#4a76c9"),
    "device": ("#f3f4f6", "#8a919c"),
    "outside": ("#e3f5e9", "#2f8f57"),
    "init": ("#ffffff", "#a9afb8"),
}
"""How each role is filled and outlined: light enough for black text, told apart in print too."""

INK: Final = "#1f2430"
FAINT: Final = "#6b7280"
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
    first = _only_first(one)
    yield "  subgraph cluster_first {"
    yield f'    graph [label="started first, in this order", labelloc=t, fontsize=11, fontcolor="{FAINT}",'
    yield '      style="rounded,dashed", color="#c5cad3", margin=12];'
    for node in first:
        yield f"    {_dot_node(node, 'init', ', group=first')}"
    for above, below in pairwise(first):
        yield f"    {above.variable} -> {below.variable} [style=invis];"
    yield "  }"
    for node in _drawn(one):
        if node not in first:
            yield f"  {_dot_node(node, _role(node, one))}"
    yield ""
    for node in _drawn(one):
        for child in node.args:
            yield f"  {node.variable} -> {child.variable};"
        for child in _waited(node):
            yield f"  {node.variable} -> {child.variable} [style=dashed];"
    yield "}"


def _dot_node(node: Node, role: Role, more: str = "") -> str:
    fill, line = COLORS[role]
    faint = f'<font point-size="9" color="{FAINT}">{_html(node.variable)}</font>'
    label = f"<b>{_html(node.device.module)}</b><br/>{faint}"
    return f'{node.variable} [label=<{label}>, fillcolor="{fill}", color="{line}"{more}];'


def centred(svg: str) -> str:
    """Graphviz's drawing with the words of each box in its middle, whatever font they are shown in.

    Graphviz places the beginning of a line, for the width that the line has in its own font; a browser seldom has that.
    """
    from xml.etree import ElementTree as ET

    space = "http://www.w3.org/2000/svg"
    ET.register_namespace("", space)
    root = ET.fromstring(svg)  # noqa: S314  # Graphviz wrote it just now
    for group in root.iter(f"{{{space}}}g"):
        outline = group.find(f"{{{space}}}path")
        if group.get("class") == "node" and outline is not None:
            middle = _middle(outline.get("d", ""))
            for line in group.iter(f"{{{space}}}text"):
                line.set("x", middle)
                line.set("text-anchor", "middle")
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _middle(path: str) -> str:
    """Half-way between the leftmost and the rightmost point of an outline."""
    across = [float(x) for x, _ in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]
    return f"{(min(across) + max(across)) / 2:.2f}"


def mermaid(one: Resolved) -> str:
    """The graph as a Mermaid flowchart."""
    return "\n".join(_mermaid_lines(one)) + "\n"


def _mermaid_lines(one: Resolved) -> Iterator[str]:
    yield "---"
    yield f"title: {one.info.name} for {one.info.target}"
    yield "---"
    yield f"%% {_stamp(one)}"
    yield "flowchart TD"
    first = _only_first(one)
    yield '  subgraph first ["started first, in this order"]'
    yield "    direction TB"
    for node in first:
        yield f"    {_mermaid_node(node, 'init')}"
    for above, below in pairwise(first):
        yield f"    {above.variable} ~~~ {below.variable}"
    yield "  end"
    for node in _drawn(one):
        if node not in first:
            yield f"  {_mermaid_node(node, _role(node, one))}"
    for node in _drawn(one):
        for child in node.args:
            yield f"  {node.variable} --> {child.variable}"
        for child in _waited(node):
            yield f"  {node.variable} -.-> {child.variable}"
    for role, (fill, line) in COLORS.items():
        yield f"  classDef {role} fill:{fill},stroke:{line},color:{INK}"
    yield f"  style first fill:none,stroke:#c5cad3,stroke-dasharray:5 5,color:{FAINT}"


def _mermaid_node(node: Node, role: Role) -> str:
    label = f"<b>{_entities(node.device.module)}</b><br/><small>{_entities(node.variable)}</small>"
    return f'{node.variable}("{label}"):::{role}'


def _only_first(one: Resolved) -> tuple[Node, ...]:
    """What is started first, as far as nothing else is applied to it or waits for it."""
    needed = {child for node in one.graph.nodes if node is not one.graph.root for child in node.inputs}
    return tuple(node for node in one.graph.init if node not in needed)


def _drawn(one: Resolved) -> tuple[Node, ...]:
    """All but the root, which only stands for the unikernel as a whole; from the user's jobs down."""
    return tuple(node for node in reversed(one.graph.nodes) if node is not one.graph.root)


def _waited(node: Node) -> tuple[Node, ...]:
    return tuple(child for child in node.deps if child not in node.args)


def _role(node: Node, one: Resolved) -> Role:
    if node.device.is_main:
        return "main"
    if node.device.resources.eval(one.context):
        return "outside"
    return "functor" if node.args else "device"


def _stamp(one: Resolved) -> str:
    return stamp("opam", one.info.config_file).removeprefix("# ")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _entities(text: str) -> str:
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")

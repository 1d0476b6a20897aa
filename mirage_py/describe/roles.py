"""What a device is in a picture, and how that is coloured; which devices are drawn, and in which order."""

from __future__ import annotations

from typing import Final, Literal

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


def only_first(one: Resolved) -> tuple[Node, ...]:
    """What is started first, as far as nothing else is applied to it or waits for it."""
    needed = {child for node in drawn(one) for child in node.inputs}
    first = dict.fromkeys(child for node in one.graph.init for child in (*_behind(node), node) if is_device(child))
    return tuple(node for node in first if node not in needed)


def _behind(node: Node) -> tuple[Node, ...]:
    return () if is_device(node) else node.inputs


def is_device(node: Node) -> bool:
    """Not so `struct end`: a place where something is waited for, which nobody configured."""
    return node.device.module != "struct end"


def drawn(one: Resolved) -> tuple[Node, ...]:
    """All devices from the user's jobs down, but for the root, which only stands for the unikernel as a whole."""
    return tuple(node for node in reversed(one.graph.nodes) if node is not one.graph.root and is_device(node))


def waited(node: Node) -> tuple[Node, ...]:
    return tuple(child for child in node.deps if child not in node.args)


def role(node: Node, one: Resolved) -> Role:
    if node.device.is_main:
        return "main"
    if node.device.resources.eval(one.context):
        return "outside"
    return "functor" if node.args else "device"

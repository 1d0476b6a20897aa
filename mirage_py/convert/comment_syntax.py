"""Comments of a `config.ml`: their text as a person would write it in Python, and their places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mirage_py.convert import tree as t

if TYPE_CHECKING:
    from mirage_py.syntax import Node as Syntax


def comments_in(root: Syntax, text: bytes) -> Iterator[t.Comment]:
    """Every comment of the file, in order."""
    stack = [root]
    found: list[Syntax] = []
    while stack:
        node = stack.pop()
        if node.type == "comment":
            found.append(node)
        elif b"(*" in text[node.start_byte : node.end_byte]:
            stack += node.children
    for node in sorted(found, key=lambda one: one.start_byte):
        yield _comment(node, text)


def _comment(node: Syntax, text: bytes) -> t.Comment:
    before = text[: node.start_byte].rpartition(b"\n")[2]
    inside = text[node.start_byte : node.end_byte].decode("utf-8", "replace")[2:-2].removeprefix("*").strip("\n")
    return t.Comment(
        line=node.start_point[0] + 1,
        last_line=node.end_point[0] + 1,
        start=node.start_byte,
        end=node.end_byte,
        lines=tuple(_comment_lines(inside)),
        own_line=not before.strip(),
    )


def _comment_lines(text: str) -> list[str]:
    """The lines of a comment, dedented, without the star that some begin each line with."""
    lines = [line.rstrip() for line in text.expandtabs().splitlines()] or [""]
    rest = [line for line in lines[1:] if line.strip()]
    if rest and all(line.lstrip().startswith("*") for line in rest):
        lines = [lines[0], *(line.lstrip()[1:] for line in lines[1:])]
        rest = [line for line in lines[1:] if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in rest), default=0)
    dedented = [lines[0].strip(), *(line[indent:] for line in lines[1:])]
    while dedented and not dedented[-1].strip():
        dedented.pop()
    while dedented and not dedented[0].strip():
        dedented.pop(0)
    return dedented

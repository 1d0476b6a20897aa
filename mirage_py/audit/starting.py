"""What the OCaml sources of a vendored library do while their modules initialise, read from the text.

There are no objects to follow calls in. A definition with parameters runs when it is called, every other one at start;
from the functions that end the program their callers are followed by name, within the library. What stands below a
`fun` or a `lazy` of something that runs at start may run or not: that is unsure.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.model.audit import Finding, Severity
from mirage_py.project.reading import bytes_of
from mirage_py.syntax import syntax_tree

if TYPE_CHECKING:
    from mirage_py.syntax import Node

ENDING: Final = frozenset(
    {
        *("open_in", "open_in_bin", "open_in_gen", "open_out", "open_out_bin", "open_out_gen", "read_line", "read_int"),
        *("Sys.readdir", "Sys.is_directory", "Sys.chdir", "Sys.mkdir", "Sys.rmdir", "Sys.getcwd", "Sys.remove"),
        *("Sys.rename", "Sys.command", "Sys.signal", "Sys.set_signal", "Filename.temp_file", "Filename.open_temp_file"),
        *("Filename.temp_dir", "Digest.file", "In_channel.open_bin", "In_channel.open_text", "In_channel.open_gen"),
        *("In_channel.with_open_bin", "In_channel.with_open_text", "Out_channel.open_bin", "Out_channel.open_text"),
        *("Out_channel.with_open_bin", "Out_channel.with_open_text", "Domain.spawn"),
    }
)
"""Functions of the standard library that end a freestanding program, whatever surrounds them."""

DELAYED: Final = frozenset({"fun_expression", "function_expression", "lazy_expression", "functor"})
LARGEST: Final = 2_000_000
"""Bytes: a longer file is a table that somebody generated."""


@dataclass
class Item:
    """A definition: its name where it has one, whether it waits for a call, and what it mentions where."""

    place: str
    name: str = ""
    waits: bool = False
    uses: dict[str, int] = field(default_factory=dict)
    delayed: dict[str, int] = field(default_factory=dict)


def start_findings(directory: Path) -> tuple[Finding, ...]:
    """What the modules in one folder come to at start."""
    files = [directory / name for name in sorted(os.listdir(directory)) if name.endswith(".ml")]
    items = [item for file in files for item in _items(file)]
    reached = _reached(items)
    return tuple(finding for item in items if not item.waits for finding in _on(item, reached, directory))


def _reached(items: Iterable[Item]) -> dict[str, str]:
    """The names of functions that end the program, each with what it comes to."""
    reached = {name: name for ending in ENDING for name in (ending, f"Stdlib.{ending}")}
    held = [item for item in items if item.waits and item.name]
    fresh = True
    while fresh:
        fresh = False
        for item in held:
            module = item.place.partition(".")[0]
            name = f"{module[:1].upper()}{module[1:]}.{item.name}"
            end = next((reached[use] for use in (*item.uses, *item.delayed) if use in reached), None)
            if end is not None and name not in reached:
                reached[name], fresh = end, True
    return reached


def _on(item: Item, reached: dict[str, str], directory: Path) -> Iterator[Finding]:
    for uses, severity in ((item.uses, "aborts"), (item.delayed, "unsure")):
        for name, line in uses.items():
            if name in reached:
                yield _finding(
                    item, name, line, reached[name], "aborts" if severity == "aborts" else "unsure", directory
                )
                return


def _finding(item: Item, name: str, line: int, end: str, severity: Severity, directory: Path) -> Finding:
    through = "" if name == end else f" through {name}"
    when = "when the program starts" if severity == "aborts" else "perhaps when the program starts"
    return Finding(
        rule="boot-abort-text",
        severity=severity,
        message=f"line {line} calls {end}{through} {when}: it aborts, no exception is raised (read from the source)",
        symbol=end,
        archive=directory.name,
        member=item.place,
        definer="nolibc",
        remedy="the library needs a variant without it" if severity == "aborts" else "build it and run it once",
    )


def _items(file: Path) -> Iterator[Item]:
    try:
        text = bytes_of(file)
    except OSError:
        return
    words = {ending.rpartition(".")[2].encode() for ending in ENDING}
    if len(text) <= LARGEST and (any(word in text for word in words) or b"." in text):
        module = file.stem[:1].upper() + file.stem[1:]
        for item in _below(syntax_tree(text), file.name):
            item.uses |= {f"{module}.{name}": line for name, line in item.uses.items() if "." not in name}
            item.delayed |= {f"{module}.{name}": line for name, line in item.delayed.items() if "." not in name}
            yield item


def _below(root: Node, place: str) -> Iterator[Item]:
    """The definitions of a file, those in its modules too; what a functor holds waits for its application."""
    waiting = [(node, False) for node in reversed(root.children)]
    while waiting:
        node, inside = waiting.pop()
        if node.type in ("value_definition", "expression_item"):
            bindings = [one for one in node.children if one.type == "let_binding"] or [node]
            yield from (_item(one, place, delayed=inside) for one in bindings)
        else:
            functor = inside or node.type == "functor" or any(one.type == "module_parameter" for one in node.children)
            waiting += [(one, functor) for one in reversed(node.children)]


def _item(node: Node, place: str, *, delayed: bool) -> Item:
    pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
    name = pattern.text.decode("utf-8", "replace") if pattern is not None and pattern.text else ""
    waits = any(one.type == "parameter" for one in node.children)
    waits = waits or (body is not None and body.type in ("fun_expression", "function_expression"))
    item = Item(place=place, name=name, waits=waits)
    walk = [(node, delayed)]
    while walk:
        here, later = walk.pop()
        if here.type == "value_path" and here.text:
            words = item.delayed if later else item.uses
            words.setdefault(here.text.decode("utf-8", "replace"), here.start_point[0] + 1)
        else:
            is_function = here.type == "let_binding" and here is not node and _has_parameter(here)
            walk += [(one, later or here.type in DELAYED or is_function) for one in here.children]
    return item


def _has_parameter(node: Node) -> bool:
    return any(one.type == "parameter" for one in node.children)

"""Which modules an OCaml expression opens, renames and applies functors to, as if the whole file did.

Found by a query, without a walk: most expressions do nothing of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mirage_py.audit.mlsource import Source, functor_of, note_given, text_at
from mirage_py.syntax import nodes_below

if TYPE_CHECKING:
    from mirage_py.syntax import Node

SIGNS: Final = re.compile(rb"\b(?:open|module)\b|[\w']\s*\.\s*[(\[{]|\(\s*struct\b")
"""What stands wherever one of these does."""

QUERY: Final = """
[(open_module) (local_open_expression) (module_application) (module_binding)] @found
[(attribute) (item_attribute) (floating_attribute) (module_type_definition)] @elsewhere
"""


def note_modules(node: Node, source: Source, *, without: str = "") -> None:
    """Note what stands below a node; nodes `without` are read elsewhere."""
    if node.type != "module_application" and SIGNS.search(node.text or b"") is None:
        return
    query = f"{QUERY}({without}) @elsewhere" if without else QUERY
    found = nodes_below(node, query)
    elsewhere = [(one.start_byte, one.end_byte) for one in found.get("elsewhere", ())]
    for one in sorted(found.get("found", ()), key=lambda one: (one.start_byte, -one.end_byte)):
        if not any(start <= one.start_byte < end for start, end in elsewhere):
            _note(one, source)


def _note(node: Node, source: Source) -> None:
    match node.type:
        case "open_module" | "local_open_expression":
            path = next((text_at(one) for one in node.named_children if one.type == "module_path"), "")
            source.opens.append(path)
        case "module_application":
            functor = node.child_by_field_name("functor")
            for one in node.named_children:
                if one != functor:
                    note_given(functor_of(node), one, source)
        case _:
            _note_binding(node, source)


def _note_binding(node: Node, source: Source) -> None:
    """A module inside an expression: another's name, or one of which no more is known."""
    name = next((text_at(one) for one in node.named_children if one.type == "module_name"), "")
    body = node.child_by_field_name("body")
    if body is not None and body.type == "module_path":
        source.aliases[name] = text_at(body)
        source.modules.add(name)
    else:
        source.unknown.add(name)

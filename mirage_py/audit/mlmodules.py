"""Which modules an OCaml expression opens, renames and applies functors to, as if the whole file did.

Found by a query, without a walk: most expressions do nothing of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mirage_py.audit.mlsource import Source, functor_of, note_given
from mirage_py.syntax import nodes_below, text_at

if TYPE_CHECKING:
    from mirage_py.syntax import Node

WORDS: Final = (b"open", b"module", b"struct")
INSIDE: Final = re.compile(rb"\.\s*[(\[{]")
"""Wherever one of these does, one of the words stands, or an expression behind the module that is open in it."""

QUERY: Final = """
[(open_module) (local_open_expression) (module_application) (module_binding)] @found
[(attribute) (item_attribute) (floating_attribute) (module_type_definition)] @elsewhere
(structure) @structure
"""
"""One query: to make one takes as long as to read a file."""


def note_modules(node: Node, source: Source, *, without: bool = False) -> None:
    """Note what stands below a node; structures are read elsewhere where it is done `without` them."""
    text = node.text or b""
    if node.type != "module_application" and not any(word in text for word in WORDS) and not INSIDE.search(text):
        return
    found = nodes_below(node, QUERY)
    elsewhere = [(one.start_byte, one.end_byte) for one in found.get("elsewhere", ())]
    elsewhere += [(one.start_byte, one.end_byte) for one in found.get("structure", ()) if without]
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

"""The syntax tree of OCaml sources: the one door to tree-sitter, and to its grammar of OCaml."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import (
        Language,
        Node as Node,  # noqa: PLC0414  # handed on to who annotates with it
        Parser,
        Query,
    )


def syntax_tree(text: bytes) -> Node:
    """The root of an implementation's tree; where it is no OCaml, the parser guesses, and marks the place."""
    return _parser().parse(text).root_node


def text_at(node: Node) -> str:
    """A node as the source writes it."""
    return (node.text or b"").decode("utf-8", "replace")


def nodes_below(node: Node, query: str) -> dict[str, list[Node]]:
    """The nodes that a query of tree-sitter's language finds, by the names that it gives them."""
    from tree_sitter import QueryCursor

    return QueryCursor(_query(query)).captures(node)


@cache
def _language() -> Language:
    import tree_sitter
    import tree_sitter_ocaml

    return tree_sitter.Language(tree_sitter_ocaml.language_ocaml())


@cache
def _parser() -> Parser:
    import tree_sitter

    return tree_sitter.Parser(_language())


@cache
def _query(text: str) -> Query:
    import tree_sitter

    return tree_sitter.Query(_language(), text)

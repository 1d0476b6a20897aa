"""The syntax tree of OCaml sources: the one door to tree-sitter, and to its grammar of OCaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node as Node  # noqa: PLC0414  # handed on to who annotates with it


def syntax_tree(text: bytes) -> Node:
    """The root of an implementation's tree; where it is no OCaml, the parser guesses, and marks the place."""
    import tree_sitter
    import tree_sitter_ocaml

    language = tree_sitter.Language(tree_sitter_ocaml.language_ocaml())
    return tree_sitter.Parser(language).parse(text).root_node

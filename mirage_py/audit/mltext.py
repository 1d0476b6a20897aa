"""An OCaml source as far as its start is concerned: its definitions, and what each calls, hands on or keeps.

Read from the text, without types: a name stands for whatever has that name in the module that it is qualified with, in
the modules that the file opens, or in the file itself. What stands below a `fun`, a `lazy` or in a branch is told
apart from what surely runs with the definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.audit.mlmodules import note_modules
from mirage_py.audit.mlpassage import Bound, Item, Kind, Passage, bound_by
from mirage_py.audit.mlsource import Source, functor_of, line_of
from mirage_py.audit.mluses import SKIPPED, tokens_of
from mirage_py.dataclass import replace
from mirage_py.project.reading import bytes_of
from mirage_py.syntax import syntax_tree, text_at

if TYPE_CHECKING:
    from mirage_py.syntax import Node

LARGEST: Final = 2_000_000
"""Bytes: a longer file is a table that somebody generated."""

OF_TESTS: Final = frozenset({"test", "test_unit", "test_module", "expect", "expect_test", "bench", "bench_module"})


HEADER_END: Final = re.compile(rb"\}\s*(?:let|rule|refill)\b")
"""The end of what stands before the rules of a lexer."""


def ocaml_in(name: str, text: bytes) -> bytes:
    """The OCaml in a file that runs when its module starts, on its lines: all but the rules of a lexer or parser.

    What is in those is done when they are called.
    """
    if name.endswith(".mll"):
        parts = _around_rules(text)
    elif name.endswith(".mly"):
        parts = _around_grammar(text)
    else:
        return text
    kept = bytearray(one if one == ord("\n") else ord(" ") for one in text)
    for start, end in parts:
        kept[start:end] = text[start:end]
    return bytes(kept)


def _around_rules(text: bytes) -> Iterator[tuple[int, int]]:
    """The parts in braces before and behind the rules of a lexer."""
    start = text.find(b"{")
    end = HEADER_END.search(text, start) if start >= 0 else None
    if end is not None:
        yield start + 1, end.start()
    last = text.rfind(b"}")
    first = _opening(text, last)
    if first >= 0 and not text[last + 1 :].strip() and text[:first].rstrip().endswith(b"}"):
        yield first + 1, last


def _opening(text: bytes, last: int) -> int:
    """The brace that one closes; -1 for none."""
    depth = 0
    for at in range(last, -1, -1):
        depth += (text[at] == ord("}")) - (text[at] == ord("{"))
        if depth == 0:
            return at
    return -1


def _around_grammar(text: bytes) -> Iterator[tuple[int, int]]:
    """The parts before and behind the rules of a parser: in `%{ %}`, and after the second `%%`."""
    start, end = text.find(b"%{"), text.find(b"%}")
    if 0 <= start < end:
        yield start + 2, end
    rules = text.find(b"\n%%")
    behind = text.find(b"\n%%", rules + 3) if rules >= 0 else -1
    if behind >= 0:
        yield behind + 3, len(text)


def source_of(file: Path) -> Source | None:
    """The file as read; None for one that cannot be read, or is too long."""
    try:
        text = bytes_of(file)
    except OSError:
        return None
    if len(text) > LARGEST:
        return None
    text = ocaml_in(file.name, text)
    stem = file.name.partition(".")[0]
    found = Source(file=file, module=stem[:1].upper() + stem[1:], words=tokens_of(text))
    found.items.extend(_structure(syntax_tree(text), found))
    return found


def _structure(root: Node, source: Source) -> Iterator[Item]:
    """The definitions of a structure, those of its modules too."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        match node.type:
            case "value_definition" if not _of_tests(node):
                yield from (
                    item for one in node.named_children if one.type == "let_binding" for item in _bindings(one, source)
                )
            case "expression_item":
                yield Item(passages=_passages(node, "", source), line=line_of(node))
            case "external":
                _note_external(node, source)
            case "open_module":
                source.opens.append(text_at(node).partition(" ")[2].lstrip("! "))
            case "module_binding":
                yield from _module(node, source, waiting)
            case "module_application" | "packed_module" as kind:
                made: Kind = "module M = " if kind == "module_application" else "module P = "
                yield Item(passages=_passages(node, made, source), line=line_of(node))
                waiting += reversed(node.named_children)
            case "class_binding":
                name = next((text_at(one) for one in node.named_children if one.type == "class_name"), "")
                yield Item(name=name, waits=True, passages=_passages(node, "class ", source), line=line_of(node))
            case kind if kind in SKIPPED or kind == "value_definition":
                continue
            case _:
                waiting += reversed(node.named_children)


def _module(node: Node, source: Source, waiting: list[Node]) -> Iterator[Item]:
    """A module of a file: another's name, a structure, or a functor, which waits for its application."""
    name = next((text_at(one) for one in node.named_children if one.type == "module_name"), "")
    source.modules.add(name)
    body = node.child_by_field_name("body")
    _note_parameters(name, node, source)
    if body is None:
        return
    if body.type == "module_path":
        source.aliases[name] = text_at(body)
    elif body.type == "functor" or any(one.type == "module_parameter" for one in node.named_children):
        inner = list(_structure(body, source))
        yield from (one for one in inner if one.waits)
        passages = tuple(passage for one in inner if not one.waits for passage in one.passages)
        yield Item(name=name, waits=True, passages=passages, line=line_of(node))
    else:
        if body.type == "module_application":
            source.made[name] = functor_of(body)
        waiting.append(body)


def _note_parameters(name: str, node: Node, source: Source) -> None:
    """The parameters of a functor."""
    body = node.child_by_field_name("body")
    heads = [one for one in node.named_children if one.type == "module_parameter"]
    while body is not None and body.type == "functor":
        heads += [one for one in body.named_children if one.type == "module_parameter"]
        body = body.child_by_field_name("body")
    for one in heads:
        if one.named_children:
            source.parameters.setdefault(text_at(one.named_children[0]), set()).add(name)


def _note_external(node: Node, source: Source) -> None:
    name = next((text_at(one) for one in node.named_children if one.type == "value_name"), "")
    symbols = [text_at(one).strip('"') for one in node.named_children if one.type == "string"]
    if name and symbols:
        source.externals[name] = symbols[-1]


def _of_tests(node: Node) -> bool:
    return any(one.type == "attribute_id" and text_at(one) in OF_TESTS for one in node.named_children)


def _bindings(node: Node, source: Source) -> Iterator[Item]:
    """One `let`; a pattern may name several values, each of which may hold what stands behind it."""
    item = _binding(node, source)
    pattern = node.child_by_field_name("pattern")
    names = sorted(set(_names(pattern))) if pattern is not None and not item.name else []
    yield from (replace(item, name=name) for name in names) if names else (item,)


def _binding(node: Node, source: Source) -> Item:
    """One `let`: a function waits for a call, everything else runs with its module."""
    pattern, bound = node.child_by_field_name("pattern"), bound_by(node)
    name = text_at(pattern) if pattern is not None and pattern.type in ("value_name", "parenthesized_operator") else ""
    return Item(
        name=name,
        waits=bound.is_function,
        arity=_arity(bound),
        parameters=frozenset(word for head in bound.heads for word in _names(head)),
        passages=_passages(node, "let ", source),
        line=line_of(node),
    )


def _arity(bound: Bound) -> int:
    """How many arguments a function takes besides optional ones."""
    cases = bound.inner is not None and bound.inner.type == "function_expression"
    return sum(not text_at(head).startswith("?") for head in bound.heads) + cases


def _passages(node: Node, kind: Kind, source: Source) -> tuple[Passage, ...]:
    """Where the source says what a node mentions; which modules that opens is noted."""
    note_modules(node, source, without=kind == "module M = ")
    return (Passage.of(node, kind),)


def _names(node: Node) -> Iterator[str]:
    """The names that a pattern binds."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.type in ("value_pattern", "value_name", "label_name") and not here.named_children:
            yield text_at(here).lstrip("~?")
        default = here.child_by_field_name("default")
        waiting += (one for one in here.named_children if one != default and one.type != "field_path")
        if here.type == "field_pattern" and here.child_by_field_name("pattern") is None:
            yield text_at(here)

"""Dune stanzas: words and lists, quoted where dune needs it and laid out as a careful person would."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from mirage_py.dsl.device import Sexp

WIDTH = 80
_PLAIN = re.compile(r"[!#-'*-:<-\[\]-~]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def render_stanzas(stanzas: Iterable[Sexp]) -> str:
    """Stanzas with a blank line between them; what appears twice is written once."""
    return "\n\n".join(_layout(stanza, 0) for stanza in dict.fromkeys(stanzas)) + "\n"


def atom(word: str) -> str:
    """A word as dune reads it back: quoted when it has more than printable ASCII without quotes and parentheses."""
    if _PLAIN.fullmatch(word) and "#|" not in word and "|#" not in word:
        return word
    return '"' + "".join(map(_escaped, word)) + '"'


def _escaped(char: str) -> str:
    return _ESCAPES.get(char) or (char if char >= " " and char != "\x7f" else f"\\{ord(char):03d}")


@lru_cache(maxsize=4096)
def flat(sexp: Sexp) -> str:
    """The expression on one line; laying out asks for the same ones again, and so does the next target."""
    return atom(sexp) if isinstance(sexp, str) else "(" + " ".join(map(flat, sexp)) + ")"


def _layout(sexp: Sexp, indent: int) -> str:
    line = flat(sexp)
    if isinstance(sexp, str) or (indent and indent + len(line) <= WIDTH) or _is_short(sexp, line):
        return line
    if all(isinstance(item, str) for item in sexp):
        return _filled([atom(item) for item in sexp if isinstance(item, str)], indent)
    return _stacked(sexp, indent)


def _is_short(sexp: tuple[Sexp, ...], line: str) -> bool:
    return len(line) <= WIDTH and not any(isinstance(item, tuple) for item in sexp)


def _filled(words: list[str], indent: int) -> str:
    lines, line = [], "(" + words[0]
    for word in words[1:]:
        if indent + len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = " " * (indent + 1) + word
        else:
            line += " " + word
    return "\n".join([*lines, line]) + ")"


def _stacked(sexp: tuple[Sexp, ...], indent: int) -> str:
    head = _leading_words(sexp)
    rest = sexp[len(head) :]
    opening = "(" + " ".join(map(atom, head))
    pad = "\n" + " " * (indent + 1)
    return opening + "".join(pad + _layout(item, indent + 1) for item in rest) + ")"


def _leading_words(sexp: tuple[Sexp, ...]) -> list[str]:
    words: list[str] = []
    for item in sexp:
        if not isinstance(item, str):
            break
        words.append(item)
    return words

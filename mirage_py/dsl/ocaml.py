"""Python values as OCaml source text."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b"}


def ocaml_string(text: str) -> str:
    """A string literal; what is not printable ASCII becomes decimal escapes of its UTF-8 bytes."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:  # as most are
        return f'"{text}"'
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if " " <= char <= "~" else "".join(f"\\{byte:03d}" for byte in char.encode())


def ocaml_option(code: str | None) -> str:
    """`None`, or `(Some CODE)`."""
    return "None" if code is None else f"(Some {code})"


def ocaml_list(items: Iterable[str]) -> str:
    """A list of expressions."""
    return "[" + "; ".join(items) + "]"


def ocaml_int64(number: int) -> str:
    """An int64 literal, in parentheses when negative."""
    return f"{number}L" if number >= 0 else f"({number}L)"


def ocaml_identifier(text: str) -> str:
    """The text as a part of an identifier: `-`, `.` and blanks become `_`, what else is no letter or digit goes.

    Raises `ValueError` when nothing is left or a digit comes first.
    """
    kept = re.sub(r"[^A-Za-z0-9_]", "", re.sub(r"[-. ]", "_", text))
    if not kept or kept[0].isdigit():
        raise ValueError(text)
    return kept

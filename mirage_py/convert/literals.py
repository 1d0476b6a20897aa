"""OCaml's string literals, and the formats of `Printf` and `Format`."""

from __future__ import annotations

import re
from collections.abc import Iterator

_NAMED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "\\": "\\", '"': '"', "'": "'", " ": " "}
_ESCAPE = re.compile(
    rb"\\(?:(?P<newline>\r?\n)[ \t]*|(?P<decimal>[0-9]{3})|x(?P<hex>[0-9a-fA-F]{2})|o(?P<octal>[0-3][0-7]{2})"
    rb"|u\{(?P<unicode>[0-9a-fA-F]+)\}|(?P<named>[ntrb\\\"' ]))"
)


def string_parts(literal: bytes) -> tuple[str, ...]:
    r"""What a string between quotation marks says, as one piece for each line of the file.

    A backslash at the end of a line swallows the line's end and the blanks after it; the pieces are those lines, and
    those that `\n` ends.
    """
    pieces: list[bytes] = [b""]
    at = 0
    for escape in _ESCAPE.finditer(literal):
        pieces[-1] += literal[at : escape.start()]
        at = escape.end()
        if escape["newline"]:
            pieces.append(b"")
        else:
            pieces[-1] += _meaning(escape)
    pieces[-1] += literal[at:]
    return tuple(line for piece in pieces for line in _lines(piece.decode("utf-8", "surrogateescape")))


def _meaning(escape: re.Match[bytes]) -> bytes:
    if escape["named"]:
        return _NAMED[escape["named"].decode()].encode()
    if escape["decimal"]:
        return bytes([int(escape["decimal"]) % 256])
    if escape["hex"]:
        return bytes([int(escape["hex"], 16)])
    if escape["octal"]:
        return bytes([int(escape["octal"], 8)])
    return chr(int(escape["unicode"], 16)).encode("utf-8", "replace")


def quoted_parts(literal: bytes) -> tuple[str, ...]:
    r"""What a string between `{id|` and `|id}` says: itself, one piece a line."""
    return tuple(_lines(literal.decode("utf-8", "surrogateescape")))


def _lines(text: str) -> Iterator[str]:
    if not text:
        yield ""
        return
    at = 0
    while (end := text.find("\n", at)) >= 0:
        yield text[at : end + 1]
        at = end + 1
    if at < len(text):
        yield text[at:]


Piece = str | tuple[str, str]
"""A piece of a format: text, or a conversion (`("s", "%s")`) that an argument fills."""

_CONVERSION = re.compile(r"%(?P<flags>[-0+ #]*)(?P<width>[0-9]*)(?:\.[0-9]+)?[lnL]?(?P<letter>[a-zA-Z%!,@])")


def format_pieces(parts: tuple[str, ...], *, breaks: bool) -> list[Piece]:
    """The pieces of a format; with `breaks` the pretty-printer's `@` marks mean what `Format` makes of them."""
    pieces: list[Piece] = []
    for part in parts:
        at = 0
        for found in _CONVERSION.finditer(part):
            pieces.append(_text(part[at : found.start()], breaks=breaks))
            at = found.end()
            letter = found["letter"]
            match letter:
                case "%" | "@":
                    pieces.append(letter)
                case "!" | ",":
                    pieces.append("")
                case _:
                    pieces.append((letter, found[0]))
        pieces.append(_text(part[at:], breaks=breaks))
    return [piece for piece in pieces if piece != ""]


_BREAK = re.compile(r"@(?P<mark>@|,|;(?:<\d+ -?\d+>)?| |\.|\n|\[(?:<[^>]*>)?|\]|\{(?:<[^>]*>)?|\}|\?)")


def _text(text: str, *, breaks: bool) -> str:
    return _BREAK.sub(lambda found: _BREAKS.get(found["mark"][0], ""), text) if breaks and "@" in text else text


_BREAKS = {"@": "@", " ": " ", ";": " ", ".": "\n", "\n": "\n"}
"""What stands for a mark when no line has to be broken."""


Stanza = str | list["Stanza"]
"""A dune stanza: a word, or a list of them."""

_WORD = re.compile(r'\s*(?:;[^\n]*\n|(?P<mark>[()])|"(?P<quoted>(?:[^"\\\\]|\\\\.)*)"|(?P<word>[^\s()";]+))')


def stanzas(text: str) -> list[Stanza]:
    """The stanzas of a dune file."""
    stack: list[list[Stanza]] = [[]]
    for found in _WORD.finditer(text):
        match found["mark"]:
            case "(":
                stack.append([])
            case ")" if len(stack) > 1:
                done = stack.pop()
                stack[-1].append(done)
            case _:
                word = found["word"] if found["quoted"] is None else found["quoted"]
                if word is not None:
                    stack[-1].append(word)
    return stack[0]

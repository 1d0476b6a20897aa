"""The least files that mpy takes for OCaml's own."""

from __future__ import annotations


def marshalled(words: tuple[str, ...]) -> bytes:
    """A list of short strings as OCaml marshals it."""
    cells = b"".join(b"\xa0" + bytes([0x20 + len(word)]) + word.encode() for word in words)
    return cells + b"\x40"


def cmxa(objects: tuple[str, ...] = (), options: tuple[str, ...] = ()) -> bytes:
    """The least file that is read as a `.cmxa` with these C objects and options."""
    return b"Caml1999Z030" + b"\x84\x95\xa6\xbe" + bytes(16) + b"\xb0\x40" + marshalled(objects) + marshalled(options)

"""The bytes of a `config.ml` as text that the parser takes, and the place where they are not OCaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mirage_py.errors import ConfigError, Location

if TYPE_CHECKING:
    from mirage_py.syntax import Node as Syntax

MAX_BYTES: Final = 1 << 18


def checked(text: bytes, file: str) -> bytes:
    """The text as UTF-8 with plain ends of lines; a `ConfigError` for what is no text or too long."""
    text = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if b"\0" in text:
        raise ConfigError("this is not text", location=Location(file), hint="name an OCaml configuration with -f")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        text = text.decode("latin-1").encode()  # what OCaml itself takes such a file for
    if len(text) > MAX_BYTES:
        raise ConfigError(
            f"this is {len(text) >> 10} KiB long, and a configuration has {MAX_BYTES >> 10} at most",
            location=Location(file),
        )
    return text


def syntax_error(root: Syntax, text: bytes, file: str) -> ConfigError:
    """The first place where the parser had to guess."""
    place = _first_error(root)
    line = place.start_point[0] + 1
    shown = text.split(b"\n")[line - 1].decode("utf-8", "replace").strip()
    if place.is_missing:
        message = f"syntax error: {place.type} is missing here"
    elif place.end_byte >= len(text.rstrip()) and place.start_byte <= root.start_byte + 1:
        message = "this is not OCaml, or a part of it is missing"
    else:
        message = "syntax error"
    return ConfigError(
        message,
        location=Location(file, line),
        details=(shown[:100],) if shown else (),
        hint="OCaml cannot read on here: mend this line, or what is before it",
    )


def _first_error(root: Syntax) -> Syntax:
    found = root
    while True:
        below = next((child for child in found.children if child.is_error or child.is_missing or child.has_error), None)
        if below is None:
            return found
        found = below

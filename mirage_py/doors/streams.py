"""Standard output and standard error take every text: what a locale cannot say is a question mark, not a failure."""

from __future__ import annotations

import sys
from codecs import register_error

__all__ = ["open_to_all"]


def open_to_all() -> None:
    """Let both streams take names of files whatever their bytes, and letters that the locale does not have."""
    register_error("mpy", _said)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="mpy")


def _said(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes of a file name as they are (they came in as lone surrogates), a question mark for any other letter."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    bytes_ = (bytes([ord(letter) - 0xDC00]) if "\udc80" <= letter <= "\udcff" else b"?" for letter in letters)
    return b"".join(bytes_), error.end

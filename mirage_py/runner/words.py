"""A unikernel gets one line of text, which it takes apart itself: words that come through that whole."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["boot_line", "boot_words"]

SPECIAL: Final = re.compile(r'[\s"\\]')


def boot_words(args: Iterable[str]) -> tuple[str, ...]:
    """The words, quoted where mirage-bootvar would take them apart.

    It knows blanks, double quotes, and a backslash before any character. A tender joins words with blanks, and so does
    the bootvar of unix: what was one word to the shell stays one only when it is quoted for the second reader.
    """
    return tuple(_quoted(word) if not word or SPECIAL.search(word) else word for word in args)


def boot_line(args: Iterable[str]) -> str:
    """The same as one line."""
    return " ".join(boot_words(args))


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

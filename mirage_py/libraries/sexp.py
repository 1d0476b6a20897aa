"""dune's s-expressions, as far as reading a `dune` file needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Sexp = str | tuple["Sexp", ...]

TOKEN: Final = re.compile(
    r"""(?P<skip>[\s]++|;[^\n]*+|\#\|(?:[^|]|\|(?!\#))*+(?:\|\#|(?P<open_comment>\Z))) | (?P<open>\() | (?P<close>\))
      | "(?P<quoted>(?:[^"\\]|\\.)*+)" | (?P<atom>[^\s()";]++)""",
    re.VERBOSE | re.DOTALL,
)


class SexpError(ValueError):
    """The text is no s-expression; the line is in the message."""


def parse(text: str) -> tuple[Sexp, ...]:
    """The s-expressions of a file, in order."""
    stack: list[list[Sexp]] = [[]]
    for found in _tokens(text):
        if found["open"]:
            stack.append([])
        elif found["close"]:
            if len(stack) == 1:
                raise SexpError(f"')' closes nothing (line {_line(text, found.start())})")
            done = tuple(stack.pop())
            stack[-1].append(done)
        else:
            stack[-1].append(found["atom"] if found["quoted"] is None else found["quoted"])
    if len(stack) > 1:
        raise SexpError("a list is not closed by ')' (at the end)")
    return tuple(stack[0])


def _tokens(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None:
            raise SexpError(f"a string is not closed (line {_line(text, position)})")
        position = found.end()
        if found["open_comment"] is not None:
            raise SexpError(f"a comment is not closed (line {_line(text, found.start())})")
        if not found["skip"]:
            yield found


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def field(stanza: Sexp, name: str) -> tuple[Sexp, ...]:
    """What stands behind the field's name in a stanza; () without it."""
    for part in stanza[1:] if isinstance(stanza, tuple) else ():
        if isinstance(part, tuple) and part and part[0] == name:
            return part[1:]
    return ()


def atoms(parts: tuple[Sexp, ...]) -> Iterator[str]:
    """Every word below these expressions."""
    for part in parts:
        if isinstance(part, str):
            yield part
        else:
            yield from atoms(part)


def word_of(stanza: Sexp, name: str) -> str:
    """The first word behind the field's name in a stanza; "" without it."""
    return next(atoms(field(stanza, name)), "")

"""Which boot-time options the user's own OCaml defines, read from its text, to find clashes before the unikernel boots.

What `runtime_arg("Unikernel.hello")` refers to is a Cmdliner term in unikernel.ml. Only the plain case is read: one
top-level `let hello`, and in it `info [ "hello" ]` with the names as literals. Where the text says less, nothing is
claimed: a clash that is missed is found at boot as before, one that is not there is never reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_REFERENCE = re.compile(r"([A-Z][A-Za-z0-9_']*)\.([a-z_][A-Za-z0-9_']*)")
_LEXEME = (
    r"""(?P<comment>\(\*)|(?P<text>"(?:\\.|[^"\\])*")|(?P<quoted>\{(?P<id>[a-z_]*)\|.*?\|(?P=id)\})"""
    r"""|(?P<char>'(?:\\.[^']*|[^\\'])')|(?P<word>[A-Za-z_][A-Za-z0-9_']*)|(?P<break>\n(?=[a-z;]))|(?P<sign>[^\sA-Za-z_])"""
)
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")


def options_in_sources(folder: Path, modules: Iterable[str], codes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each reference to a top-level value of a module here, the options that its text plainly defines."""
    texts: dict[str, list[list[str]]] = {}
    found = {}
    for code in codes:
        reference = _REFERENCE.fullmatch(code)
        file = reference and _file(reference[1], modules)
        if not reference or not file:
            continue
        if file not in texts:
            texts[file] = _bindings((folder / file).read_text(encoding="utf-8", errors="replace"))
        named = [tokens for tokens in texts[file] if tokens[:2] == ["let", reference[2]]]
        if len(named) == 1:
            found[code] = tuple(_options(named[0]))
    return found


def _file(module: str, modules: Iterable[str]) -> str | None:
    names = {f"{module}.ml", f"{module[0].lower()}{module[1:]}.ml"}
    return next((name for name in modules if name in names), None)


def _bindings(source: str) -> list[list[str]]:
    """The tokens of each top-level item: what starts at the left margin, as every formatter has it."""
    items: list[list[str]] = [[]]
    for piece in _tokens(f"\n{source}"):
        if piece == "\n":
            items.append([])
        else:
            items[-1].append(piece)
    return items[1:]


def _tokens(source: str) -> Iterator[str]:
    position, token = 0, re.compile(_LEXEME, re.DOTALL)
    while match := token.search(source, position):
        position = _after_comment(source, match.end()) if match["comment"] else match.end()
        if match["break"]:
            yield "\n"
        elif not match["comment"]:
            yield match.group()


def _after_comment(source: str, position: int) -> int:
    """Behind the end of a comment; comments nest, and strings in them count."""
    depth = 1
    for match in re.compile(r'\(\*|\*\)|"(?:\\.|[^"\\])*"', re.DOTALL).finditer(source, position):
        depth += {"(*": 1, "*)": -1}.get(match.group(), 0)
        if depth == 0:
            return match.end()
    return len(source)


def _options(tokens: list[str]) -> Iterator[str]:
    for start, word in enumerate(tokens):
        if word == "info":
            yield from _names(_after_labels(tokens, start + 1))


def _after_labels(tokens: list[str], start: int) -> list[str]:
    """What follows the labelled arguments of `info`: `~doc`, `~doc:"text"`, `~env:(Cmd.Env.info "X")`."""
    while tokens[start : start + 1] in (["~"], ["?"]):
        start += 2
        if tokens[start : start + 1] == [":"]:
            start = _after_argument(tokens, start + 1)
    return tokens[start:]


def _after_argument(tokens: list[str], start: int) -> int:
    depth = 0
    for position in range(start, len(tokens)):
        depth += (tokens[position] in _OPENS) - (tokens[position] in _CLOSES)
        if depth == 0 and tokens[position + 1 : position + 2] != ["."] and tokens[position] != ".":
            return position + 1
    return len(tokens)


def _names(tokens: list[str]) -> Iterator[str]:
    """The names in `[ "x"; "name" ]`; none when anything but literals is there."""
    if tokens[:1] != ["["] or "]" not in tokens:
        return
    inside = [name for name in tokens[1 : tokens.index("]")] if name != ";"]
    if all(re.fullmatch(r'"[A-Za-z0-9][A-Za-z0-9_-]*"', token) for token in inside):
        yield from (token.strip('"') for token in inside)

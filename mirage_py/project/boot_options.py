"""Which boot-time options the user's own OCaml defines, read from its text, to find clashes before the unikernel boots.

What `runtime_arg("Unikernel.hello")` refers to is a Cmdliner term in unikernel.ml; other terms a module registers
itself, with `register_arg`. Only the plain case is read: `info [ "hello" ]` in a top-level item, with the names as
literals. Where the text says less, nothing is
claimed: a clash that is missed is found at boot as before, one that is not there is never reported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_py.dataclass import dataclass
from mirage_py.errors import Location
from mirage_py.project.reading import text_of

if TYPE_CHECKING:
    from mirage_py.dsl.runtime_arg import RuntimeArg

reading = False
"""Whether a module is being read here: of its text no more counts than what `told_by` tells."""

_REFERENCE = re.compile(r"([A-Z][A-Za-z0-9_']*)\.([a-z_][A-Za-z0-9_']*)")
_LEXEME = (
    r"""(?P<comment>\(\*)|(?P<text>"(?:\\.|[^"\\])*")|(?P<quoted>\{(?P<id>[a-z_]*)\|.*?\|(?P=id)\})"""
    r"""|(?P<char>'(?:\\.[^']*|[^\\'])')|(?P<word>[A-Za-z_][A-Za-z0-9_']*)|(?P<break>\n(?=[a-z;]))|(?P<sign>[^\sA-Za-z_])"""
)
_TELLS = re.compile(r"register_arg|info\s*(?:[\[~?]|\(\*)")
"""Without any of these a module says nothing of options: `info` is followed by names, labels, or a comment."""
_OPENS, _CLOSES = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, kw_only=True)
class Item:
    """A top-level item of a module: its first line, counted from 1, and its tokens without comments."""

    line: int
    tokens: tuple[str, ...]


class Sources:
    """The user's own OCaml modules, and those that devices bring, by the names of their files; each read once."""

    def __init__(self, folder: Path, modules: Iterable[str], brought: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._texts = dict(brought or {})
        self._modules = (*modules, *self._texts)
        self._items: dict[str, tuple[Item, ...]] = {}

    def options(self, codes: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The options that each piece of code plainly defines: a reference to a top-level value here, or a term."""
        found = {}
        for code in codes:
            reference = _REFERENCE.fullmatch(code)
            if reference is None:
                found[code] = tuple(_options(tuple(token for token, _ in _tokens(code))))
            elif file := self._file(reference[1]):
                named = [one for one in self._read(file) if one.tokens[:2] == ("let", reference[2])]
                if len(named) == 1:
                    found[code] = tuple(_options(named[0].tokens))
        return found

    def registered(self, codes: Container[str] = ()) -> Iterator[RuntimeArg]:
        """What the modules hand to `register_arg` themselves, where the configuration does not name it as well."""
        from mirage_py.dsl.runtime_arg import RuntimeArg  # `told_by` is asked before anything of that is imported

        for file in self._modules:
            module = Path(file).stem.capitalize() if file.endswith(".ml") else ""
            for item in self._read(file) if module and "register_arg" in self._text(file) else ():
                code = f"{module}.{item.tokens[1]}" if item.tokens[:1] == ("let",) and item.tokens[1:] else module
                if "register_arg" in item.tokens and code not in codes:
                    yield RuntimeArg(
                        code=code, options=tuple(_options(item.tokens)), location=Location(file, item.line)
                    )

    def _read(self, file: str) -> tuple[Item, ...]:
        if file not in self._items:
            self._items[file] = tuple(_items(f"\n{self._text(file)}"))
        return self._items[file]

    def _text(self, file: str) -> str:
        if file not in self._texts:
            self._texts[file] = _text(self._folder / file)
        return self._texts[file]

    def _file(self, module: str) -> str | None:
        names = {f"{module}.ml", f"{module[0].lower()}{module[1:]}.ml"}
        return next((name for name in self._modules if name in names), None)


def told_by(content: bytes) -> str:
    """All that a module says of boot-time options: equal for two contents that `Sources` tells the same of."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")  # as text_of reads it
    if not _TELLS.search(text):
        return ""
    items = [one.tokens for one in _items(f"\n{text}")]
    named = Counter(tokens[:2] for tokens in items)
    told = ((tokens[:2], named[tokens[:2]], tuple(_options(tokens)), "register_arg" in tokens) for tokens in items)
    return repr([one for one in told if one[2] or one[3]])


def _text(file: Path) -> str:
    global reading  # noqa: PLW0603  # who watches what is read has no other way to know
    reading = True
    try:
        return text_of(file)
    finally:
        reading = False


def _items(source: str) -> Iterator[Item]:
    """Each top-level item: what starts at the left margin, as every formatter has it."""
    line, tokens = 0, list[str]()
    for piece, position in (*_tokens(source), ("\n", len(source))):
        if piece != "\n":
            tokens.append(piece)
            continue
        if line and tokens:  # what stands before the first item is none
            yield Item(line=line, tokens=tuple(tokens))
        line, tokens = source.count("\n", 0, position + 1), []


def _tokens(source: str) -> Iterator[tuple[str, int]]:
    """Each token with where it begins; a line break before a lower-case word or `;` at the margin is one."""
    position, token = 0, re.compile(_LEXEME, re.DOTALL)
    while match := token.search(source, position):
        position = _after_comment(source, match.end()) if match["comment"] else match.end()
        if match["break"]:
            yield "\n", match.start()
        elif not match["comment"]:
            yield match.group(), match.start()


def _after_comment(source: str, position: int) -> int:
    """Behind the end of a comment; comments nest, and strings in them count."""
    depth = 1
    for match in re.compile(r'\(\*|\*\)|"(?:\\.|[^"\\])*"', re.DOTALL).finditer(source, position):
        depth += {"(*": 1, "*)": -1}.get(match.group(), 0)
        if depth == 0:
            return match.end()
    return len(source)


def _options(tokens: tuple[str, ...]) -> Iterator[str]:
    for start, word in enumerate(tokens):
        if word == "info":
            yield from _names(_after_labels(tokens, start + 1))


def _after_labels(tokens: tuple[str, ...], start: int) -> tuple[str, ...]:
    """What follows the labelled arguments of `info`: `~doc`, `~doc:"text"`, `~env:(Cmd.Env.info "X")`."""
    while tokens[start : start + 1] in (("~",), ("?",)):
        start += 2
        if tokens[start : start + 1] == (":",):
            start = _after_argument(tokens, start + 1)
    return tokens[start:]


def _after_argument(tokens: tuple[str, ...], start: int) -> int:
    depth = 0
    for position in range(start, len(tokens)):
        depth += (tokens[position] in _OPENS) - (tokens[position] in _CLOSES)
        if depth == 0 and tokens[position + 1 : position + 2] != (".",) and tokens[position] != ".":
            return position + 1
    return len(tokens)


def _names(tokens: tuple[str, ...]) -> Iterator[str]:
    """The names in `[ "x"; "name" ]`; none when anything but literals is there."""
    if tokens[:1] != ("[",) or "]" not in tokens:
        return
    inside = [name for name in tokens[1 : tokens.index("]")] if name != ";"]
    if all(re.fullmatch(r'"[A-Za-z0-9][A-Za-z0-9_-]*"', token) for token in inside):
        yield from (token.strip('"') for token in inside)

"""The words of dune and the compilers as one reads them: without their command lines, each error once, with its source.

OCaml leaves the source out where a file was copied with line directives, as dune's `copy_files#` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

Find = Callable[[str], Path]
"""The user's file behind a name in a message."""

_PLACE: Final = re.compile(
    r'^File "(?P<file>[^"]+)", lines? (?P<line>\d+)(?:-(?P<last>\d+))?(?:, characters (?P<start>\d+)-(?P<end>\d+))?:'
)
_EXCERPT: Final = re.compile(r" *\d+ \|")
_COMMAND: Final = re.compile(r"^ *\S.* \((?:exit|got signal) [^)]*\)$|^\((?:cd|unset) .* && .*\)$")
_FOLDER: Final = re.compile(r"^\(cd (?:'(?P<quoted>[^']*)'|(?P<plain>\S+)) && ")
_RELATIVE_C: Final = re.compile(r"^(?=[\w.-]+(?:/[\w.-]+)*\.[chS]:\d)")
_BUILT_C: Final = re.compile(r"^(?:\S*/)?_build[^/\s]*/[^/\s]+/(?=\S+\.[chS]:\d)", re.MULTILINE)


def with_folders(text: str) -> str:
    """The text with the names of C files as seen from the root: a compiler names them as seen from where it runs."""
    lines, folder = [], ""
    for line in text.splitlines():
        if found := _FOLDER.match(line):
            folder = f"{found['quoted'] or found['plain']}/"
        elif _COMMAND.match(line) or _PLACE.match(line):
            folder = ""
        lines.append(_RELATIVE_C.sub(lambda _: folder, line))  # noqa: B023  # called at once
    return "\n".join(lines)


def without_contexts(text: str) -> str:
    """The text with C files by the names that their sources have below the root."""
    return _BUILT_C.sub("", text)


def cleaned(text: str, find: Find) -> str:
    """What a build said, for a person."""
    blocks = [list(_with_sources(block, find)) for block in _blocks(text)]
    kept = dict.fromkeys("\n".join(block).strip("\n") for block in blocks)  # each target has it once
    return "\n".join(block for block in kept if block.strip())


def without_message(text: str, message: str) -> str:
    """The text without the first error of this message, which was told already; its place and source stay."""
    for error in re.finditer(r"^Error(?: \([^)\n]*\))?: (?P<text>.*(?:\n(?:[ \t>-].*|$))*)\n?", text, re.MULTILINE):
        if re.sub(r"\s+", " ", error["text"]).strip() == message:
            return text[: error.start()] + text[error.end() :]
    return text


def _blocks(text: str) -> Iterator[list[str]]:
    """Each error by itself: dune tells them one after the other, with the commands that they are of between them."""
    block: list[str] = []
    for line in text.splitlines():
        if _COMMAND.match(line) or _PLACE.match(line):
            yield block
            block = []
        if not _COMMAND.match(line):
            block.append(line)
    yield block


def _with_sources(block: list[str], find: Find) -> Iterator[str]:
    for line, following in zip(block, [*block[1:], ""], strict=bool(block)):
        yield line
        place = _PLACE.match(line)
        if place and not _EXCERPT.match(following):
            yield from _excerpt(place, find)


def _excerpt(place: re.Match[str], find: Find) -> Iterator[str]:
    """The line that a place names and, where that is OCaml, what is meant in it, as dune shows it."""
    number = int(place["line"])
    source = _line(find(place["file"]), number)
    if source is None:
        return
    yield f"{number} | {source}"
    if place["start"] and place["file"].endswith((".ml", ".mli", ".mly", ".mll")):
        encoded = source.encode()
        start = min(int(place["start"]), len(encoded))
        end = min(int(place["end"]), len(encoded)) if place["last"] in {None, place["line"]} else len(encoded)
        before = encoded[:start].decode("utf-8", "replace")
        meant = encoded[start:end].decode("utf-8", "replace")
        yield " " * (len(str(number)) + 3) + re.sub(r"[^\t]", " ", before) + "^" * max(len(meant), 1)


def _line(file: Path, number: int) -> str | None:
    """A line of a file, counted from 1; None where there is none."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            found = next((line for count, line in enumerate(opened, start=1) if count == number), None)
    except OSError:
        return None
    return None if found is None else found.rstrip("\r\n")

"""What a linker read for an image: the objects of its map, and who wanted each.

A map (`-Map`) tells of every input section and where it came from, and of every member of an archive which object asked
for it, by which symbol. That is the truth about an image; everything before it is a promise. The text is that of the
GNU linker, which Solo5's and ocaml-solo5's tools start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass

__all__ = ["Linked", "linked_objects"]

_SECTION: Final = re.compile(r"\n (?!\*fill\*)\S*\s+0x[0-9a-f]+\s+0x[0-9a-f]+ (\S.*)")
"""A line, with the end of the one before: Python looks for a letter in half the time that it takes for a beginning."""
_MEMBER: Final = re.compile(r"(?P<file>.*)\((?P<member>[^()]*)\)")
_LAYOUT: Final = re.compile(r"^(?:Discarded input sections|Memory Configuration)$", re.MULTILINE)
_COLUMN: Final = 30
"""Where the map says who wanted a member: on its line where its name is short, else on the next."""


@dataclass(frozen=True, kw_only=True)
class Linked:
    """An object of an image: its file, its name in there where that is an archive, who wanted it for which symbol.

    Nobody wanted what was named on the command line.
    """

    file: Path
    member: str = ""
    wanted_by: Path | None = None
    symbol: str = ""

    def __str__(self) -> str:
        return f"{self.file}({self.member})" if self.member else str(self.file)


def linked_objects(text: str, base: Path) -> tuple[Linked, ...]:
    """The objects that a map tells of, in its order; `base` is the folder in which the linker ran.

    Empty where the text is no map of the GNU linker.
    """
    begin = _LAYOUT.search(text)
    if begin is None:
        return ()
    wanted = dict(_reasons(text[: begin.start()]))
    names = dict.fromkeys(_SECTION.findall(text, begin.end()))
    placed = cache(partial(_placed, base=base))
    return tuple(_linked(name, wanted, placed) for name in {**wanted, **names})


def _reasons(text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Each member of an archive, with the object that wanted it (if one did) and the symbol."""
    name = ""
    for line in text.splitlines()[1:]:
        own, reason = line[:_COLUMN].rstrip(), line[_COLUMN:].strip()
        if line[:1] == " ":
            own = name
        elif not reason or line[_COLUMN - 2 : _COLUMN] != "  ":
            name = line.strip()
            continue
        by, _, symbol = f" {reason}".rpartition(" (")
        if own:
            yield own, (by.strip(), symbol.removesuffix(")"))


def _linked(name: str, wanted: Mapping[str, tuple[str, str]], placed: Callable[[str], Path]) -> Linked:
    file, member = _split(name)
    by, symbol = wanted.get(name, ("", ""))
    return Linked(
        file=placed(file),
        member=member,
        wanted_by=placed(_split(by)[0]) if by else None,
        symbol=symbol,
    )


def _split(name: str) -> tuple[str, str]:
    found = _MEMBER.fullmatch(name)
    return (found["file"], found["member"]) if found else (name, "")


def _placed(file: str, base: Path) -> Path:
    return Path(os.path.normpath(base / file))

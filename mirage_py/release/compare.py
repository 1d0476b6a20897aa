"""Where two builds of one image differ: the section, what is at that place in it, and the objects that went into it.

Objects are compared without what only a debugger reads, as the images are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mirage_py.dataclass import dataclass

__all__ = ["Difference", "ObjectDifference", "differing_objects", "differing_sections"]

DEBUG: Final = re.compile(r"\.(rela?)?\.?(debug|comment|gnu\.debug|stab)")
_LIBRARY: Final = re.compile(r"\.(?P<name>[^/]+)\.e?objs(?:/|$)")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A section that is not the same: the first byte of it that differs, and the symbol that this belongs to."""

    section: str
    at: int
    symbol: str | None = None

    def __str__(self) -> str:
        inside = f", in {self.symbol}" if self.symbol else ""
        return f"{self.section} differs from its byte {self.at} on{inside}"


@dataclass(frozen=True, kw_only=True)
class ObjectDifference:
    """An object file that is not the same, by its path below the build directory, with its sections that differ."""

    path: str
    sections: tuple[str, ...]

    @property
    def library(self) -> str | None:
        """The library that the object is a part of, where its folder tells."""
        found = _LIBRARY.search(self.path)
        return found["name"] if found else None

    def __str__(self) -> str:
        of = f", of {self.library}" if self.library and self.library != "main" else ""
        return f"object {self.path}{of}: {', '.join(self.sections)}"


def differing_sections(one: Path, other: Path) -> tuple[Difference, ...]:
    """The sections that differ between two programs; nothing where they are the same bits."""
    first, second = one.read_bytes(), other.read_bytes()
    if first == second:
        return ()
    parsed, counterpart = _parsed(one), _parsed(other)
    if parsed is None or counterpart is None:
        return (Difference(section="the file", at=_first(first, second)),)
    there = _sections(counterpart)
    found = tuple(_differences(parsed, _sections(parsed), there))
    return found or (Difference(section="what is outside of all sections", at=_first(first, second)),)


def differing_objects(one: Path, other: Path) -> Iterator[ObjectDifference]:
    """The object files below two build directories that are not the same, where both have them."""
    for path in sorted(other.rglob("*.o")):
        relative = path.relative_to(other)
        here = one / relative
        if here.is_file() and here.read_bytes() != path.read_bytes():
            sections = tuple(sorted(_differing(here, path)))
            if sections:
                yield ObjectDifference(path=str(relative), sections=sections)


def _differing(here: Path, there: Path) -> Iterator[str]:
    first, second = _parsed(here), _parsed(there)
    if first is None or second is None:
        yield "the file"
        return
    ours, theirs = _sections(first), _sections(second)
    yield from (name for name in {*ours, *theirs} if not DEBUG.match(name) and ours.get(name) != theirs.get(name))


def _differences(parsed: Any, ours: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> Iterator[Difference]:
    """Any: a program as lief has it."""
    for name, content in ours.items():
        if theirs.get(name) != content:
            at = _first(content, theirs.get(name, b""))
            yield Difference(section=name, at=at, symbol=_symbol(parsed, name, at))
    yield from (Difference(section=name, at=0) for name in theirs if name not in ours)


def _parsed(path: Path) -> Any:
    """A program or object as lief has it, or None for what it cannot read. Any: see there."""
    import lief

    lief.logging.disable()
    return lief.parse(str(path))


def _sections(parsed: Any) -> dict[str, bytes]:
    """The content of each section by its name; of several with one name, all of it. Any: see `_parsed`."""
    found: dict[str, bytes] = {}
    for section in parsed.sections:
        found[str(section.name)] = found.get(str(section.name), b"") + bytes(section.content)
    return found


def _symbol(parsed: Any, section: str, at: int) -> str | None:
    """What is at a place of a section, by the program's own symbols. Any: see `_parsed`."""
    base = next((one.virtual_address for one in parsed.sections if one.name == section), 0)
    if not base:
        return None
    return _covering(((str(one.name), one.value, one.size) for one in parsed.symbols), base + at)


def _covering(symbols: Iterable[tuple[str, int, int]], address: int) -> str | None:
    return next((name for name, value, size in symbols if name and value <= address < value + size), None)


def _first(one: bytes, other: bytes) -> int:
    """The first byte that is not the same."""
    same = min(len(one), len(other))
    low, high = 0, same
    while low < high:  # the longest common beginning
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low

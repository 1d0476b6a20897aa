"""The `external` declarations of a library's sources and interfaces: C names that its users will ask the linker for.

An external that an interface shows is inlined into whoever calls it, so the library's own objects never mention it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mirage_py.libraries.archives import Archive
from mirage_py.project.reading import bytes_of

EXTERNAL: Final = re.compile(
    r"\bexternal\s+(?P<name>\w+|\([^)]{0,20}\))\s*:(?:(?!\bexternal\b)[^=\"]){1,4000}+="
    r'\s*(?P<names>(?:"[^"]{0,200}"\s*){1,2})'
)
"""Bounded, and never over the next `external`: a file of beginnings without an end is looked through once."""

DECLARED: Final = re.compile(rb"external\s+[\w(]")
"""What any of them begins with, and few sources say."""

COMMENT: Final = re.compile(r"\(\*(?:[^*]|\*(?!\)))*+(?:\*\)|\Z)")


class External(NamedTuple):
    """An OCaml name, the C function that native code calls for it, and where that is written."""

    name: str
    symbol: str
    file: str
    line: int


def externals_of(directory: Path, archives: Iterable[Archive]) -> tuple[External, ...]:
    """The externals of the units in these archives, read from the interfaces beside them."""
    units = {unit for archive in archives for member in archive.members for unit in _units(member.name)}
    names = sorted(name for name in _interfaces(directory) if name.rpartition(".")[0].lower() in units)
    return tuple(external for name in names for external in externals_in(directory / name))


def externals_in(file: Path) -> Iterator[External]:
    """The externals of one file, primitives of the compiler (`%identity`) left out."""
    try:
        content = bytes_of(file)
    except OSError:
        return
    if b"external" not in content or not DECLARED.search(content):  # the former is many times as quick
        return
    bare = COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"), content.decode("utf-8", "replace"))
    line, at = 1, 0
    for found in EXTERNAL.finditer(bare):
        line, at = line + bare.count("\n", at, found.start()), found.start()
        symbol = re.findall(r'"([^"]*)"', found["names"])[-1]
        if symbol and not symbol.startswith("%") and symbol not in ATTRIBUTES:
            yield External(found["name"], symbol, file.name, line)


ATTRIBUTES: Final = frozenset({"noalloc", "float", "unboxed"})
"""Before OCaml 4.03 these stood where a C name stands."""


def _interfaces(directory: Path) -> Iterator[str]:
    """Each unit's `.mli`, or its `.ml` where it has none: then all of it is visible."""
    names = set(os.listdir(directory)) if directory.is_dir() else set()
    for name in names:
        if name.endswith(".mli") or (name.endswith(".ml") and f"{name}i" not in names):
            yield name


def _units(member: str) -> Iterator[str]:
    """`base__Sys0.o` is unit `sys0`; `csv.o` is `csv`."""
    stem = member.removesuffix(".o").lower()
    yield stem
    if "__" in stem:
        yield stem.rpartition("__")[2]

"""The OCaml sources of libraries, file by file, and the names in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from mirage_py.audit.mlsource import Source
from mirage_py.dataclass import dataclass
from mirage_py.project.reading import bytes_of

__all__ = ["STDLIB", "Key", "Text", "Unit", "module_of"]

OCAML: Final = (".ml", ".mll", ".mly")

STDLIB: Final = "Stdlib"
"""Stands for the standard library, whose text is not read."""


class Key(NamedTuple):
    """A name in a module of a library; the standard library's have no module of their own."""

    library: str
    module: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """The sources of one library; `modules` says which of them count, `left_out` which do not, all where it is None.

    `tops` are the modules that other libraries see: the one that wraps it, all that count where it is None. `copies`
    are files that a build brings beside those of the folder.
    """

    library: str
    directory: Path
    modules: frozenset[str] | None = None
    left_out: frozenset[str] = frozenset()
    below: bool = False
    tops: frozenset[str] | None = None
    copies: tuple[Path, ...] = ()

    def files(self) -> Iterator[Path]:
        """The files of the library: its OCaml, and that in the sources of its lexers and parsers."""
        yield from (file for file in self.copies if self._counts(module_of(file.name)))
        for folder, inner, names in os.walk(self.directory):
            inner[:] = sorted(one for one in inner if self.below and not _is_apart(Path(folder, one)))
            for name in sorted(names):
                if name.endswith(OCAML) and self._counts(module_of(name)):
                    yield Path(folder) / name

    def _counts(self, module: str) -> bool:
        return module not in self.left_out and (self.modules is None or module in self.modules)


def _is_apart(folder: Path) -> bool:
    """Whether a folder below a library is none of it: its dune file says itself what becomes of what is below it."""
    try:
        return b"include_subdirs" in bytes_of(folder / "dune")
    except OSError:
        return False


def module_of(file: str) -> str:
    """The module that a file is, by its name."""
    stem = file.partition(".")[0]
    return stem[:1].upper() + stem[1:]


class Unit(NamedTuple):
    """A file of a library as it was read."""

    library: str
    source: Source

    def key(self, name: str) -> Key:
        """A name of its own."""
        return Key(self.library, self.source.module, name)

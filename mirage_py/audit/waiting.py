"""The files of many libraries, of which few have to be read as OCaml: those that say a word that matters.

Words are found in the bytes of the files, once; from then on a name leads to the files that say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.audit.mltext import Source, source_of
from mirage_py.project.reading import bytes_of

if TYPE_CHECKING:
    from mirage_py.audit.starting import Key, Text

WORD: Final = re.compile(rb"[A-Za-z_][\w']*")
PARAMETER: Final = re.compile(rb"\bfunctor\b|\(\s*[A-Z]\w*\s*:|\(\s*module\b|\(\s*val\b")
"""What a file has whose names may be of a module that it does not name."""

TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|\(\*(?:[^*]|\*(?!\)))*+(?:\*\)|\Z)', re.DOTALL)
"""Texts and comments, as far as one expression can tell."""

Place = tuple[str, Path]
"""A file of a library."""


class Waiting:
    """The files that have not been read yet, by the words in them."""

    def __init__(self, texts: Iterable[Text]) -> None:
        self.texts = {text.library: text for text in texts}
        self.files: dict[Place, tuple[frozenset[bytes], bool]] = {}
        self.by_word: dict[bytes, list[Place]] = {}
        for text in self.texts.values():
            for file in text.files() if text.directory.is_dir() else ():
                words, applies = _words(file)
                place = (text.library, file)
                self.files[place] = (words, applies)
                for word in words:
                    self.by_word.setdefault(word, []).append(place)

    def again(self) -> Waiting:
        """The same files, all of them waiting."""
        other = copy(self)
        other.files = dict(self.files)
        return other

    def modules(self, library: str) -> Iterator[str]:
        """The modules that the files of a library are."""
        from mirage_py.audit.starting import module_of

        return (module_of(file.name) for one, file in self.files if one == library)

    def saying(self, words: Iterable[str]) -> list[Place]:
        """The files that say one of these words."""
        return [place for word in words for place in self.by_word.get(word.encode(), ()) if place in self.files]

    def meaning(self, words: Iterable[str]) -> Iterator[str]:
        """The libraries that say one of these words in their code, and not in a comment or a text alone."""
        for library, file in self.saying(words):
            code = TEXT.sub(b" ", bytes_of(file))
            if any(word.encode() in WORD.findall(code) for word in words):
                yield library

    def naming(self, key: Key, is_seen: Callable[[str, str], bool]) -> Iterator[Place]:
        """The files that may name something of another module: they say its name, and its module or a parameter."""
        module = key.module.encode()
        for place in self.by_word.get(key.name.encode(), ()):
            known = self.files.get(place)
            if known and (module in known[0] or known[1]) and is_seen(key.library, place[0]):
                yield place

    def take(self, places: Iterable[Place]) -> list[Place]:
        """These files, each once, which wait no longer."""
        taken = [place for place in dict.fromkeys(places) if place in self.files]
        for place in taken:
            del self.files[place]
        return taken


def read_source(file: Path) -> Source | None:
    """The file as OCaml; what was read is kept as long as the file is the same."""
    try:
        status = file.stat()
    except OSError:
        return None
    return _source(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _source(file: Path, changed: int, size: int) -> Source | None:
    del changed, size
    return source_of(file)


def _words(file: Path) -> tuple[frozenset[bytes], bool]:
    """The words of a file, and whether modules are parameters there."""
    try:
        text = bytes_of(file)
    except OSError:
        return frozenset(), False
    return frozenset(WORD.findall(text)), PARAMETER.search(text) is not None

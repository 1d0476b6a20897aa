"""The files of many libraries, of which few have to be read as OCaml: those that say a word that matters.

Words are found in the bytes of the files, once; from then on a name leads to the files that say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from mirage_py.audit.mlsource import Source
from mirage_py.audit.mltext import source_of
from mirage_py.audit.mlunits import STDLIB, Key, Text, Unit, module_of
from mirage_py.audit.mluses import words_of
from mirage_py.project.reading import bytes_of

QUALIFIED: Final = re.compile(rb"\b([A-Z][\w']*+)\s*\.\s*(?:([a-z_][\w']*)|\()")
"""A value of a module, or an expression in which the module is open."""

_PATH: Final = rb"((?>[A-Z][\w']*(?:\s*\.\s*[A-Z][\w']*)*+))"
OPENED: Final = tuple(re.compile(before + _PATH) for before in (rb"open!?\s+", rb"include\s+"))
"""The modules that a file opens or includes: their names stand alone in it."""

RENAMED: Final = re.compile(rb"=\s*" + _PATH + rb"(?!\s*\.)")
"""What modules that have another name in a file are; and constructors."""
NEW: Final = re.compile(rb"([A-Z][\w']*)\s*$")
"""The new name, where it stands right before."""
LONGEST: Final = 100
"""Bytes that are searched for it."""

APPLIED: Final = rb"%s\s*\(\s*(?:[A-Z(]|struct\b|val\b|functor\b)"
"""A functor that is applied to a module, or a constructor of its name."""
MODULE_DOT: Final = re.compile(rb"([A-Z][\w']*)\s*\.\s*\Z")
"""A module before what is inside of it."""

PARAMETER: Final = re.compile(rb"\(\s*(?:(?:module\s+)?([A-Z]\w*)\s*:|(?:module|val)\b)")
"""A module that is a parameter, or comes out of a value, whose name then stands elsewhere."""
NAMELESS: Final = re.compile(rb"functor\b(?!\s*\(\s*[A-Z])")
"""A functor whose parameter does not stand right behind."""

TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|\(\*(?:[^*]|\*(?!\)))*+(?:\*\)|\Z)', re.DOTALL)
"""Texts and comments, as far as one expression can tell."""

NO_CODE: Final = re.compile(
    rb"""(?<![\w'])'(?:[^\\'\n]|\\(?:\d{3}|x..|o...|.))'"""
    rb"""|"(?:[^"\\]|\\.)*+(?:"|\Z)"""
    rb"""|\(\*(?:[^*"']|\*(?!\))|'"'|'|"(?:[^"\\]|\\.)*+(?:"|\Z))*+(?:\*\)|\Z)""",
    re.DOTALL,
)
"""Characters, texts and comments; of a comment inside another one more is left than is code."""
QUOTED: Final = re.compile(rb"\{[%\w.\s]{0,100}\|")
"""Where a text without quotes may begin, in which quotes mean nothing."""

VALUE: Final = rb"(?:(?<![\w'.])|\b[A-Z][\w']*\s*\.\s*)%s(?![\w'])(?!\s*:[^:])"
"""A name as a value, of its own module or another; a field stands behind a value, or before its type."""

EXTERNAL: Final = re.compile(rb'"([A-Za-z_]\w*)"')
"""Texts that may be a name in C, as an `external` has them."""

Place = tuple[str, Path]
"""A file of a library."""


class Said:
    """What the text of a file says, found out when somebody asks; its words are known."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.words = words_of(text_of(file))
        self._paths: dict[bytes, frozenset[tuple[bytes, ...]]] = {}

    @cached_property
    def code(self) -> frozenset[bytes]:
        """The words of its code, and where one cannot tell of its comments and texts."""
        text = text_of(self.file)
        return self.words if QUOTED.search(text) else words_of(NO_CODE.sub(b" ", text))

    @cached_property
    def pairs(self) -> frozenset[tuple[bytes, bytes]]:
        """The values behind modules, each with its module; no name is an expression in which a module is open."""
        return frozenset(QUALIFIED.findall(text_of(self.file)))

    @cached_property
    def opened(self) -> frozenset[bytes]:
        """The modules that it opens or includes, under whatever name."""
        text = text_of(self.file)
        paths = {path for one in OPENED for path in one.findall(text)}
        opened = {_last(path) for path in paths}
        opened |= {module for module, name in self.pairs if not name}
        for _ in range(2):  # a name for a name is as deep as anybody goes
            opened |= {name for short, name in self.renamed if not short or short in opened}
        return frozenset(opened)

    @cached_property
    def renamed(self) -> frozenset[tuple[bytes, bytes]]:
        """New names of modules, each with what it stands for."""
        text = text_of(self.file)
        found = ((one, NEW.search(text, max(0, one.start() - LONGEST), one.start())) for one in RENAMED.finditer(text))
        return frozenset((new[1] if new else b"", _last(one[1])) for one, new in found)

    @cached_property
    def behind_names(self) -> Mapping[bytes, frozenset[bytes]]:
        """The values behind new names, by each module that one may stand for."""
        by_module: dict[bytes, set[bytes]] = {}
        for module, name in self.pairs:
            by_module.setdefault(module, set()).add(name)
        found: dict[bytes, set[bytes]] = {}
        for short, name in self.renamed:
            found.setdefault(name, set()).update(by_module.get(short, ()))
        return {module: frozenset(names) for module, names in found.items()}

    def applies(self, module: bytes, functor: bytes) -> bool:
        """Whether it may apply a functor of a module, which stands before it, by another name too, or is open."""
        paths = self._paths_before(functor)
        if any(not path or path[-1] == module for path in paths):
            return True
        names = {new for new, short in self.renamed if short == module} if paths else ()
        return b"" in names or any(path[0] in names for path in paths)

    def _paths_before(self, functor: bytes) -> frozenset[tuple[bytes, ...]]:
        """The paths that stand before a functor where it is applied."""
        if functor not in self._paths:
            text = text_of(self.file)
            starts = [one.start() for one in re.finditer(APPLIED % re.escape(functor), text)]
            before = (text[max(0, start - LONGEST) : start] for start in starts)
            self._paths[functor] = frozenset(path for one in before if (path := _path_at_end(one)) is not None)
        return self._paths[functor]

    @cached_property
    def externals(self) -> frozenset[bytes]:
        """The texts that may be names in C."""
        text = text_of(self.file)
        return frozenset(EXTERNAL.findall(text) if b"external" in text else ())

    @cached_property
    def behind_parameters(self) -> frozenset[bytes]:
        """The values behind modules of which it does not say which they are."""
        text = text_of(self.file)
        parameters = frozenset((*PARAMETER.findall(text), *([b""] if NAMELESS.search(text) else ())))
        if not parameters:
            return parameters
        unnamed = b"" in parameters or not parameters.isdisjoint(self.opened)
        return frozenset(name for module, name in self.pairs if unnamed or module in parameters)

    def may_name(self, key: Key) -> bool:
        """Whether it may mean a name of a module; the standard library's are never parameters."""
        module, name = key.module.encode(), key.name.encode()
        if module in self.words and (
            (module, name) in self.pairs or module in self.opened or name in self.behind_names.get(module, ())
        ):
            return True
        return key.library != STDLIB and name in self.behind_parameters


class Waiting:
    """The files that have not been read yet, by the words in them."""

    def __init__(self, texts: Iterable[Text]) -> None:
        self.texts = {text.library: text for text in texts}
        self.files: dict[Place, Said] = {
            (text.library, file): Said(file)
            for text in self.texts.values()
            for file in (text.files() if text.directory.is_dir() else ())
        }
        self.meant: dict[tuple[str, ...], frozenset[str]] = {}
        self.places: dict[str, list[Place]] = {}
        for place in self.files:
            self.places.setdefault(place[0], []).append(place)

    def again(self) -> Waiting:
        """The same files, all of them waiting."""
        other = copy(self)
        other.files = dict(self.files)
        return other

    def modules(self, library: str) -> Iterator[str]:
        """The modules that the files of a library are."""
        return (module_of(file.name) for one, file in self.files if one == library)

    def saying(self, words: Iterable[str]) -> list[Place]:
        """The files that say one of these words in their code."""
        asked = [word.encode() for word in words]
        return [
            place for word in asked for place, said in self.files.items() if word in said.words and word in said.code
        ]

    def declaring(self, symbols: Iterable[str]) -> list[Place]:
        """The files that may declare one of these functions of C."""
        asked = [symbol.encode() for symbol in symbols]
        return [
            place
            for symbol in asked
            for place, said in self.files.items()
            if symbol in said.words and symbol in said.externals
        ]

    def applying(self, functors: Iterable[tuple[Unit, str]], is_seen: Callable[[str, str], bool]) -> Iterator[Place]:
        """The files that may apply one of these functors, each given with the file that it is in."""
        for home, functor in functors:
            module, name = home.source.module.encode(), functor.encode()
            for place, said in self._seeing(home.library, is_seen):
                if name in said.words and said.applies(module, name):
                    yield place

    def _seeing(self, library: str, is_seen: Callable[[str, str], bool]) -> Iterator[tuple[Place, Said]]:
        """The files of the libraries that may name modules of one."""
        for name, places in self.places.items():
            for place in places if is_seen(library, name) else ():
                said = self.files.get(place)
                if said is not None:
                    yield place, said

    def meaning(self, values: tuple[str, ...]) -> frozenset[str]:
        """The libraries that name one of these values: in their code, and not as a field of a record.

        Asked while all files wait; it is looked for once.
        """
        if values not in self.meant:
            patterns = [re.compile(VALUE % re.escape(value.encode())) for value in values]
            places = dict.fromkeys(self.saying(values))
            read = ((library, TEXT.sub(b" ", bytes_of(file))) for library, file in places)
            self.meant[values] = frozenset(
                library for library, code in read if any(one.search(code) for one in patterns)
            )
        return self.meant[values]

    def naming(self, key: Key, is_seen: Callable[[str, str], bool]) -> Iterator[Place]:
        """The files that may name something of another module: behind it, behind a parameter, or where it is opened."""
        name = key.name.encode()
        for place, said in self._seeing(key.library, is_seen):
            if name in said.words and said.may_name(key) and name in said.code:
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


def _last(path: bytes) -> bytes:
    """The module at the end of a path, which is the one whose names are meant."""
    return path.rpartition(b".")[2].strip()


def _path_at_end(text: bytes) -> tuple[bytes, ...] | None:
    """The modules of a path that ends with a text; none where a name goes on there, which is another one then."""
    if re.search(rb"[\w']\Z", text):
        return None
    path: tuple[bytes, ...] = ()
    end = len(text)
    while (found := MODULE_DOT.search(text, 0, end)) is not None:
        path, end = (found[1], *path), found.start()
    whole = end > 0 or len(text) < LONGEST
    return path if whole and not text[:end].rstrip().endswith(b".") else ()


def text_of(file: Path) -> bytes:
    """The bytes of a file, none of one that cannot be read: that is told elsewhere."""
    try:
        return bytes_of(file)
    except OSError:
        return b""

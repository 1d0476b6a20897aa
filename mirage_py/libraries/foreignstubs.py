"""What a `library` stanza says of C: its files, their flags and folders of headers, and words for the C linker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from mirage_py.libraries.sexp import Sexp, atoms, field, word_of

__all__ = ["c_flags", "flag_fields", "include_folders", "linked_words", "stub_files", "unmade_files"]


def stub_files(stanza: Sexp, directory: Path, *, spread: bool) -> Iterator[Path]:
    """The C files of `foreign_stubs` and of the older `c_names`, with those that `:standard` means."""
    groups: list[tuple[tuple[Sexp, ...], str]] = []
    old = field(stanza, "c_names")
    if old:
        groups.append((old, "c"))
    for part in _foreign(stanza):
        groups.append((field(part, "names") or (":standard",), word_of(part, "language") or "c"))
    for names, language in groups:
        endings = (".c",) if language == "c" else (".cpp", ".cc", ".cxx")
        yield from _files(names, directory, endings, spread=spread)


def unmade_files(stanza: Sexp, stubs: Iterable[Path]) -> Iterator[str]:
    """The names of C files that do not lie there."""
    there = {file.stem for file in stubs}
    parts = (field(stanza, "c_names"), *(field(part, "names") for part in _foreign(stanza)))
    for part in parts:
        words = list(atoms(part))
        named = words[: words.index("\\")] if "\\" in words else words
        yield from (word for word in named if not word.startswith(":") and word.rpartition("/")[2] not in there)


def _files(names: tuple[Sexp, ...], directory: Path, endings: tuple[str, ...], *, spread: bool) -> Iterator[Path]:
    """Those of a folder, and of the folders below where they count too, that an ordered set of names means."""
    below = directory.rglob("*") if spread else directory.glob("*")
    there = {file.stem: file for file in sorted(below) if file.suffix in endings}
    chosen: dict[str, Path] = {}
    taken_away = False
    for word in atoms(names):
        if word == "\\":
            taken_away = True
        elif taken_away:
            for stem in there if word == ":standard" else (word,):
                chosen.pop(stem, None)
        elif word == ":standard":
            chosen |= there
        else:
            file = next((directory / f"{word}{end}" for end in endings if (directory / f"{word}{end}").is_file()), None)
            found = file or there.get(re.sub(r".*/", "", word))
            if found:
                chosen[word] = found
    yield from chosen.values()


def flag_fields(stanza: Sexp) -> Iterator[tuple[Sexp, ...]]:
    """The fields that say how its C files are compiled, as they stand."""
    yield from (field(part, "flags") for part in _foreign(stanza))
    yield field(stanza, "c_flags")


def c_flags(stanza: Sexp) -> Iterator[str]:
    """The flags of its C files, as far as they stand here: a variable, and what a rule writes, is left to dune."""
    for part in flag_fields(stanza):
        yield from (word for word in atoms(_without_includes(part)) if not word.startswith((":", "%")))


def _without_includes(parts: tuple[Sexp, ...]) -> tuple[Sexp, ...]:
    """The parts without `(:include FILE)`, at any depth."""
    inside = ((_without_includes(part) if isinstance(part, tuple) else part) for part in parts if not _includes(part))
    return tuple(inside)


def _includes(part: Sexp) -> bool:
    return isinstance(part, tuple) and part[:1] == (":include",)


def include_folders(stanza: Sexp, directory: Path) -> Iterator[Path | str]:
    """`include_dirs` of its C: folders, and `(lib NAME)`."""
    for part in _foreign(stanza):
        for one in field(part, "include_dirs"):
            if isinstance(one, str):
                yield directory / one
            elif one[:1] == ("lib",):
                yield from atoms(one[1:])


def linked_words(stanza: Sexp) -> Iterator[str]:
    """What a stanza gives to the C linker, `-cclib` of its archive among it."""
    yield from atoms(field(stanza, "c_library_flags"))
    flags = tuple(atoms(field(stanza, "library_flags")))
    yield from (word for before, word in pairwise(flags) if before == "-cclib")


def _foreign(stanza: Sexp) -> Iterator[tuple[Sexp, ...]]:
    for part in stanza[1:] if isinstance(stanza, tuple) else ():
        if isinstance(part, tuple) and part[:1] == ("foreign_stubs",):
            yield part

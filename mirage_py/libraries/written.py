"""The OCaml files of a library that a build brings beside the others: copied from elsewhere, or written by a rule.

Rules are those of the library's folder. A copy can be read where it is copied from; what a rule says in its own words
can be read there; what a program writes is known once it has run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.libraries.generated import feeds
from mirage_py.libraries.sexp import Sexp, atoms, field
from mirage_py.libraries.stanzas import Located

__all__ = ["Written", "written_for"]

CONDITIONS: Final = re.compile(r"%\{bin:cppo\}|(?:.*/)?cppo(?:\.exe)?")
"""A preprocessor that leaves out lines, and writes nothing of its own: the text is read with all of them."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """`copies` are files that are brought under the name of the same module; `texts` are written by rules in full, by
    name; `unread` are names of files that a program writes.
    """

    copies: tuple[Path, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()


def written_for(library: Located, beside: Iterable[Located]) -> Written:
    """What is brought beside the files of a library, by the stanzas of its folder."""
    copies: dict[Path, None] = {}
    texts: dict[str, str] = {}
    unread: dict[str, None] = {}
    for one in beside:
        if one.kind in ("copy_files", "copy_files#"):
            copies |= dict.fromkeys(_copied(one))
        elif one.kind == "rule" and feeds(one):
            for name, source, text in _outputs(one):
                if source is not None:
                    copies[source] = None
                elif text is not None:
                    texts[name] = text
                elif not _is_there(library.directory, name):
                    unread[name] = None
    if _is_rewritten(field(library.stanza, "preprocess")):
        unread |= dict.fromkeys(file.name for file in sorted(library.directory.glob("*.ml")))
    return Written(copies=tuple(copies), texts=tuple(texts.items()), unread=tuple(unread))


def _copied(one: Located) -> Iterator[Path]:
    """The OCaml files that a `copy_files` stanza means."""
    patterns = [*atoms(field(one.stanza, "files")), *(word for word in one.stanza[1:] if isinstance(word, str))]
    for pattern in patterns:
        folder, _, name = pattern.rpartition("/")
        if not name.endswith((".h", ".c")) and "%{" not in pattern:
            found = (one.directory / folder).glob(name) if folder != "." else ()
            yield from (file for file in sorted(found) if file.suffix == ".ml")


def _outputs(rule: Located) -> Iterator[tuple[str, Path | None, str | None]]:
    """Each OCaml file that a rule makes: its name, the file that it is a copy of, or its text, where one can tell."""
    named = {*atoms(field(rule.stanza, "targets")), *atoms(field(rule.stanza, "target"))}
    told: set[str] = set()
    for name, source, text in _actions(rule.stanza):
        place = next(iter(named), "") if name == "%{target}" else name
        told.add(place)
        if place.endswith(".ml"):
            copied = rule.directory / source if source else None
            same = copied is not None and copied.is_file() and _module(copied.name) == _module(place)
            yield place, copied if same else None, text
    yield from ((name, None, None) for name in sorted(named - told) if name.endswith(".ml"))


def _actions(part: Sexp) -> Iterator[tuple[str, str, str | None]]:
    """What the actions below write to: the file's name, what it is a copy of, and the text where that stands there."""
    match part:
        case ("copy" | "copy#", str(source), str(name)):
            yield name, source, None
        case ("write-file", str(name), str(text)):
            yield name, "", text
        case ("with-stdout-to", str(name), action):
            yield name, "", _echoed(action)
        case tuple():
            for one in part:
                yield from _actions(one)
        case str():
            return


def _echoed(action: Sexp) -> str | None:
    """The text that an action prints; None for that of a program."""
    match action:
        case ("echo", *texts) if all(isinstance(one, str) for one in texts):
            return " ".join(str(one) for one in texts)
        case ("progn", *actions):
            parts = [_echoed(one) for one in actions]
            return None if None in parts else " ".join(str(one) for one in parts)
        case _:
            return None


def _is_there(folder: Path, name: str) -> bool:
    """Whether the file, or what it is made of by leaving out lines (`x.cppo.ml`, `x.ml.in`), lies in a folder."""
    module = _module(name)
    return any(_module(one.name) == module and ".ml" in one.name for one in folder.glob("*"))


def _is_rewritten(preprocess: tuple[Sexp, ...]) -> bool:
    """Whether all files go through a program that may write anything."""
    for part in preprocess:
        match part:
            case ("action", ("run", str(program), *_)):
                return not CONDITIONS.fullmatch(program)
            case ("action", *_):
                return True
            case _:
                continue
    return False


def _module(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0].lower()

"""What makes the files of a library: the programs that its rules run, and the libraries those are linked with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.libraries.sexp import Sexp, atoms, field
from mirage_py.libraries.stanzas import Located

__all__ = ["Made", "feeds", "made_by"]

PROGRAM: Final = re.compile(r"%\{(exe|bin|dep|libexec):([^}]+)\}$")
BY_STANZA: Final = {"menhir": "menhir", "ocamllex": "", "ocamlyacc": "", "coq.theory": "coqc"}
"""Stanzas that run a program of another package; OCaml's own come with it."""
SHELL: Final = frozenset({"sh", "bash", "env", "cp", "cat", "echo", "sed", "awk", "true", "test", "ocaml", "ocamlfind"})
FEEDS: Final = (".ml", ".mli", ".mll", ".mly", ".c", ".h", ".sexp", ".inc", ".ml.in", ".s", ".S", ".a", ".o")


@dataclass(frozen=True, kw_only=True)
class Made:
    """The libraries of programs that are compiled to make a library's files, and programs that have to be there."""

    libraries: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


def made_by(library: Located, by_folder: Mapping[Path, list[Located]]) -> Made:
    """What makes the files of a library, as far as the rules of its folder say."""
    libraries: dict[str, None] = {}
    programs: dict[str, None] = {}
    beside = by_folder.get(library.directory, [])
    for rule in (one for one in beside if one.kind == "rule" and feeds(one)):
        for word in _runs(rule.stanza):
            _note(word, library.directory, by_folder, libraries, programs)
    for one in beside:
        program = BY_STANZA.get(one.kind)
        if program:
            programs[program] = None
    for word in _runs(field(library.stanza, "preprocess")):
        _note(word, library.directory, by_folder, libraries, programs)
    return Made(libraries=tuple(libraries), programs=tuple(programs))


def _note(
    word: str,
    directory: Path,
    by_folder: Mapping[Path, list[Located]],
    libraries: dict[str, None],
    programs: dict[str, None],
) -> None:
    """A program that is run: one that these sources build, by its path, or one that has to be there, by its name."""
    found = PROGRAM.match(word)
    name = found[2] if found else word
    if name.endswith(".exe") or (found and found[1] != "bin") or "/" in name:
        place = Path(_normal(directory / name))
        for one in by_folder.get(place.parent, []):
            named = {*atoms(field(one.stanza, "name")), *atoms(field(one.stanza, "names"))}
            if one.kind in ("executable", "executables") and place.stem in named:
                libraries.update(
                    dict.fromkeys(word for word in field(one.stanza, "libraries") if isinstance(word, str))
                )
    elif not name.startswith("%") and name not in SHELL:
        programs[name] = None


def _normal(path: Path) -> str:
    import os

    return os.path.normpath(path)


def feeds(rule: Located) -> bool:
    """Whether a rule makes what a library may be compiled from: no test, and nothing that is kept in the sources."""
    if any(field(rule.stanza, part) for part in ("alias", "aliases")):
        return False
    mode = field(rule.stanza, "mode")
    if mode and mode[0] in ("promote", "fallback", "promote-until-clean"):
        return False
    if mode and isinstance(mode[0], tuple) and mode[0][:1] == ("promote",):
        return False
    if field(rule.stanza, "enabled_if"):
        return False
    targets = [*atoms(field(rule.stanza, "targets")), *atoms(field(rule.stanza, "target"))]
    return not targets or any(target.endswith(FEEDS) for target in targets)


def _runs(part: Sexp) -> Iterator[str]:
    """The first word of every `(run ...)` below."""
    if isinstance(part, tuple):
        if part[:1] == ("run",) and len(part) > 1 and isinstance(part[1], str):
            yield part[1]
        else:
            for one in part:
                yield from _runs(one)

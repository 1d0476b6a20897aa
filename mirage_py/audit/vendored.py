"""Libraries in source form: what their dune files say, and what their C and OCaml sources ask for.

Their objects do not exist yet, so names are read from the text: enough to tell what is missing from a libc, not enough
to tell what a linker would leave out. The findings say so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from mirage_py.audit.libc import Libc
from mirage_py.audit.names import posix_names
from mirage_py.audit.sexp import Sexp, SexpError, atoms, field, parse
from mirage_py.model.audit import Finding, Problem
from mirage_py.model.library import Library

SKIPPED: Final = ("_build", ".git", "node_modules", "test", "tests", "examples", "example", "bench", "_opam")

CALL: Final = re.compile(r"(?<![\w.>])([a-z_]\w*)\s*\(")
DEFINITION: Final = re.compile(r"^[A-Za-z_][\w\s*]*?[\s*](\w+)\s*\([^;{]*\)\s*\{", re.MULTILINE)
MACRO: Final = re.compile(r"^\s*#\s*define\s+(\w+)", re.MULTILINE)
INCLUDE: Final = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
C_COMMENT: Final = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
KEYWORDS: Final = frozenset({"if", "while", "for", "switch", "return", "sizeof", "defined"})


@dataclass(frozen=True, kw_only=True)
class Stanza:
    """A `library` stanza: its library, and what it says of C."""

    library: Library
    stubs: tuple[Path, ...] = ()
    system: tuple[str, ...] = ()
    configured: bool = False
    generated: bool = False
    archives: tuple[str, ...] = ()
    file: Path


class Vendored:
    """The libraries below some folders of sources, by public name and by name."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.folders = folders
        self.problems: list[Problem] = []
        self.read: list[Path] = []

    @cached_property
    def stanzas(self) -> dict[str, Stanza]:
        """Every library; the first of a name counts."""
        found: dict[str, Stanza] = {}
        for file in (file for folder in self.folders for file in _dune_files(folder)):
            self.read.append(file)
            for stanza in self._stanzas_in(file):
                found.setdefault(stanza.library.name, stanza)
        return found

    def _stanzas_in(self, file: Path) -> Iterator[Stanza]:
        try:
            content = parse(file.read_text("utf-8", "replace"))
        except (SexpError, OSError) as error:
            self.problems.append(Problem(message=f"is no dune file that can be read: {error}", place=str(file)))
            return
        for stanza in content:
            if isinstance(stanza, tuple) and stanza[:1] == ("library",):
                yield from _stanza(stanza, file)

    def findings(self, name: str, libc: Libc) -> tuple[Finding, ...]:
        """What the stanza and the C sources of a library say for a freestanding target."""
        stanza = self.stanzas[name]
        self.read.extend(stanza.stubs)
        return (*_stanza_findings(stanza), *(one for file in stanza.stubs for one in _c_findings(file, libc)))


def _dune_files(folder: Path) -> Iterator[Path]:
    """Every `dune` file below, in an order that does not depend on the file system; tests and build trees left out."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        if "dune" in names:
            yield Path(here) / "dune"


def _stanza(stanza: Sexp, file: Path) -> Iterator[Stanza]:
    public = next(atoms(field(stanza, "public_name")), None) or next(atoms(field(stanza, "name")), None)
    if public is None:
        return
    words = [word for part in ("c_library_flags", "link_flags") for word in atoms(field(stanza, part))]
    yield Stanza(
        library=Library(
            name=public,
            package=public.split(".")[0],
            origin="vendored",
            directory=file.parent,
            requires=tuple(_requires(field(stanza, "libraries"))),
            ppx=next(atoms(field(stanza, "kind")), "").startswith("ppx_"),
        ),
        stubs=tuple(_stub_files(stanza, file.parent)),
        system=tuple(dict.fromkeys(word[2:] for word in words if word.startswith("-l") and word != "-lm")),
        configured=":include" in words or "dune-configurator" in set(atoms(field(stanza, "libraries"))),
        generated="ctypes" in {part[0] for part in stanza[1:] if isinstance(part, tuple) and part},
        archives=tuple(atoms(field(stanza, "foreign_archives"))),
        file=file,
    )


def _requires(parts: tuple[Sexp, ...]) -> Iterator[str]:
    """The libraries of a `libraries` field; of a `select`, none: its choice follows what is there."""
    for part in parts:
        if isinstance(part, str):
            yield part
        elif part[:1] == ("re_export",):
            yield from atoms(part[1:])


def _stub_files(stanza: Sexp, directory: Path) -> Iterator[Path]:
    """The C files of `foreign_stubs` and of the older `c_names`."""
    names = [*atoms(field(stanza, "c_names"))]
    for part in stanza[1:] if isinstance(stanza, tuple) else ():
        if isinstance(part, tuple) and part[:1] == ("foreign_stubs",):
            names += [name for name in atoms(field(part, "names")) if not name.startswith(":")]
    files = (directory / f"{name}.c" for name in names)
    yield from (file for file in files if file.is_file())


def _stanza_findings(stanza: Stanza) -> Iterator[Finding]:
    place = stanza.file.parent.name + "/dune"
    if stanza.system:
        named = " ".join(f"-l{name}" for name in stanza.system)
        remedy = f"build {' and '.join(stanza.system)} for the target, or choose another library"
        message = f"it links the C library of the system behind {named}"
        yield Finding(
            rule="system-library", severity="missing", message=message, archive=place, definer=named, remedy=remedy
        )
    if stanza.generated:
        message = "its stubs are generated by ctypes, against a C library of the host"
        yield Finding(rule="ctypes", severity="unsure", message=message, archive=place)
    if stanza.configured:
        message = "its C flags are found out on the host while it builds; they may not fit the target"
        yield Finding(rule="configurator", severity="note", message=message, archive=place)
    if stanza.archives:
        message = f"it links archives that a rule makes: {' '.join(stanza.archives)}"
        yield Finding(rule="foreign-archive", severity="unsure", message=message, archive=place)


def _c_findings(file: Path, libc: Libc) -> Iterator[Finding]:
    """Headers and functions that one C file uses and a freestanding target has not."""
    text = C_COMMENT.sub(" ", raw := file.read_text("utf-8", "replace"))
    guarded = "__ocaml_solo5__" in raw or "__ocaml_freestanding__" in raw
    headers = [name for name in INCLUDE.findall(raw) if not name.startswith("caml/")]
    local = {*DEFINITION.findall(text), *MACRO.findall(text), *KEYWORDS}
    called = dict.fromkeys(name for name in CALL.findall(text) if name not in local)
    for name in called:
        yield from _call(name, file, libc, guarded)
    for header in sorted(set(headers) - libc.headers) if libc.headers else ():
        yield _source(file, "header-missing", f"it includes <{header}>, which the freestanding libc has not", header)


def _call(name: str, file: Path, libc: Libc, guarded: bool) -> Iterator[Finding]:
    if name in libc.aborts:
        yield _source(file, "libc-abort", f"it calls {name}, a stub that aborts", name, aborts=not guarded)
    elif name in posix_names() and not libc.has(name) and not name.startswith("caml_"):
        yield _source(file, "libc-missing", f"it calls {name}, which the freestanding libc has not", name)


def _source(file: Path, rule: str, message: str, symbol: str, *, aborts: bool = False) -> Finding:
    """What a text says: it may stand in a branch that the target's preprocessor drops, hence unsure."""
    return Finding(
        rule=rule,
        severity="aborts" if aborts else "unsure",
        message=f"{message} (read from the source; a branch for another system may hold it)",
        symbol=symbol,
        archive=file.parent.name,
        member=file.name,
        definer="nolibc",
        remedy="build it for the target once: the object then says for sure",
    )

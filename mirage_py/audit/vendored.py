"""Libraries in source form: what their dune files say, and what their C and OCaml sources ask for.

Their objects do not exist yet, so names are read from the text: enough to tell what is missing from a libc, not enough
to tell what a linker would leave out. The findings say so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from mirage_py.audit.branches import kept
from mirage_py.audit.libc import Libc
from mirage_py.audit.names import posix_names
from mirage_py.audit.sexp import Sexp, SexpError, atoms, field, parse
from mirage_py.model.audit import Finding, Problem, Severity
from mirage_py.model.library import Library

SOLO5: Final = "solo5.h"
"""The header of the bindings, which every freestanding toolchain has beside its libc."""

SKIPPED: Final = ("_build", ".git", "node_modules", "test", "tests", "examples", "example", "bench", "_opam")

CALL: Final = re.compile(r"(?<![\w.>])([a-z_]\w*)\s*\(")
DEFINITION: Final = re.compile(r"^[A-Za-z_][\w\s*]*?[\s*](\w+)\s*\([^;{]*\)\s*\{", re.MULTILINE)
MACRO: Final = re.compile(r"^\s*#\s*define\s+(\w+)", re.MULTILINE)
INCLUDE: Final = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
C_COMMENT: Final = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
C_BLOCK: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
LINE: Final = re.compile(r"^\s*#(?!\s*define).*$", re.MULTILINE)
OF_COMPILER: Final = re.compile(r"\w*intrin\.h|std(?:atomic|align|noreturn)\.h|cpuid\.h|iso646\.h|arm_neon\.h")
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
    private: str = ""
    implements: str = ""
    default: str = ""


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
        for file in (file for folder in self.folders for file in _dune_files(folder, self.read)):
            self.read.append(file)
            for stanza in self._stanzas_in(file):
                found.setdefault(stanza.library.name, stanza)
        return {name: _resolved(stanza, found) for name, stanza in found.items()}

    def _stanzas_in(self, file: Path) -> Iterator[Stanza]:
        try:
            content = parse(file.read_text("utf-8", "replace"))
        except (SexpError, OSError) as error:
            self.problems.append(Problem(message=f"is no dune file that can be read: {error}", place=str(file)))
            return
        for stanza in content:
            if isinstance(stanza, tuple) and stanza[:1] == ("library",):
                yield from _stanza(stanza, file, spread=("include_subdirs", "unqualified") in content)

    def findings(self, name: str, libc: Libc) -> tuple[Finding, ...]:
        """What the stanza and the C sources of a library say for a freestanding target."""
        stanza = self.stanzas[name]
        self.read.extend(stanza.stubs)
        return (*_stanza_findings(stanza), *(one for file in stanza.stubs for one in _c_findings(file, libc)))


def _resolved(stanza: Stanza, stanzas: dict[str, Stanza]) -> Stanza:
    """The stanza with public names in its needs, and with the implementation that a virtual library gets."""
    public = {one.private: name for name, one in stanzas.items() if one.file.parts[:-2] == stanza.file.parts[:-2]}
    public |= {one.private: name for name, one in stanzas.items() if one.private not in public}
    needs = [need if need in stanzas else public.get(need, need) for need in stanza.library.requires]
    chosen = _implementation(stanza, stanzas)
    requires = tuple(dict.fromkeys((*needs, chosen) if chosen else needs))
    return replace(stanza, library=replace(stanza.library, requires=requires))


def _implementation(stanza: Stanza, stanzas: dict[str, Stanza]) -> str | None:
    """One for Solo5 or Xen where there is one, else the default; they need the virtual library, not it them."""
    if not stanza.default:
        return None
    names = sorted(name for name, one in stanzas.items() if one.implements == stanza.library.name)
    return next((name for name in names if name.endswith((".solo5", ".xen"))), stanza.default)


def _dune_files(folder: Path, walked: list[Path]) -> Iterator[Path]:
    """Every `dune` file below, in an order that does not depend on the file system; tests and build trees left out.

    The folders are noted in `walked`: a new library changes one of them.
    """
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        walked.append(Path(here))
        if "dune" in names:
            yield Path(here) / "dune"


def _stanza(stanza: Sexp, file: Path, *, spread: bool) -> Iterator[Stanza]:
    """The library of a stanza; `spread` says that its sources may lie in folders below."""
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
        stubs=tuple(_stub_files(stanza, file.parent, spread=spread)),
        system=tuple(dict.fromkeys(word[2:] for word in words if word.startswith("-l") and word != "-lm")),
        configured=":include" in words or "dune-configurator" in set(atoms(field(stanza, "libraries"))),
        generated="ctypes" in {part[0] for part in stanza[1:] if isinstance(part, tuple) and part},
        archives=tuple(atoms(field(stanza, "foreign_archives"))),
        file=file,
        private=next(atoms(field(stanza, "name")), ""),
        implements=next(atoms(field(stanza, "implements")), ""),
        default=next(atoms(field(stanza, "default_implementation")), ""),
    )


def _requires(parts: tuple[Sexp, ...]) -> Iterator[str]:
    """The libraries of a `libraries` field; of a `select`, none: its choice follows what is there."""
    for part in parts:
        if isinstance(part, str):
            yield part
        elif part[:1] == ("re_export",):
            yield from atoms(part[1:])


def _stub_files(stanza: Sexp, directory: Path, *, spread: bool) -> Iterator[Path]:
    """The C files of `foreign_stubs` and of the older `c_names`."""
    names = [*atoms(field(stanza, "c_names"))]
    for part in stanza[1:] if isinstance(stanza, tuple) else ():
        if isinstance(part, tuple) and part[:1] == ("foreign_stubs",):
            names += [name for name in atoms(field(part, "names")) if not name.startswith(":")]
    for name in names:
        here = directory / f"{name}.c"
        below = directory.rglob(f"{name.rpartition('/')[2]}.c") if spread else ()
        yield from [here] if here.is_file() else sorted(below)[:1]


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
        made_for_it = _includes_solo5(stanza.file.parent)
        severity: Severity = "note" if made_for_it else "unsure"
        yield Finding(rule="foreign-archive", severity=severity, message=message, archive=place)


def _includes_solo5(directory: Path) -> bool:
    """Whether the C below is written against Solo5 itself: then it was made for these targets."""
    return any(
        re.search(r'#\s*include\s*["<]solo5.h', file.read_text("utf-8", "replace")) for file in directory.rglob("*.c")
    )


def _c_findings(file: Path, libc: Libc) -> Iterator[Finding]:
    """Headers and functions that one C file uses and a freestanding target has not."""
    raw = "\n".join(kept(C_BLOCK.sub(" ", file.read_text("utf-8", "replace"))))
    text = LINE.sub(" ", C_COMMENT.sub(" ", raw))
    headers = [
        name for name in INCLUDE.findall(raw) if not name.startswith("caml/") and not OF_COMPILER.fullmatch(name)
    ]
    local = {*DEFINITION.findall(text), *MACRO.findall(text), *KEYWORDS}
    called = dict.fromkeys(name for name in CALL.findall(text) if name not in local)
    for name in called:
        yield from _call(name, file, libc)
    for header in sorted(set(headers) - libc.headers - {SOLO5}) if libc.headers else ():
        yield _source(file, "header-missing", f"it includes <{header}>, which the freestanding libc has not", header)


def _call(name: str, file: Path, libc: Libc) -> Iterator[Finding]:
    if name in libc.aborts:
        yield _source(file, "libc-abort", f"it calls {name}, a stub that aborts", name, aborts=True)
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

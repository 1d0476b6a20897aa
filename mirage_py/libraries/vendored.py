"""Libraries in source form, as their dune files describe them: names, needs, and what they say of C."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from mirage_py.libraries.sexp import Sexp, SexpError, atoms, field, parse
from mirage_py.model.audit import Problem
from mirage_py.model.library import Library

__all__ = ["Stanza", "Vendored"]

SKIPPED: Final = ("_build", ".git", "node_modules", "test", "tests", "examples", "example", "bench", "_opam")


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
        if here == str(folder):  # a checkout that serves in a package's place (`mpy dev`) is a link
            for name in (name for name in folders if os.path.islink(os.path.join(here, name))):
                yield from _dune_files(folder / name, walked)


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

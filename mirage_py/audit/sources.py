"""Where libraries come from, for the audit: vendored sources first, then what findlib finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from mirage_py.audit.libc import Libc
from mirage_py.audit.rules import freestanding, rule_of
from mirage_py.audit.vendored import source_findings, stanza_findings
from mirage_py.libraries.findlib import DRIVER, Findlib
from mirage_py.libraries.librarystanza import Stanza
from mirage_py.libraries.vendored import Vendored
from mirage_py.model.audit import OWN_C, AuditRequest, Finding, OwnC, Problem
from mirage_py.model.library import Library

NO_MODULE: Final = ("-",)
"""What no module is called: those beside the C are of the unikernel, and no part of what is judged with it."""


class Sources:
    """Libraries by name, and every file that was read to know them."""

    def __init__(
        self,
        path: tuple[Path, ...],
        vendored: tuple[Path, ...] = (),
        *,
        bare: bool = True,
        own: OwnC | None = None,
        toolchain: tuple[Path, ...] = (),
    ) -> None:
        """`bare` says that the target has no operating system; C of the unikernel's own counts as a library.

        `toolchain` are the folders of what was made for the target.
        """
        self.bare = bare
        self.toolchain = toolchain
        self.findlib = Findlib(path)
        self.vendored = Vendored(
            vendored,
            elsewhere=lambda name: self.findlib.find(name) is not None,
            selectable=self._is_selectable,
            preprocessors=lambda name: self.findlib.find(name, DRIVER),
        )
        if own is not None:
            self.vendored.stanzas[OWN_C] = _as_library(own)
        self._read: dict[Path, None] = dict.fromkeys((*path, *vendored))
        self._found: dict[str, tuple[Finding, ...]] = {}

    @property
    def runtime(self) -> Path:
        """The host's OCaml runtime: its names are those of the target's of the same version."""
        return self.findlib.stdlib / "libasmrun.a"

    @cached_property
    def ocaml_version(self) -> str | None:
        """The version of the OCaml whose libraries these are."""
        try:
            return (self.findlib.stdlib / "VERSION").read_text("utf-8").strip() or None
        except OSError:
            return _version_in(self.findlib.stdlib / "Makefile.config")

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read of the vendored sources."""
        return tuple(self.vendored.problems)

    @property
    def read(self) -> tuple[Path, ...]:
        """Every file and folder that the answers rest on."""
        return tuple(dict.fromkeys((*self._read, *self.vendored.read)))

    def note(self, *paths: Path) -> None:
        """Remember that these were read."""
        self._read |= dict.fromkeys(paths)

    def find(self, name: str) -> Library | None:
        """The library that serves this name: vendored wins over installed."""
        if name in self.vendored.stanzas:
            return self.vendored.stanzas[name].library
        library = self.findlib.find(name)
        if library is not None and library.meta is not None:
            self.note(library.meta)
        return library

    @classmethod
    def of(cls, request: AuditRequest) -> Sources:
        """The libraries that a question is about."""
        return cls(
            request.path,
            request.vendored,
            bare=any(map(freestanding, request.targets)),
            own=request.own,
            toolchain=request.toolchain_folders,
        )

    def _is_selectable(self, name: str) -> bool:
        """Whether a library is installed that the target can have: of others a build shows dune nothing."""
        if self.findlib.find(name) is None:
            return False
        behind = self.findlib.closure((name,)).libraries if self.bare else ()
        return all(rule_of(one, self.toolchain) is None for one in behind)

    def implementation(self, library: Library) -> str:
        """The library that implements a virtual one for the target: one for Solo5 or Xen, else the default."""
        names = sorted(name for name, one in self.vendored.libraries.items() if one.implements == library.name)
        fitting = (name for name in names if self.bare and name.endswith((".solo5", ".xen")))
        return next(fitting, library.default)

    def problem(self, name: str) -> str | None:
        """Why a library that is there cannot be used, with the place in its META."""
        problem = self.findlib.problem(name)
        if problem is None:
            return None
        if problem.file is not None:
            self.note(problem.file)
        verb = {"broken": "has a META that cannot be read", "hidden": "is hidden", "refused": "refuses this use"}
        return f"{verb.get(problem.kind, problem.kind)}: {problem.text}"

    def suggest(self, name: str) -> tuple[str, ...]:
        """The names nearest to one that does not exist."""
        from difflib import get_close_matches

        near = get_close_matches(name, self.vendored.stanzas, n=3, cutoff=0.7)
        return tuple(dict.fromkeys((*near, *self.findlib.suggest(name))))[:3]

    def linkopts(self, name: str) -> str | None:
        """A library's `freestanding_linkopts`, `xen_linkopts` where it has only those."""
        return self.findlib.property(name, "freestanding_linkopts") or self.findlib.property(name, "xen_linkopts")

    def findings(self, name: str, libc: Libc, refused: tuple[Finding, ...] | None = None) -> tuple[Finding, ...]:
        """What the sources of a vendored library say; `refused` is what its compiled C does, None where none was."""
        if name not in self._found:  # asked for every target, and twice for each
            self._found[name] = self._findings(name, libc, refused)
        return self._found[name]

    def _findings(self, name: str, libc: Libc, refused: tuple[Finding, ...] | None) -> tuple[Finding, ...]:
        stanza = self.vendored.stanzas.get(name)
        if stanza is None:
            return ()
        self._read |= dict.fromkeys(stanza.stubs)
        found = source_findings(stanza, libc) if refused is None else (*stanza_findings(stanza), *refused)
        return (*found, *self._twice(name))

    def _twice(self, name: str) -> Iterator[Finding]:
        package = self.vendored.stanzas[name].library.package
        places = self.vendored.packages.get(package, ())
        if len(places) > 1:
            message = f"{len(places)} folders of sources hold package {package}"
            remedy = "leave one of the copies: dune takes no package from two folders"
            yield Finding(rule="twice", severity="missing", message=message, definer=name, remedy=remedy)


def _version_in(makefile: Path) -> str | None:
    """OCaml up to 4.13 leaves its version in no file of its own; findlib's users know it from `caml/version.h`."""
    header = makefile.parent / "caml" / "version.h"
    try:
        found = re.search(r'OCAML_VERSION_STRING "([^"]+)"', header.read_text("utf-8"))
    except OSError:
        return None
    return found.group(1) if found else None


def _as_library(own: OwnC) -> Stanza:
    library = Library(name=OWN_C, package=OWN_C, origin="local", directory=own.folder)
    return Stanza(
        library=library,
        stubs=own.files,
        flags=own.flags,
        headers=own.headers,
        configured=own.described,
        modules=NO_MODULE,
        file=own.files[0],
    )

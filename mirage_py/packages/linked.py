"""Which packages end up in an image, by metadata alone: a lock's, else that of the newest versions that are known.

What is asked for by tests, documentation, the build or its author's tools is no part of an image, and neither is what
is only installed along with a package (`post`). No version is solved for: of each package the newest counts that its
askers and the compiler allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from mirage_py.dataclass import dataclass, field
from mirage_py.errors import MpyError
from mirage_py.model.version import version_key
from mirage_py.packages.candidates import COMPILERS, environment
from mirage_py.packages.formula import Bound, Dependency, Formula, alternatives, conjuncts, holds
from mirage_py.packages.lock import Lock
from mirage_py.packages.metadata import Metadata, details, metadata
from mirage_py.packages.snapshot import Snapshot
from mirage_py.project.reading import text_of

__all__ = ["Described", "Files", "Folder", "Linked", "LinkedPackage", "Source", "linked"]

NOT_LINKED: Final = re.compile(
    r"ppx_\w+|ppxlib|dune(?:-configurator)?|ocamlfind(?:-secondary)?|ocamlbuild|ocaml(?:-.*)?|base-b\w+|topkg|cppo|b0"
    r"|host-.*|menhir|crunch|ocaml-crunch|solo5(?:-.*)?|mirage"
)
"""The compiler, what is of the build, and packages whose libraries work while compiling."""

BUILD_ONLY: Final = re.compile(
    r"conf-(?:pkg-config|m4|which|auto\w+|perl.*|cmake|git|make|bash|python.*|g\+\+|clang|libtool)"
)
"""Tools of the host, also where a package asks for them as for what it links."""

AT_RUN_TIME: Final = {**environment(), "build": False, "post": False, "dev": False}


class Described(Protocol):
    """Whoever has opam files, by package and version."""

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a package, in no order."""

    def text(self, name: str, version: str) -> str:
        """The opam file of a version."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Opam files, and how they are called: an address, `mpy.lock`, `installed packages`."""

    name: str
    files: Described | Snapshot


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The packages of an unpacked repository, of which only what is asked for is read."""

    folder: Path

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions that have a folder of their own."""
        found = (self.folder / "packages" / name).glob(f"{name}.*")
        return tuple(one.name.partition(".")[2] for one in found if (one / "opam").is_file())

    def text(self, name: str, version: str) -> str:
        """The opam file of a version."""
        return text_of(self.folder / "packages" / name / f"{name}.{version}" / "opam")


STATED: Final = re.compile(r'^version:\s*"([^"]+)"', re.MULTILINE)
UNSTATED: Final = "0~unknown"
"""Stands for the version of a file that does not say it."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """Opam files of one version: those of sources (`NAME/PACKAGE.opam`), those beside libraries (`PACKAGE/opam`)."""

    sources: tuple[Path, ...] = ()
    installed: tuple[Path, ...] = ()

    def versions(self, name: str) -> tuple[str, ...]:
        """The version that the file says."""
        file = self._file(name)
        if file is None:
            return ()
        stated = STATED.search(text_of(file))
        return (stated[1] if stated and not stated[1].startswith("%%") else UNSTATED,)

    def text(self, name: str, version: str) -> str:
        """The file."""
        file = self._file(name)
        if file is None:
            raise KeyError(name, version)
        return text_of(file)

    def _file(self, name: str) -> Path | None:
        below = (file for folder in self.sources for file in sorted(folder.glob(f"*/{name}.opam")))
        beside = (folder / name / "opam" for folder in self.installed)
        return next((file for file in (*below, *beside) if file.is_file()), None)


@dataclass(frozen=True, kw_only=True)
class LinkedPackage:
    """A package of an image in its version (None: not stated), the packages it links, and who says so.

    `c_library` is the conf- package of the host's C library that it stands for.
    """

    name: str
    version: str | None
    needs: tuple[str, ...] = ()
    said_by: str = ""
    c_library: bool = False


@dataclass(frozen=True, kw_only=True)
class Linked:
    """The packages behind some, each with the shortest way to it; `unknown` are those of which nothing is known."""

    packages: Mapping[str, LinkedPackage] = field(default_factory=dict)
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def unknown(self) -> tuple[str, ...]:
        """The packages that are asked for and that nobody describes."""
        return tuple(name for name in self.paths if name not in self.packages)

    def behind(self, root: str) -> dict[str, tuple[str, ...]]:
        """What one package links, itself first, with the shortest way to each."""
        paths: dict[str, tuple[str, ...]] = {root: (root,)}
        for name in (queue := [root]):  # grows while it is walked: breadth first
            for need in self.packages[name].needs if name in self.packages else ():
                if need not in paths:
                    paths[need] = (*paths[name], need)
                    queue.append(need)
        return paths


def linked(
    roots: Iterable[str], sources: Iterable[Source], *, lock: Lock | None = None, ocaml: str | None = None
) -> Linked:
    """What these packages link; a lock goes before the sources, and earlier sources before later ones.

    Raises nothing for a file that is broken: another version serves, or the package is unknown.
    """
    reader = _Reader(tuple(sources), lock, ocaml)
    paths: dict[str, tuple[str, ...]] = {name: (name,) for name in roots}
    found: dict[str, LinkedPackage] = {}
    for name in (queue := list(paths)):  # grows while it is walked: breadth first
        package = reader.package(name)
        if package is None:
            continue
        found[name] = package
        fresh = [need for need in package.needs if need not in paths]
        paths |= {need: (*paths[name], need) for need in fresh}
        queue += fresh
    return Linked(packages=found, paths=paths)


class _Reader:
    """Reads packages, and keeps the bounds that those that were read before put on others."""

    def __init__(self, sources: tuple[Source, ...], lock: Lock | None, ocaml: str | None) -> None:
        self.sources = sources
        self.lock = lock
        self.ocaml = ocaml
        self.bounds: dict[str, list[Bound]] = {}

    def package(self, name: str) -> LinkedPackage | None:
        return self._locked(name) or self._described(name)

    def _locked(self, name: str) -> LinkedPackage | None:
        one = self.lock.package(name) if self.lock else None
        if one is None or self.lock is None:
            return None
        needs = (other.name for other in self.lock.packages for want in other.asked if want.by == name)
        of_image = [need for need in dict.fromkeys(needs) if self._of_image(need)]
        return LinkedPackage(
            name=name,
            version=one.version,
            needs=tuple(need for need in of_image if is_linked(need)),
            said_by="mpy.lock",
            c_library=name.startswith("conf-"),
        )

    def _of_image(self, name: str) -> bool:
        found = self.lock.package(name) if self.lock else None
        return found is not None and found.scope == "monorepo"

    def _described(self, name: str) -> LinkedPackage | None:
        for source in self.sources:
            for version in sorted(source.files.versions(name), key=version_key, reverse=True):
                found = self._read(source, name, version)
                if found is not None:
                    return found
        return None

    def _read(self, source: Source, name: str, version: str) -> LinkedPackage | None:
        """A version that may be taken: it is available, fits the compiler, and the bounds of those before it."""
        stated = None if version == UNSTATED else version
        if stated and not all(holds(bound, version) for bound in self.bounds.get(name, ())):
            return None
        try:
            text = source.files.text(name, version)
            opam = metadata(name, version, text, AT_RUN_TIME, f"{name}.{version}/opam")
            library = name.startswith("conf-") and _is_library(name, version, text)
        except (MpyError, OSError, KeyError):
            return None
        wants = tuple(_wants(opam.depends))
        if not opam.available or opam.avoided or not self._fits(wants):
            return None
        return self._taken(source, opam, wants, stated, c_library=library)

    def _taken(
        self, source: Source, opam: Metadata, wants: tuple[Dependency, ...], version: str | None, *, c_library: bool
    ) -> LinkedPackage:
        for want in wants:
            self.bounds.setdefault(want.name, []).append(want.bound)
        needs = tuple(dict.fromkeys(want.name for want in wants if is_linked(want.name)))
        return LinkedPackage(name=opam.name, version=version, needs=needs, said_by=source.name, c_library=c_library)

    def _fits(self, wants: Iterable[Dependency]) -> bool:
        return self.ocaml is None or all(
            holds(want.bound, self.ocaml) for want in wants if want.name in COMPILERS and want.bound is not None
        )


def is_linked(name: str) -> bool:
    """Whether a package that another one asks for may be in its image."""
    return not NOT_LINKED.fullmatch(name) and not BUILD_ONLY.fullmatch(name)


def _wants(formula: Formula | None) -> Iterator[Dependency]:
    """What must be there; of alternatives the first."""
    for part in conjuncts(formula):
        first = alternatives(part)[0]
        if isinstance(first, Dependency):
            yield first
        else:
            yield from _wants(first)


def _is_library(name: str, version: str, text: str) -> bool:
    """Whether a conf- package stands for headers: then what asks for it links a C library of the host."""
    found = details(name, version, text, AT_RUN_TIME, f"{name}.{version}/opam")
    return any(one.endswith(("-dev", "-devel")) for wanted in found.depexts for one in wanted.names)

"""The closure: which libraries make an image, for a plan, a target and a toolchain, and who serves each.

Whoever speaks of libraries reads this value: build, audit, doctor, describe, query and the message about what is
missing. It is computed once, by `mirage_py.libraries.closure`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from mirage_py.dataclass import dataclass
from mirage_py.model.bounds import ANY, Bounds
from mirage_py.model.library import Library, Origin
from mirage_py.model.plan import CStub

Use = Literal["image", "host"]
"""image: compiled for the target and linked; host: runs on the building machine (a ppx, a generator)."""

COrigin = Literal["build", "sysroot", "declared", "linkopts", "machine"]
"""Where the C archives of a library come from: compiled by dune in this build; the target's own sysroot; sources that
config.py declares; what META names for freestanding targets; this machine's (in a program of this machine only)."""


@dataclass(frozen=True, kw_only=True)
class CSide:
    """What a library gives to the C linker: its words (`-lcstruct_stubs`), and the files they mean, where known.

    `refused` says why archives that are there cannot be in the image; they serve nobody then.
    """

    words: tuple[str, ...]
    origin: COrigin
    files: tuple[Path, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The file names of the archives and objects."""
        return tuple(f"lib{word[2:]}.a" if word.startswith("-l") else Path(word).name for word in self.words)


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """Who would have served a package, and why it does not."""

    origin: Origin
    version: str | None
    reason: str

    def __str__(self) -> str:
        return f"{self.origin} {self.version or '(of no version)'}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Served:
    """A library of the closure: who serves it, who asked, what it links, and who was passed over.

    `asked_by` are the devices that ask for it by name, with their places; `bounds` are its package's. `path` is the
    shortest way from what the configuration asks for to this library, both included.
    """

    library: Library
    asked_by: tuple[str, ...] = ()
    bounds: Bounds = ANY
    path: tuple[str, ...] = ()
    use: Use = "image"
    c: CSide | None = None
    rejected: tuple[Rejected, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A package that nobody serves here: its libraries, who asks for them, who was passed over, and why.

    A program (`kind`) is named by its command; a `local` library was said to be of the project itself. `names` holds
    the installed or vendored names that come nearest.
    """

    package: str
    libraries: tuple[str, ...]
    asked_by: tuple[str, ...] = ()
    bounds: Bounds = ANY
    askers: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    names: tuple[str, ...] = ()
    use: Use = "image"
    kind: Literal["library", "program"] = "library"
    stubs: bool = False
    local: bool = False

    @property
    def of_other_versions(self) -> str:
        """What is told where the package is here, but in no version that serves; empty where it is not so."""
        versions = [one.version for one in self.rejected if one.version and not self.bounds.admit(one.version)]
        if not versions or len(versions) < len(self.rejected):
            return ""
        return f"is here in {' and '.join(dict.fromkeys(versions))}, {self.bounds} is needed"


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Libraries that cannot be in one image, whoever served them: what, why, and what mends it.

    system: one needs an operating system that the target has not; family: one was compiled against another release of
    what the image has; twice: one package in two folders of sources; name: a file that dune takes for a project, of a
    name that it does not take; bounds: what the package in `folder` asks of others; implementation: a virtual library
    has none, or several.
    """

    kind: Literal["system", "family", "twice", "name", "bounds", "implementation"]
    message: str
    details: tuple[str, ...] = ()
    hint: str = ""
    libraries: tuple[str, ...] = ()
    folder: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something wrong with a description that was read: which library, what, and in which file."""

    library: str
    kind: Literal["broken", "hidden", "refused", "loop"]
    text: str
    file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Closure:
    """All libraries of one image, dependencies first; what is missing, what conflicts, what could not be read.

    `c_stubs` are the C files of the unikernel itself, which are compiled for the target beside the libraries'. `unfit`
    are installed packages that sources would take if they are there (`select`, `optional`), and that do not serve this
    target: dune must not see them. `unmet` is what vendored packages ask of others in their opam files and do not get:
    dune does not read it, and such a build may succeed all the same.
    """

    label: str
    target: str
    roots: tuple[str, ...]
    libraries: tuple[Served, ...]
    missing: tuple[Missing, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    c_stubs: tuple[CStub, ...] = ()
    unfit: tuple[str, ...] = ()
    unmet: tuple[Conflict, ...] = ()

    @property
    def standing(self) -> tuple[Conflict, ...]:
        """The conflicts that stay when all that is missing comes as sources, which then serve for a whole family."""
        return tuple(one for one in self.conflicts if not (self.missing and one.kind == "family"))

    @cached_property
    def by_name(self) -> Mapping[str, Served]:
        """The libraries by their names."""
        return {one.library.name: one for one in self.libraries}

    def find(self, name: str) -> Library | None:
        """The library of this name, where somebody serves it."""
        found = self.by_name.get(name)
        return found.library if found else None

    @property
    def image(self) -> tuple[Served, ...]:
        """What is compiled for the target, dependencies first."""
        return tuple(one for one in self.libraries if one.use == "image")

    @property
    def bundled(self) -> tuple[str, ...]:
        """The bundled packages that the build needs."""
        return tuple(sorted({one.library.package for one in self.libraries if one.library.origin == "bundled"}))

    def of(self, origin: Origin) -> Iterator[Library]:
        """The libraries of one origin, dependencies first."""
        return (one.library for one in self.libraries if one.library.origin == origin)

"""mpy.lock: which sources, in which versions, the unikernels of a config.py are built from, and who asked for each.

The file stands beside config.py and is meant to be committed: TOML, sorted, without a path, a clock or a host name, so
that every machine writes the same bytes. It needs no repository to be read: what `pull` lays out is all in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from mirage_py.dataclass import dataclass, field

__all__ = [
    "FILE",
    "FORMAT",
    "Archive",
    "Depext",
    "ExtraSource",
    "Folder",
    "GitTree",
    "Lock",
    "LockedPackage",
    "LockedRepository",
    "LockedSource",
    "LockedUnikernel",
    "Origin",
    "RepositoryFile",
    "SolvedFor",
    "Subst",
    "Want",
]

FILE: Final = "mpy.lock"
FORMAT: Final = 1
CONFIG: Final = "config.py"
"""Who asks for what the unikernels themselves need."""

Scope = Literal["monorepo", "host"]
"""monorepo: built for the target, and part of an image; host: a tool that runs while building (ppx, generators)."""

Served = Literal["vendored", "bundled", "installed", "virtual"]
"""Who brings a package: `pull`, mpy's own runtime, the OCaml of this machine, or nobody: it has no files."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One file from the first of `urls` that has it; all checksums (`sha256=...`) hold for it."""

    urls: tuple[str, ...]
    checksums: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GitTree:
    """A commit of a git repository; `tree` is git's own digest of its content, `ref` what was asked for."""

    url: str
    commit: str
    tree: str
    ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder beside config.py (relative to it), taken as it is."""

    path: str


Origin = Archive | GitTree | Folder


@dataclass(frozen=True, kw_only=True)
class ExtraSource:
    """One more file, put at `name` under the top of the source."""

    name: str
    urls: tuple[str, ...]
    checksums: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RepositoryFile:
    """A file of the repository's `files/`, put at `name` under the top of the source after the extra sources.

    The bytes themselves: base64 where they are no text.
    """

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Subst:
    """`name` is made from `name`.in by opam's interpolation, with the variables of `package`."""

    name: str
    package: str


@dataclass(frozen=True, kw_only=True)
class LockedSource:
    """One archive, git tree or folder, and what is laid over it: extra sources, `files`, substs, patches (in order).

    `folder` is its name below mirage/duniverse; several packages may share it.
    """

    folder: str
    origin: Origin
    extra_sources: tuple[ExtraSource, ...] = ()
    files: tuple[RepositoryFile, ...] = ()
    patches: tuple[str, ...] = ()
    substs: tuple[Subst, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Want:
    """Who asked (a package, or config.py), with which bound, as opam writes it; empty for any version."""

    by: str
    bound: str = ""

    def __lt__(self, other: Want) -> bool:
        return (self.by, self.bound) < (other.by, other.bound)


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """A package in its version: who brings it (`source` names the folder of a vendored one), for whom, and why."""

    name: str
    version: str
    unikernels: tuple[str, ...]
    asked: tuple[Want, ...]
    served: Served = "vendored"
    source: str | None = None
    scope: Scope = "monorepo"


@dataclass(frozen=True, kw_only=True)
class LockedUnikernel:
    """A unikernel on a target (`hello-hvt`) with the packages that its devices ask for, as opam writes them."""

    label: str
    target: str
    asks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LockedRepository:
    """A repository with the digest of the snapshot that was solved on, and the commit of one that is kept in git."""

    source: str
    digest: str
    commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class SolvedFor:
    """What was given: the compilers and tools of the machine, which the solver does not choose."""

    ocaml: str
    dune: str
    solo5: str | None = None
    ocaml_solo5: str | None = None
    bundled: bool = True
    installed: bool = False


@dataclass(frozen=True, kw_only=True)
class Depext:
    """Packages of the system that a package needs, where the condition (an opam filter) holds."""

    package: str
    names: tuple[str, ...]
    when: str = ""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The content of mpy.lock; `edited` where it is not as it was written."""

    solved_for: SolvedFor
    repositories: tuple[LockedRepository, ...] = ()
    unikernels: tuple[LockedUnikernel, ...] = ()
    sources: tuple[LockedSource, ...] = ()
    packages: tuple[LockedPackage, ...] = ()
    depexts: tuple[Depext, ...] = field(default=())
    edited: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The unikernels on their targets that it is for."""
        return tuple(one.label for one in self.unikernels)

    def source(self, folder: str) -> LockedSource:
        """The source of this folder name; KeyError without one."""
        return next(one for one in self.sources if one.folder == folder)

    def sharing(self, folder: str) -> tuple[LockedPackage, ...]:
        """The packages that come from one source."""
        return tuple(one for one in self.packages if one.source == folder)

    def package(self, name: str) -> LockedPackage | None:
        """The package of this name."""
        return next((one for one in self.packages if one.name == name), None)

    def sources_of(self, labels: Iterable[str]) -> tuple[LockedSource, ...]:
        """The sources that these unikernels (`hello-hvt`) need."""
        wanted = {*labels}
        folders = {one.source for one in self.packages if wanted & {*one.unikernels}}
        return tuple(one for one in self.sources if one.folder in folders)

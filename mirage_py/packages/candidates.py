"""Which versions of a package may be chosen, newest first: what the repositories have, what the machine gives, pins.

A package that goes into an image has to be built by dune, for the image's target; what has no files of its own needs
no building. Everything else is left out here, and remembered with the reason, to be named when nothing else would do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, Literal

from mirage_py.dataclass import dataclass, field
from mirage_py.model.version import version_key
from mirage_py.packages.formula import Bound, Environment, holds
from mirage_py.packages.images import Images
from mirage_py.packages.metadata import Metadata
from mirage_py.packages.reading import Reader
from mirage_py.packages.snapshot import Snapshot

__all__ = ["Candidate", "Candidates", "Given", "Reason", "environment"]

Served = Literal["vendored", "bundled", "installed", "virtual", "given"]
"""As in a lock; `given`: the compiler and the tools of the machine."""

Reason = Literal["not-dune", "unavailable"]
"""Why a version was left out."""

COMPILERS: Final = frozenset(("ocaml", "ocaml-base-compiler", "ocaml-system", "ocaml-variants", "ocaml-compiler"))
"""Other names of the compiler; which of them the machine's is makes no difference to what is built with it."""

PLATFORM: Final[Environment] = {
    "build": True,
    "post": True,
    "with-test": False,
    "with-doc": False,
    "with-dev-setup": False,
    "with-tools": False,
    "dev": False,
    "monorepo": True,
    "vendor": True,
    "opam-version": "2.2.0",
    "os-family": "debian",
    "os-distribution": "debian",
    "os-version": "12",
    "make": "make",
    "jobs": "1",
}
"""The variables of a lock: the same on every machine, so that every machine makes the same lock."""


def environment(*, os: str = "linux", arch: str = "x86_64") -> Environment:
    """The variables of a platform."""
    return {**PLATFORM, "os": os, "arch": arch}


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A version that may be chosen, and who would bring it; `repository` counts where it was found."""

    metadata: Metadata
    served: Served = "vendored"
    repository: int | None = None

    @property
    def name(self) -> str:
        """The package."""
        return self.metadata.name

    @property
    def version(self) -> str:
        """The version."""
        return self.metadata.version

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is not looked up: the compiler, dune, the toolchain, pins, and the libraries that mpy or the host has.

    `pinned` replaces every other version of its packages; `bundled` is a family, taken whole or not at all;
    `installed` comes before what would have to be built; those `with_c` have C stubs that are built for the host.
    """

    ocaml: str
    dune: str
    tools: Mapping[str, str] = field(default_factory=dict)
    pinned: tuple[Metadata, ...] = ()
    bundled: tuple[Metadata, ...] = ()
    installed: tuple[Metadata, ...] = ()
    with_c: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class Candidates:
    """The versions of every package, read when they are asked for; by a `reader` that others use as well, if given.

    `vendored` says that dune has to build what is chosen, from one archive of each development repository (without it
    any package of a repository will do), and `freestanding` names what is asked for by unikernels that have no host
    under them. With `ported` what dune cannot build is there too, as a port to dune of it would be.
    """

    repositories: Sequence[Snapshot]
    given: Given
    environment: Environment
    vendored: bool = True
    freestanding: frozenset[str] = frozenset()
    ported: bool = False
    reader: Reader | None = None
    left_out: dict[tuple[str, str], Reason] = field(default_factory=dict)
    _known: dict[tuple[str, str], Candidate | None] = field(default_factory=dict)
    _special: dict[str, list[Candidate]] = field(default_factory=dict)
    _versions: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fixed = dict.fromkeys(COMPILERS, self.given.ocaml) | {"dune": self.given.dune, **self.given.tools}
        for name, version in fixed.items():
            only = Candidate(metadata=Metadata(name=name, version=version), served="given")
            self._special[name], self._versions[name] = [only], ()
        for pin in self.given.pinned:
            self._special[pin.name], self._versions[pin.name] = [Candidate(metadata=pin)], ()
        for found in self.given.installed:
            if found.name not in self._special:
                self._special[found.name] = [Candidate(metadata=found, served="installed")]
        for member in self.given.bundled:
            if self._versions.get(member.name) != ():
                self._special.setdefault(member.name, []).append(Candidate(metadata=member, served="bundled"))

    @cached_property
    def images(self) -> Images:
        """What candidates ask for where they go into an image without a host."""
        return Images(candidates=self)

    def fitting(self, name: str, bound: Bound) -> Iterator[Candidate]:
        """The candidates within a bound, in no order."""
        yield from (one for one in self._special.get(name, ()) if holds(bound, one.version))
        for version, repository in self.versions(name):
            if holds(bound, version):
                found = self._candidate(name, version, repository)
                if found is not None:
                    yield found

    def versions(self, name: str) -> tuple[tuple[str, int], ...]:
        """The versions that repositories have, newest first, each with the first repository that has it."""
        if name not in self._versions:
            first: dict[str, int] = {}
            for number, repository in enumerate(self.repositories):
                for version in repository.versions(name):
                    first.setdefault(version, number)
            newest = sorted(first.items(), key=lambda one: version_key(one[0]), reverse=True)
            self._versions[name] = tuple(newest)
        return self._versions[name]

    def of_machine(self, name: str) -> str | None:
        """The version of what the machine gives (the compiler, dune, the toolchain); None for any other package."""
        return next((one.version for one in self._special.get(name, ()) if one.served == "given"), None)

    def known(self, name: str) -> bool:
        """Whether there is a package of this name at all."""
        return name in self._special or bool(self.versions(name))

    def read(self, name: str, version: str, repository: int, *, building: bool = True) -> Metadata:
        """What a version of a repository says; not `building`: without what is wanted while it is being built only."""
        return self._reader.metadata(repository, name, version, building=building)

    @cached_property
    def _reader(self) -> Reader:
        return self.reader or Reader(self.repositories, self.environment)

    def _candidate(self, name: str, version: str, repository: int) -> Candidate | None:
        if (name, version) not in self._known:
            self._known[name, version] = self._judged(self.read(name, version, repository), repository)
        return self._known[name, version]

    def unported(self, candidate: Candidate) -> bool:
        """Whether it is there only because all is `ported`."""
        return self.left_out.get((candidate.name, candidate.version)) == "not-dune" and candidate.repository is not None

    def _judged(self, found: Metadata, repository: int) -> Candidate | None:
        reason = self._reason(found)
        if reason == "not-dune" and self.ported:
            self.left_out[found.name, found.version] = reason
            found, reason = self.read(found.name, found.version, repository, building=False), None
        if reason is not None:
            self.left_out[found.name, found.version] = reason
            return None
        return Candidate(metadata=found, served="virtual" if found.virtual else "vendored", repository=repository)

    def _reason(self, found: Metadata) -> Reason | None:
        if not found.available:
            return "unavailable"
        if not self.vendored or "compiler" in found.flags or found.virtual or found.uses_dune:
            return None
        return "not-dune"

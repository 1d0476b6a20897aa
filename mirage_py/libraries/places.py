"""The places that libraries come from, in their order: vendored sources, the project's own, findlib, the bundle.

Each package has its candidates there; which of them serves is decided in `mirage_py.libraries.serving`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass, replace
from mirage_py.libraries.bundled import BundledPackage, bundled_packages
from mirage_py.libraries.cside import OtherCompiler, c_side
from mirage_py.libraries.findlib import DRIVER, NATIVE, Findlib, findlib_for
from mirage_py.libraries.vendored import Vendored
from mirage_py.model.library import Library, Origin
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.project.folders import VENDORED, not_local

__all__ = ["Candidate", "Places", "Project"]

OF_COMPILER: Final = ("bigarray", "bytes", "seq", "uchar", "stdlib-shims", "result")
"""Packages whose modules the compiler has brought itself since 4.08: what their META files ask for is history."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Who might serve a package: in which version, its libraries by name, and why one of them is not to be used."""

    origin: Origin
    version: str | None
    find: Callable[[str], Library | None]
    why: Callable[[str], str] = lambda _: ""


class Places:
    """The candidates for each package on one target; findlib's path is that of the target."""

    def __init__(
        self,
        findlib: Findlib,
        *,
        host: Findlib | None = None,
        vendored: Vendored | None = None,
        local: Vendored | None = None,
        bundle: Mapping[str, BundledPackage] | None = None,
        fitting: Fitting | None = None,
        tools: HostToolchain | None = None,
        predicates: tuple[str, ...] = NATIVE,
    ) -> None:
        self.findlib = findlib
        self.tools = tools
        self.predicates = predicates
        self.host = host or findlib
        self.vendored = vendored or Vendored(())
        self.local = local or Vendored(())
        self.bundle = bundled_packages() if bundle is None else bundle
        self._fitting = fitting

    def candidates(self, package: str) -> tuple[Candidate, ...]:
        """Who might serve a package, best first. Sources hide what is installed: dune knows one library of a name."""
        sources = [found for found in (self._sources(package, "vendored"), self._sources(package, "local")) if found]
        if sources:
            return (*sources, self._installed(package))
        others = (self._installed(package), self._bundled(package))
        return tuple(one for one in others if one is not None)

    def names(self) -> Iterable[str]:
        """Every library that sources or findlib know, for suggestions."""
        return (*self.vendored.libraries, *self.local.libraries, *self.findlib.names())

    @property
    def programs(self) -> frozenset[str]:
        """The commands that the sources build."""
        return self.vendored.programs | self.local.programs

    @property
    def unfit(self) -> frozenset[str]:
        """The packages that sources would take if they are there, and that are installed, but not for this target."""
        return frozenset(self._fitting.refused) if self._fitting else frozenset()

    @property
    def misnamed(self) -> tuple[Path, ...]:
        """The opam files whose names dune cannot take for those of projects."""
        return (*self.vendored.misnamed, *self.local.misnamed)

    @cached_property
    def twice(self) -> Mapping[str, tuple[Path, ...]]:
        """Packages that several folders of the sources make, used or not: dune refuses them all, and builds nothing."""
        made: dict[str, dict[Path, None]] = {}
        for sources in (self.vendored, self.local):
            for name, folders in sources.packages.items():
                made.setdefault(name, {}).update(dict.fromkeys(folders))
        return {name: tuple(folders) for name, folders in made.items() if len(folders) > 1}

    def for_host(self) -> Places:
        """The same places for what runs on this machine: the host's libraries, and none of the bundle."""
        return Places(
            self.host, vendored=self.vendored, local=self.local, bundle={}, tools=self.tools, predicates=DRIVER
        )

    @cached_property
    def _source_packages(self) -> Mapping[Origin, frozenset[str]]:
        return {
            "vendored": frozenset(one.package for one in self.vendored.libraries.values()),
            "local": frozenset(one.package for one in self.local.libraries.values()),
        }

    def _sources(self, package: str, origin: Origin) -> Candidate | None:
        if package not in self._source_packages[origin]:
            return None
        known = (self.vendored if origin == "vendored" else self.local).libraries
        version = next((one.version for one in known.values() if one.package == package and one.version), None)
        return Candidate(origin=origin, version=version, find=lambda name: _of_origin(known.get(name), origin))

    def _installed(self, package: str) -> Candidate:
        return Candidate(
            origin="installed",
            version=self.findlib.version(package),
            find=lambda name: _without_history(self.findlib.find(name, self.predicates)),
            why=self._why,
        )

    def _why(self, name: str) -> str:
        trouble = self.findlib.problem(name)
        if trouble is None:
            return ""
        verb = {"broken": "its META cannot be read", "hidden": "it is hidden", "refused": "it refuses this use"}
        return f"{verb.get(trouble.kind, trouble.kind)}: {trouble.text}"

    def _bundled(self, package: str) -> Candidate | None:
        found = self.bundle.get(package)
        if found is None:
            return None
        return Candidate(origin="bundled", version=found.version, find=found.libraries.get)


class Project:
    """What a project has for all its targets: its sources, read once, the host's libraries, and what compiles here."""

    def __init__(self, folder: Path, root: Path, host: Findlib, tools: HostToolchain | None = None) -> None:
        self.host = host
        self.tools = tools
        self.vendored = Vendored(tuple(folder / place for place in VENDORED if (folder / place).is_dir()))
        self.local = Vendored((root,), skip=not_local)

    def places(self, plan: Plan, toolchain: Toolchain | None) -> Places:
        """The places for a plan: sources as its context sees them, findlib's libraries for the toolchain."""
        findlib = self.host if toolchain is None else findlib_for(toolchain, self.host)
        facts = {"context_name": plan.context}
        fitting = Fitting(plan, findlib, toolchain)
        group = "unix" if plan.context == "default" else "solo5"

        def here(name: str) -> bool:
            return fitting(name) or _comes_with_mpy(name, group)

        vendored = Vendored(
            self.vendored.folders, facts=facts, elsewhere=here, preprocessors=self._preprocessor, like=self.vendored
        )
        known = vendored.libraries
        local = Vendored(
            self.local.folders,
            facts=facts,
            elsewhere=lambda name: name in known or here(name),
            preprocessors=lambda name: vendored.preprocessor(name) or self._preprocessor(name),
            like=self.local,
        )
        return Places(findlib, host=self.host, vendored=vendored, local=local, fitting=fitting, tools=self.tools)

    def _preprocessor(self, name: str) -> Library | None:
        """An installed library as a preprocessor is linked with it."""
        return self.host.find(name, DRIVER)


class Fitting:
    """Whether an installed library can be part of the plan's image, with all that it needs.

    `refused` are the packages of which one that is here could not: dune, which sees them, has to be told.
    """

    def __init__(self, plan: Plan, findlib: Findlib, toolchain: Toolchain | None) -> None:
        self.plan = plan
        self.findlib = findlib
        self.toolchain = toolchain
        self.refused: set[str] = set()
        self._known: dict[str, bool] = {}

    def __call__(self, name: str) -> bool:
        if name not in self._known:
            found = self.findlib.closure((name,))
            there = bool(found.libraries) and not found.missing
            self._known[name] = there and (self.plan.context == "default" or all(map(self._alone, found.libraries)))
            if there and not self._known[name]:
                self.refused.add(name.split(".", 1)[0])
        return self._known[name]

    def _alone(self, library: Library) -> bool:
        if library.name in self.plan.forbidden:
            return False
        try:
            side = c_side(library, self.findlib, self.toolchain, self.plan.declared_stubs, bare=True)
        except OtherCompiler:
            return False
        return side is None or not side.refused


def _comes_with_mpy(name: str, group: str) -> bool:
    """Whether the bundle has a library for targets of this group."""
    package = bundled_packages().get(name.partition(".")[0])
    return package is not None and group in package.groups.get(name, ())


def _of_origin(library: Library | None, origin: Origin) -> Library | None:
    return replace(library, origin=origin) if library else None


def _without_history(library: Library | None) -> Library | None:
    """A library without what its META file asks for only as older compilers needed it: bigarray left Unix in 4.07."""
    if library is not None and library.name in OF_COMPILER:
        return replace(library, requires=tuple(need for need in library.requires if need in OF_COMPILER))
    return library

"""Which library comes from where: vendored wins over installed, installed over bundled; a package is taken whole.

An installed package serves only in a version that fits: the bounds of the graph, or, for what a bundled library needs,
the release series whose interface that was written against.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mirage_py.errors import LibraryNotFound
from mirage_py.libraries.bundled import BundledPackage, bundled_packages
from mirage_py.libraries.closure import Closure, walk
from mirage_py.libraries.findlib import Findlib
from mirage_py.model.library import Library
from mirage_py.model.plan import NeededLibrary, Plan
from mirage_py.model.version import fits

VENDORED = ("mirage/duniverse", "duniverse")
"""Folders, below the one of config.py, whose sources dune compiles for every target."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """Everything one plan links, with who serves it."""

    closure: Closure
    rejected: Mapping[str, str]

    @property
    def bundled(self) -> tuple[str, ...]:
        """The bundled packages that the build needs."""
        return tuple(sorted({library.package for library in self.closure.libraries if library.origin == "bundled"}))

    def of(self, origin: str) -> tuple[Library, ...]:
        """The libraries of one origin, dependencies first."""
        return tuple(library for library in self.closure.libraries if library.origin == origin)


def vendored_libraries(folder: Path) -> dict[str, Library]:
    """The libraries whose sources lie below the folders for vendored code."""
    places = tuple(folder / place for place in VENDORED if (folder / place).is_dir())
    if not places:
        return {}
    from mirage_py.libraries.vendored import Vendored  # only where there is something to read

    return {name: stanza.library for name, stanza in Vendored(places).stanzas.items()}


class Servers:
    """The three places where libraries come from, asked in their order for one plan."""

    def __init__(self, plan: Plan, findlib: Findlib, vendored: Mapping[str, Library]) -> None:
        self._findlib = findlib
        self._vendored = vendored
        self._vendored_packages = {library.package for library in vendored.values()}
        self._bounds = {library.package: (library.min, library.max) for library in plan.libraries if not library.local}
        self._local = {library.name for library in plan.libraries if library.local}
        self._bundle = bundled_packages()
        self._chosen: dict[str, str] = {}
        self.rejected: dict[str, str] = {}

    def find(self, name: str) -> Library | None:
        """The library of this name from the first place whose package serves."""
        if name in self._local:
            return Library(name=name, package=name, origin="vendored", directory=Path())
        if name in self._vendored:
            return self._vendored[name]
        package = name.split(".", maxsplit=1)[0]
        if package in self._vendored_packages and package not in self._bundle:
            return self._findlib.find(name)
        if self._is_installed(package, name):
            return _without_history(self._findlib.find(name))
        return self._of_bundle(package, name)

    def _is_installed(self, package: str, name: str) -> bool:
        if package not in self._chosen:
            self._chosen[package] = "installed" if self._installed_fits(package, name) else "bundled"
        return self._chosen[package] == "installed"

    def _installed_fits(self, package: str, name: str) -> bool:
        found = self._findlib.find(package) or self._findlib.find(name)
        if found is None:
            return False
        version = found.version
        if version is None or self._fits(package, version):
            return package not in self._bundle or self._findlib.find(name) is not None
        self.rejected[package] = version
        return False

    def _fits(self, package: str, version: str) -> bool:
        low, high = self._bounds.get(package, ((), ()))
        bundled = self._bundle.get(package)
        if bundled and not (low or high):
            return _series(version) == _series(bundled.version)
        return all(fits(version, bound, None) for bound in low) and all(fits(version, None, bound) for bound in high)

    def _of_bundle(self, package: str, name: str) -> Library | None:
        bundled: BundledPackage | None = self._bundle.get(package)
        return bundled.libraries.get(name) if bundled else None


def _without_history(library: Library | None) -> Library | None:
    """A library without what its META file asks for only as older compilers needed it: bigarray left Unix in 4.07."""
    if library is not None and library.name == "bigarray":
        return replace(library, requires=())
    return library


def _series(version: str) -> tuple[str, ...]:
    """What must be equal for two releases to have one interface: the first number, or 0 and the second."""
    parts = version.lstrip("v").split(".")
    return tuple(parts[:2]) if parts[0] == "0" else tuple(parts[:1])


def serve(plan: Plan, findlib: Findlib, vendored: Mapping[str, Library]) -> Serving:
    """Who serves each library of the plan's closure.

    Raises `LibraryNotFound` with every library that nobody serves, who asks for it, and how to bring it.
    """
    serving = who_serves(plan, findlib, vendored)
    if serving.closure.missing:
        raise _not_found(plan, serving, findlib)
    return serving


def who_serves(plan: Plan, findlib: Findlib, vendored: Mapping[str, Library]) -> Serving:
    """Who serves each library, where anybody does; the others are in `closure.missing`."""
    servers = Servers(plan, findlib, vendored)
    closure = walk((library.name for library in plan.libraries), servers.find)
    return Serving(closure=closure, rejected=servers.rejected)


def _not_found(plan: Plan, serving: Serving, findlib: Findlib) -> LibraryNotFound:
    """The error for all missing libraries of a plan at once."""
    asked = {library.name: library for library in plan.libraries}
    lines: list[str] = []
    for name, askers in sorted(serving.closure.missing.items()):
        lines += _missing_lines(name, askers, asked.get(name) or _sibling(name, plan), serving, findlib)
    names = sorted(serving.closure.missing)
    first = f"library {names[0]} is" if len(names) == 1 else f"{len(names)} libraries are"
    return LibraryNotFound(
        f"{first} neither vendored, nor installed in a fitting version, nor bundled",
        details=tuple(lines),
        hint=_ways(names, asked, serving.rejected),
    )


def _sibling(name: str, plan: Plan) -> NeededLibrary | None:
    """A library that was asked for of the same package: its bounds hold for all of the package."""
    package = name.split(".", maxsplit=1)[0]
    found = next((one for one in plan.libraries if one.package == package), None)
    return replace(found, asked_by=()) if found else None


def _missing_lines(
    name: str, askers: Iterable[str], needed: NeededLibrary | None, serving: Serving, findlib: Findlib
) -> Iterable[str]:
    who = [*askers, *(needed.asked_by if needed else ())]
    yield f"{name}: asked for by {', '.join(dict.fromkeys(who)) or 'the configuration'}"
    package = name.split(".", maxsplit=1)[0]
    if package in serving.rejected:
        yield f"  {package} {serving.rejected[package]} is installed; {_bounds_text(needed)} is needed"
    near = findlib.suggest(name)
    if near and package not in serving.rejected and needed is None:
        yield f"  installed names that are near: {', '.join(near)}"


def _bounds_text(needed: NeededLibrary | None) -> str:
    if needed is None or not (needed.min or needed.max):
        return "another release series"
    return " and ".join([*(f">= {bound}" for bound in needed.min), *(f"< {bound}" for bound in needed.max)])


def _ways(names: list[str], asked: Mapping[str, NeededLibrary], rejected: Mapping[str, str]) -> str:
    packages = sorted({asked[name].package if name in asked else name.split(".", maxsplit=1)[0] for name in names})
    debian = _debian_packages([package for package in packages if package not in rejected])
    lines = [f"apt install {' '.join(debian)}"] if debian else []
    lines.append(f"opam install {' '.join(packages)}")
    lines.append(f"or put their sources below {VENDORED[0]}/ or {VENDORED[1]}/ (one folder a package)")
    return "\n".join(lines)


def _debian_packages(packages: list[str]) -> list[str]:
    """Debian's names for these packages, where apt is on this machine and knows them."""
    from mirage_py.doors.processes import run, which
    from mirage_py.model.command import Command

    if which("apt-cache") is None:
        return []
    wanted = [f"lib{package.removeprefix('ocaml-').replace('_', '-')}-ocaml-dev" for package in packages]
    answer = run(Command(argv=("apt-cache", "policy", *wanted), purpose="ask apt which packages exist"), check=False)
    known = [line.rstrip(":") for line in answer.stdout.splitlines() if line and not line.startswith(" ")]
    return [name for name in wanted if name in known]

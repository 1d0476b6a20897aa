"""The bundled OCaml runtime: small libraries that mpy brings for what a machine has not, by their upstream names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mirage_py.dataclass import dataclass
from mirage_py.model.library import Library

__all__ = [
    "BUNDLED_IN",
    "BundledPackage",
    "bundled_packages",
    "runtime_folder",
    "runtime_sources",
    "sources_of",
    "take_runtime_of",
]

BUNDLED_IN = "mirage/.runtime"
"""Where a project that came as one archive (`mpy bundle`) has the runtime that it was built with."""


@dataclass(frozen=True, kw_only=True)
class BundledPackage:
    """One package of the bundle: the upstream release whose interface it has, and its libraries."""

    name: str
    version: str
    directory: Path
    libraries: Mapping[str, Library]
    groups: Mapping[str, tuple[str, ...]]
    optional: frozenset[str] = frozenset()
    together: frozenset[str] = frozenset()
    """Packages that have to be of the bundle as well: it relies on more than their interface."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The other packages that its libraries need, those that may be absent aside; sorted."""
        wanted = (need for name, one in self.libraries.items() if name not in self.optional for need in one.requires)
        return tuple(sorted({need.partition(".")[0] for need in wanted} - {self.name}))


_taken: list[Path] = []


def take_runtime_of(project: Path) -> bool:
    """From now on take the runtime that came with a project in one archive, where one did; whether it did."""
    folder = project / BUNDLED_IN
    found = (folder / "index.toml").is_file()
    if [folder] * found != _taken:
        _taken[:] = [folder] * found
        bundled_packages.cache_clear()
    return found


def runtime_folder() -> Path:
    """Where the runtime is: beside this module, or in the project that brought one."""
    return _taken[0] if _taken else Path(__file__).parents[1] / "runtime"  # importlib.resources takes 8 ms to import


def runtime_sources() -> Iterator[tuple[str, Path]]:
    """Every file of the runtime, its index included, with its path below the runtime's folder."""
    root = runtime_folder()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".py":
            yield str(path.relative_to(root)), path


@cache
def bundled_packages() -> Mapping[str, BundledPackage]:
    """Every package of the bundle by name."""
    import tomllib  # 3 ms, which a build that was made before need not wait for

    root = runtime_folder()
    index = tomllib.loads((root / "index.toml").read_text(encoding="utf-8"))
    return {entry["name"]: _package(entry, root / entry["name"]) for entry in index["package"]}


def sources_of(package: BundledPackage) -> Iterator[tuple[str, Path]]:
    """Every source file of a package, with its path below the package's folder."""
    for path in sorted(package.directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield str(path.relative_to(package.directory)), path


def _package(entry: dict[str, Any], directory: Path) -> BundledPackage:
    libraries = {one["name"]: _library(one, entry, directory) for one in entry["library"]}
    groups = {one["name"]: tuple(one["groups"]) for one in entry["library"]}
    return BundledPackage(
        name=entry["name"],
        version=entry["version"],
        directory=directory,
        libraries=libraries,
        groups=groups,
        optional=frozenset(one["name"] for one in entry["library"] if one.get("optional")),
        together=frozenset(entry.get("together", ())),
    )


def _library(one: dict[str, Any], entry: dict[str, Any], directory: Path) -> Library:
    needs = [*one["needs"], *(one[field] for field in ("implements",) if field in one)]
    return Library(
        name=one["name"],
        package=entry["name"],
        origin="bundled",
        directory=directory,
        version=entry["version"],
        requires=tuple(needs),
    )

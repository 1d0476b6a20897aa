"""The bundled OCaml runtime: small libraries that mpy brings for what a machine has not, by their upstream names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from mirage_py.model.library import Library

__all__ = ["BundledPackage", "bundled_packages", "sources_of"]


@dataclass(frozen=True, kw_only=True)
class BundledPackage:
    """One package of the bundle: the upstream release whose interface it has, and its libraries."""

    name: str
    version: str
    directory: Path
    libraries: Mapping[str, Library]
    groups: Mapping[str, tuple[str, ...]]


@cache
def bundled_packages() -> Mapping[str, BundledPackage]:
    """Every package of the bundle by name."""
    root = Path(str(files("mirage_py"))) / "runtime"
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
        name=entry["name"], version=entry["version"], directory=directory, libraries=libraries, groups=groups
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

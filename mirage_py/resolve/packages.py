"""Merging what the devices ask of one opam package into one requirement, or saying why no version can satisfy it."""

from __future__ import annotations

from collections.abc import Iterable

from mirage_py.dataclass import dataclass
from mirage_py.dsl.package import Package, Pin, Scope, Stubs
from mirage_py.errors import Location, PackageConflict
from mirage_py.model.version import compare_versions, version_key


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A package with the device that asks for it."""

    package: Package
    by: str
    location: Location | None = None

    def __str__(self) -> str:
        place = self.package.location or self.location
        return f"{self.by} ({place})" if place else self.by


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """An opam package as the whole unikernel needs it; the bounds in opam's order, the libraries sorted."""

    name: str
    scope: Scope
    build: bool
    min: tuple[str, ...]
    max: tuple[str, ...]
    pin: Pin | None
    libraries: tuple[str, ...]
    stubs: Stubs | None
    asked: tuple[Asked, ...]


def merge(asked: Iterable[Asked], overrides: Iterable[Package]) -> tuple[Requirement, ...]:
    """One requirement for each package name, sorted by name.

    A package that some device links is linked, even where another one needs it for building only. A pin replaces the
    bounds of others; those beside it stay where nobody else asks for the package, as OCaml's tool has it. Raises
    `PackageConflict` naming both devices.
    """
    by_name: dict[str, list[Asked]] = {}
    for one in asked:
        by_name.setdefault(one.package.name, []).append(one)
    replaced = {package.name: package for package in overrides}
    return tuple(_merge_one(name, by_name[name], replaced.get(name)) for name in sorted(by_name))


def _merge_one(name: str, asked: list[Asked], override: Package | None) -> Requirement:
    _check_scopes(name, asked)
    pinned = _pin(name, asked, override)
    bounding = [Asked(package=override, by="override")] if override else asked
    linked = [one.package for one in asked if not one.package.build and not _is_tool(one.package)]
    free = pinned is not None and (override is not None or len(asked) > 1)
    return Requirement(
        name=name,
        scope=asked[0].package.scope,
        build=not linked,
        min=() if free else _bounds(one.package.min for one in bounding),
        max=() if free else _consistent(name, bounding),
        pin=pinned,
        libraries=tuple(sorted({library for package in linked for library in package.libraries})),
        stubs=_stubs(name, asked),
        asked=tuple(asked),
    )


def _is_tool(package: Package) -> bool:
    """A package of the switch that no library is linked of is needed to build only, whether that was said or not."""
    return package.scope == "switch" and not package.libraries


def _bounds(versions: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({version for version in versions if version}, key=version_key))


def _consistent(name: str, asked: list[Asked]) -> tuple[str, ...]:
    lowest = max(
        (one for one in asked if one.package.min), key=lambda one: version_key(one.package.min or ""), default=None
    )
    highest = min(
        (one for one in asked if one.package.max), key=lambda one: version_key(one.package.max or ""), default=None
    )
    if lowest and highest and compare_versions(lowest.package.min or "", highest.package.max or "") >= 0:
        raise PackageConflict(
            f"no version of package {name} fits: >= {lowest.package.min} and < {highest.package.max} are asked for",
            location=lowest.package.location or highest.package.location or lowest.location,
            details=(f">= {lowest.package.min} by {lowest}", f"< {highest.package.max} by {highest}"),
            hint=f'leave one of them out, or state the bounds yourself: override(package("{name}", min=..., max=...))',
        )
    return _bounds(one.package.max for one in asked)


def _check_scopes(name: str, asked: list[Asked]) -> None:
    other = next((one for one in asked if one.package.scope != asked[0].package.scope), None)
    if other:
        raise PackageConflict(
            f"package {name} is asked for in two scopes: {asked[0].package.scope} and {other.package.scope}",
            location=other.package.location or other.location,
            details=(f"{asked[0].package.scope} by {asked[0]}", f"{other.package.scope} by {other}"),
            hint="a package is either built with the unikernel (monorepo) or a tool of the switch: give one scope",
        )


def _pin(name: str, asked: list[Asked], override: Package | None) -> Pin | None:
    if override and override.pin:
        return override.pin
    pinned = [one for one in asked if one.package.pin]
    other = next((one for one in pinned if one.package.pin != pinned[0].package.pin), None)
    if other:
        raise PackageConflict(
            f"package {name} is pinned to two places",
            location=other.package.location or other.location,
            details=tuple(f"{one.package.pin.url} by {one}" for one in (pinned[0], other) if one.package.pin),
            hint="keep one pin",
        )
    return pinned[0].package.pin if pinned else None


def _stubs(name: str, asked: list[Asked]) -> Stubs | None:
    found = [one for one in asked if one.package.stubs]
    other = next((one for one in found if one.package.stubs != found[0].package.stubs), None)
    if other:
        raise PackageConflict(
            f"the C stubs of package {name} are declared twice, differently",
            location=other.package.location,
            details=tuple(f"by {one}" for one in (found[0], other)),
        )
    return found[0].package.stubs if found else None

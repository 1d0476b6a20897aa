"""opam packages that a device needs, with their bounds and the libraries they are linked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

from mirage_py.dataclass import dataclass, field
from mirage_py.dsl.check import names, shown, text
from mirage_py.dsl.place import here
from mirage_py.errors import ConfigError, Location

Scope = Literal["monorepo", "switch"]
"""monorepo: built with the unikernel for its target; switch: a tool of the building machine."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A package taken from a place instead of a repository."""

    url: str
    version: str = "dev"


@dataclass(frozen=True, init=False)
class Stubs:
    """Where the C stubs of an installed library come from, when they must be compiled for a freestanding target.

    `sources` are `.c` files, folders or globs, relative to config.py; `cflags` are added to the target's own;
    `pkg_config` names packages of the target whose flags the stubs need.
    """

    sources: tuple[str, ...]
    cflags: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()

    def __init__(
        self, sources: str | Iterable[str], cflags: Iterable[str] = (), pkg_config: Iterable[str] = ()
    ) -> None:
        listed = (sources,) if isinstance(sources, str) else names(sources, what="sources", example="stubs/*.c")
        object.__setattr__(self, "sources", listed)
        object.__setattr__(self, "cflags", names(cflags, what="cflags", example="-DSMALL"))
        object.__setattr__(self, "pkg_config", names(pkg_config, what="pkg_config", example="gmp"))


@dataclass(frozen=True, kw_only=True)
class Package:
    """An opam package that a device needs."""

    name: str
    """As opam knows it."""
    libraries: tuple[str, ...]
    """findlib libraries that are linked."""
    scope: Scope = "monorepo"
    """`monorepo`: built with the unikernel for its target; `switch`: a tool of the building machine."""
    build: bool = False
    """Needed to build only: its libraries are not linked."""
    min: str | None = None
    """The first version that fits."""
    max: str | None = None
    """The first version that does not fit any more."""
    pin: Pin | None = None
    """Where it is taken from instead of a repository."""
    stubs: Stubs | None = None
    """Where its C stubs come from, for targets that cannot use the installed ones."""
    brought: bool = False
    """Whether mpy has brought it itself: it is in no repository."""
    location: Location | None = field(default=None, compare=False)
    """Where it was asked for."""


def package(
    name: str,
    *,
    libs: Iterable[str] | None = None,
    sublibs: Iterable[str] | None = None,
    min: str | None = None,  # noqa: A002  # the field's word
    max: str | None = None,  # noqa: A002
    scope: Scope = "monorepo",
    build: bool = False,
    pin: str | None = None,
    pin_version: str = "dev",
    stubs: Stubs | None = None,
) -> Package:
    """The opam package `name`, linked for the library of the same name; one of the switch is a tool, linked for none.

    `libs` names other findlib libraries (none: `[]`), `sublibs` libraries below the package (`["mirage"]` means
    `NAME.mirage`, `""` the package's own). `pin` is a URL. Raises `ConfigError` for a name opam refuses.
    """
    text(name, what="name", example="duration")
    if not re.fullmatch(r"[A-Za-z0-9_-]*[A-Za-z][A-Za-z0-9_-]*", name):
        raise ConfigError(
            f"package name {name!r} is invalid",
            location=here(),
            hint="letters, digits, - and _ with at least one letter; a library below a package goes into sublibs=[...]",
        )
    for bound in (min, max):
        _check_version(bound)
    if pin is not None:
        text(pin, what="pin", example="git+https://example.org/duration.git#main")
    if stubs is not None and not isinstance(stubs, Stubs):
        raise ConfigError(
            f"stubs tells where C stubs come from, got {shown(stubs)}", location=here(), hint='write Stubs("x.c")'
        )
    return Package(
        name=name,
        libraries=() if scope == "switch" and libs is None and sublibs is None else _libraries(name, libs, sublibs),
        scope=scope,
        build=build,
        min=min,
        max=max,
        pin=Pin(url=pin, version=pin_version) if pin else None,
        stubs=stubs,
        location=here(),
    )


def _libraries(name: str, libs: Iterable[str] | None, sublibs: Iterable[str] | None) -> tuple[str, ...]:
    if libs is not None and sublibs is not None:
        raise ConfigError(f"package {name} is given both libs and sublibs", location=here(), hint="keep one of them")
    if libs is not None:
        found = names(libs, what="libs", example=name)
    elif sublibs is not None:
        found = tuple(f"{name}.{sub}" if sub else name for sub in names(sublibs, what="sublibs", example="unix"))
    else:
        found = (name,)
    for library in found:
        check_library(library)
    return found


def check_library(name: str) -> None:
    """Refuse what is no findlib library name, before it breaks a dune file."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_+-]*(\.[A-Za-z0-9_][A-Za-z0-9_+-]*)*", name):
        raise ConfigError(f"library name {name!r} is invalid", location=here(), hint="as findlib spells it: lwt.unix")


def _check_version(version: str | None) -> None:
    if version is None:
        return
    text(version, what="a version", example="1.2")
    if not re.fullmatch(r"[A-Za-z0-9_+.~-]+", version):
        raise ConfigError(f"version {version!r} is not an opam version", location=here(), hint='for instance min="1.2"')


@cache
def _catalogue() -> dict[str, dict[str, str]]:
    import json

    # by its path: importlib.resources takes 4 ms to import, at every start
    text = Path(__file__).parents[1].joinpath("devices", "bounds.json").read_text(encoding="utf-8")
    bounds: dict[str, dict[str, str]] = json.loads(text)["bounds"]
    return bounds


def catalogue_packages() -> tuple[str, ...]:
    """The names of the packages that the catalogue's devices may need."""
    return tuple(_catalogue())


def bounded(name: str, *libs: str, entry: str | None = None, build: bool = False, scope: Scope = "monorepo") -> Package:
    """A package of the catalogue with the bounds of `devices/bounds.json` (under `entry` where it has several)."""
    bounds = _catalogue().get(entry or name, {})
    return Package(
        name=name, libraries=libs or (name,), build=build, scope=scope, min=bounds.get("min"), max=bounds.get("max")
    )


def brought(name: str) -> Package:
    """A package of the runtime that comes with mpy and has no counterpart in any repository."""
    return Package(name=name, libraries=(name,), brought=True)

"""What a config.py says when it has run: the unikernels it registered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from mirage_py.dataclass import dataclass, field
from mirage_py.dsl.check import shown, text
from mirage_py.dsl.package import Package
from mirage_py.dsl.place import here
from mirage_py.dsl.scheduler import Scheduler, lwt
from mirage_py.dsl.term import Term
from mirage_py.errors import ConfigError, Location
from mirage_py.model.allow import Allow

LONGEST_NAME = 60
"""Characters: leaves room for a target's name and suffix in every file system's 255 bytes and in a Xen domain name."""


UNIKERNEL_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
"""What may name files, dune and opam packages, whatever the target."""


@dataclass(frozen=True, kw_only=True)
class Unikernel:
    """One registered unikernel: the jobs forced first, one after the other, and the user's jobs, run together."""

    name: str
    init: tuple[Term, ...]
    jobs: tuple[Term, ...]
    src: str | Literal["auto"] | None = "auto"
    location: Location | None = None
    scheduler: Scheduler = lwt


@dataclass(frozen=True, kw_only=True)
class Config:
    """A loaded config.py: its file name, its unikernels in the order of registration, and what they share.

    `imported` are the user's own Python files that it read, relative to its folder. `notes` are what a person should
    know about an OCaml configuration of an older release.
    """

    file: str
    unikernels: tuple[Unikernel, ...]
    overrides: tuple[Package, ...] = ()
    allowed: tuple[Allow, ...] = ()
    imported: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Registry:
    """Collects what a config.py declares while it runs."""

    unikernels: list[Unikernel] = field(default_factory=list)
    overrides: list[Package] = field(default_factory=list)
    allowed: list[Allow] = field(default_factory=list)


_registry: ContextVar[Registry] = ContextVar("registry")


@contextmanager
def collecting() -> Iterator[Registry]:
    """A fresh registry that `register` and its companions fill inside the block."""
    registry = Registry()
    token = _registry.set(registry)
    try:
        yield registry
    finally:
        _registry.reset(token)


def current() -> Registry:
    """The registry of the config.py that is running; a `ConfigError` when none is."""
    try:
        return _registry.get()
    except LookupError:
        raise ConfigError(
            "this is a configuration, not a program", location=here(), hint="run: mpy configure"
        ) from None


def override(*packages: Package) -> None:
    """Replace the bounds that mpy's catalogue gives for these packages, or add a pin, for every device that asks."""
    for one in packages:
        if not isinstance(one, Package):
            raise ConfigError(
                f"override takes packages, got {shown(one)}",
                location=here(),
                hint='override(package("lwt", min="5.7"))',
            )
    current().overrides.extend(packages)


def allow(library: str, *, reason: str, target: str | None = None) -> None:
    """Let `mpy audit` pass a library whatever its verdict, on one target or all, for a reason that is shown."""
    text(library, what="library", example="lwt.unix")
    if not text(reason, what="reason", example="only in a test").strip():
        raise ConfigError(f"allow({library!r}) needs a reason", location=here())
    current().allowed.append(Allow(library=library, reason=reason, target=target))


def check_unikernel_name(name: object, location: Location | None) -> None:
    """Refuse a unikernel or output name that would break a file name, a dune file or an opam file."""
    if isinstance(name, str) and len(name) <= LONGEST_NAME and re.fullmatch(UNIKERNEL_NAME, name):
        return
    shown = repr(name) if len(str(name)) <= LONGEST_NAME else f"of {len(str(name))} characters"
    raise ConfigError(
        f"unikernel name {shown} is invalid",
        location=location,
        details=("it becomes the name of the image, of generated files and of the opam package",),
        hint=f"a letter, digit or '_', then letters, digits, '-', '_' and '.', at most {LONGEST_NAME} characters",
    )

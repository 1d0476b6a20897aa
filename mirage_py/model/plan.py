"""The plan: everything that configuring decides, as a value. The same on every machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mirage_py.model.stubs import DeclaredStubs

DuneContext = Literal["default", "solo5", "unikraft"]
"""The dune context a target is compiled in: the host's compiler, or a cross compiler by the name of its toolchain."""


@dataclass(frozen=True, kw_only=True)
class GeneratedFile:
    """A file to write, with its path below the folder it belongs to, and its whole content."""

    path: str
    content: str


@dataclass(frozen=True, kw_only=True)
class NeededLibrary:
    """A findlib library the image links, with the package that brings it, its bounds, and who asked for it."""

    name: str
    package: str
    min: tuple[str, ...] = ()
    max: tuple[str, ...] = ()
    asked_by: tuple[str, ...] = ()
    local: bool = False


@dataclass(frozen=True, kw_only=True)
class CStub:
    """A C file of the unikernel's own: path relative to config.py, flags, pkg-config packages of the target."""

    path: str
    flags: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one unikernel on one target is made of: generated files, what is compiled and linked, and the image.

    `label` names the target's folder below `mirage/`; `image` is a path below `dist/`. `abi` is the Solo5 ABI of the
    link, where there is one.
    """

    name: str
    target: str
    label: str
    image: str
    context: DuneContext
    os_module: str
    files: tuple[GeneratedFile, ...]
    libraries: tuple[NeededLibrary, ...]
    modules: tuple[str, ...] = ()
    c_stubs: tuple[CStub, ...] = ()
    declared_stubs: tuple[DeclaredStubs, ...] = ()
    forbidden: tuple[str, ...] = ()
    nets: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    abi: str | None = None
    manifest: Mapping[str, Any] | None = None

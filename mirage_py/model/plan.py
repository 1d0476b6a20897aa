"""The plan: everything that configuring decides, as a value. The same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal

from mirage_py.dataclass import dataclass, field
from mirage_py.model.bounds import Bounds
from mirage_py.model.stubs import DeclaredStubs

DuneContext = Literal["default", "solo5", "unikraft"]
"""The dune context a target is compiled in: the host's compiler, or a cross compiler by the name of its toolchain."""


class GeneratedFile:
    """A file to write, with its path below the folder it belongs to, and its whole content.

    The content may be given as what makes it: it is made when it is first looked at, which a query seldom does.
    """

    def __init__(self, *, path: str, content: str | Callable[[], str]) -> None:
        self.path = path
        self._content = content

    @cached_property
    def content(self) -> str:
        """The whole text."""
        return self._content if isinstance(self._content, str) else self._content()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GeneratedFile) and (self.path, self.content) == (other.path, other.content)

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"GeneratedFile(path={self.path!r})"

    def __getstate__(self) -> dict[str, str]:
        return {"path": self.path, "_content": self.content}


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
    link, where there is one. `bounds` are those of all packages that were asked for, linked or not. `libc_gaps` are the
    functions to bring where the target's C library lacks them.
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
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    libc_gaps: tuple[str, ...] = ()

"""What compiles and links for a target, as one value: each fact of it says where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from mirage_py.dataclass import dataclass, field

Generation = Literal["host", "cross", "pkg-config"]
"""host: the machine's own compiler; cross: ocaml-solo5, Solo5 since 0.7; pkg-config: ocaml-freestanding before it."""

Link = Literal["cross", "pkg-config"]
"""How a freestanding image is linked: by the cross compiler, or by mpy from pkg-config's variables."""

ABIS: Final[Mapping[str, str]] = {
    "hvt": "hvt",
    "spt": "spt",
    "virtio": "virtio",
    "muen": "muen",
    "genode": "genode",
    "xen": "xen",
    "qubes": "xen",
}
"""The Solo5 bindings that serve each freestanding target."""


@dataclass(frozen=True, kw_only=True)
class HostToolchain:
    """The tools that build on this machine and for it. `sources` says for each field where it came from."""

    ocaml_version: str
    ocamlopt: Path
    stdlib: Path
    architecture: str
    c_compiler: tuple[str, ...]
    cflags: tuple[str, ...]
    libs: tuple[str, ...]
    ocamlfind: Path
    dune: Path
    dune_version: str
    cmx_magic: str = ""
    switch: Path | None = None
    environment: Mapping[str, str | None] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """All that turns OCaml and C into an image for one target.

    A C stub is compiled by `c_compiler` with `cflags`; an image is linked by `linker` with `ldflags`, the objects,
    `libs`, the output, and `ldpostflags`, in this order. `libraries` is where the target's OCaml libraries are, the
    standard library's folder aside. `ocaml_tools` are the tools of the findlib toolchain (`ocamlopt`, `ocamlc`, ...).
    `path` holds the folders that go before the environment's PATH, `sources` where each field came from.
    """

    target: str
    generation: Generation
    architecture: str
    ocaml_version: str
    ocamlopt: Path
    stdlib: Path
    c_compiler: tuple[str, ...]
    cflags: tuple[str, ...]
    linker: tuple[str, ...]
    ldflags: tuple[str, ...]
    libs: tuple[str, ...]
    ldpostflags: tuple[str, ...] = ()
    runtime: tuple[Path, ...] = ()
    libraries: tuple[Path, ...] = ()
    ocaml_tools: Mapping[str, str] = field(default_factory=dict)
    objcopy: Path | None = None
    sysroot: Path | None = None
    prefix: Path | None = None
    bindings: Path | None = None
    linker_script: Path | None = None
    elftool: Path | None = None
    tender: Path | None = None
    solo5_version: str | None = None
    ocaml_solo5_version: str | None = None
    cmx_magic: str = ""
    path: tuple[Path, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def abi(self) -> str | None:
        """The name of the Solo5 bindings; None where the target has a kernel of its own (unix, macosx)."""
        return ABIS.get(self.target)

    @property
    def freestanding(self) -> bool:
        """Whether what the host offers to C code must stay out."""
        return self.generation != "host"

    @property
    def all_ldflags(self) -> tuple[str, ...]:
        """What an image is linked with, its own objects aside."""
        return (*self.ldflags, *self.libs, *self.ldpostflags)


@dataclass(frozen=True, kw_only=True)
class ToolchainChoice:
    """What the user says about the toolchain: a description file, an opam switch, prefixes, how to link.

    None and () leave it to what the environment and this machine offer.
    """

    description: Path | None = None
    switch: str | None = None
    prefixes: tuple[Path, ...] = ()
    link: Link | None = None


Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing the doctor looked at: how it is, and the line that mends it."""

    subject: str
    status: Status
    text: str
    fix: str | None = None

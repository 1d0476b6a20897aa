"""The targets: one page for each family, found through one table.

A family is a module that satisfies `Target`; it reads `Info` and knows no device.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, Protocol

from mirage_py.dsl.device import Sexp
from mirage_py.dsl.package import Package
from mirage_py.model.plan import CStub, DuneContext, GeneratedFile
from mirage_py.resolve.info import Info


class Target(Protocol):
    """What a family of targets says about itself; each argument `target` is one of its names."""

    NAMES: tuple[str, ...]
    CONTEXT: DuneContext
    OS_MODULE: str
    FORBIDDEN: tuple[str, ...]

    def packages(self, target: str) -> tuple[Package, ...]:
        """What every unikernel needs there."""
        ...

    def image(self, output: str, target: str) -> str:
        """The path of the image below dist/."""
        ...

    def abi(self, target: str) -> str | None:
        """The Solo5 ABI of the link, where there is one."""
        ...

    def manifest(self, info: Info) -> dict[str, Any] | None:
        """The Solo5 device manifest, where the image carries one."""
        ...

    def check(self, info: Info) -> None:
        """Refuse, with `UnsupportedTarget`, what the target can never hold."""
        ...

    def stanzas(self, info: Info, stubs: tuple[CStub, ...]) -> tuple[Sexp, ...]:
        """The dune stanzas that make the image's executable, `main.exe`, with the unikernel's own C stubs."""
        ...

    def files(self, info: Info) -> tuple[GeneratedFile, ...]:
        """What the target needs beside main.ml and dune."""
        ...


_PAGES: Final = {
    "unix": "unix",
    "macosx": "unix",
    "hvt": "solo5",
    "spt": "solo5",
    "virtio": "solo5",
    "muen": "solo5",
    "genode": "solo5",
    "xen": "xen",
    "qubes": "xen",
    "unikraft-firecracker": "unikraft",
    "unikraft-qemu": "unikraft",
}


def family(target: str) -> Target:
    """The page of the family that a target belongs to."""
    page: Target = import_module(f"mirage_py.targets.{_PAGES[target]}")
    return page

"""xen and qubes: PVH guests of Xen, linked by the Solo5 toolchain with mirage-xen as their runtime."""

from __future__ import annotations

from typing import Any, Final

from mirage_py.codegen.manifest import manifest as solo5_manifest, manifest_json
from mirage_py.dsl.device import Sexp
from mirage_py.dsl.package import Package, bounded
from mirage_py.model.plan import CStub, DuneContext, GeneratedFile
from mirage_py.resolve.info import Info
from mirage_py.targets.common import COMMON
from mirage_py.targets.freestanding import FORBIDDEN_LIBRARIES, TOOLCHAIN, executable

NAMES: Final[tuple[str, ...]] = ("xen", "qubes")
CONTEXT: Final[DuneContext] = "solo5"
OS_MODULE: Final[str] = "Xen_os"
FORBIDDEN: Final[tuple[str, ...]] = FORBIDDEN_LIBRARIES


def packages(target: str) -> tuple[Package, ...]:
    del target
    return (*COMMON, *TOOLCHAIN, bounded("mirage-xen"))


def image(output: str, target: str) -> str:
    return f"{output}.xen" if target == "xen" else f"{target}/{output}.xen"


def abi(target: str) -> str | None:
    del target
    return "xen"


def manifest(info: Info) -> dict[str, Any] | None:
    """Empty: XenStore tells a guest its devices."""
    del info
    return solo5_manifest((), ())


def check(info: Info) -> None:
    """A Xen guest finds its devices in XenStore: their names are free."""
    del info


def stanzas(info: Info, stubs: tuple[CStub, ...]) -> tuple[Sexp, ...]:
    return executable(info, stubs)


def files(info: Info) -> tuple[GeneratedFile, ...]:
    declared = GeneratedFile(path="manifest.json", content=manifest_json(solo5_manifest((), ())))
    if info.target != "xen":
        return (declared,)
    from mirage_py.codegen.libvirt import xen_domain
    from mirage_py.codegen.xl import xl, xl_template

    return (
        declared,
        GeneratedFile(path=f"{info.name}.xl", content=xl(info)),
        GeneratedFile(path=f"{info.name}.xl.in", content=xl_template(info)),
        GeneratedFile(path=f"{info.name}_libvirt.xml", content=xen_domain(info)),
    )

"""hvt, spt, virtio, muen and genode: images for Solo5's tenders and bindings.

They differ in the ABI of the link, in the name of the image, and in what describes the machine around it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from mirage_py.codegen.manifest import manifest as solo5_manifest, manifest_json
from mirage_py.dsl.device import Sexp
from mirage_py.dsl.package import Package, bounded
from mirage_py.errors import UnsupportedTarget
from mirage_py.model.plan import CStub, DuneContext, GeneratedFile
from mirage_py.resolve.info import Info
from mirage_py.targets.common import COMMON
from mirage_py.targets.freestanding import FORBIDDEN_LIBRARIES, TOOLCHAIN, executable

NAMES: Final[tuple[str, ...]] = ("hvt", "spt", "virtio", "muen", "genode")
CONTEXT: Final[DuneContext] = "solo5"
OS_MODULE: Final[str] = "Solo5_os"
FORBIDDEN: Final[tuple[str, ...]] = FORBIDDEN_LIBRARIES

MOST_DEVICES: Final = 63
"""Of the user's in one manifest: MFT_MAX_ENTRIES of Solo5's mft_abi.h, less the reserved first one."""
LONGEST_NAME: Final = 67
"""Characters of a device's name: MFT_NAME_MAX of mft_abi.h."""


def packages(target: str) -> tuple[Package, ...]:
    del target
    return (*COMMON, *TOOLCHAIN, bounded("mirage-solo5"))


def image(output: str, target: str) -> str:
    return f"{output}.{target}"


def abi(target: str) -> str | None:
    return target


def manifest(info: Info) -> dict[str, Any] | None:
    return solo5_manifest(info.nets, info.blocks)


def check(info: Info) -> None:
    """Names and number of devices fit a manifest."""
    devices = (*info.nets, *info.blocks)
    if len(devices) > MOST_DEVICES:
        raise UnsupportedTarget(
            f"{info.name} has {len(devices)} devices; a Solo5 manifest holds {MOST_DEVICES}",
            location=info.location,
            hint="leave some out, or build for unix or xen",
        )
    for name in devices:
        if not re.fullmatch(rf"[A-Za-z0-9]{{1,{LONGEST_NAME}}}", name):
            raise UnsupportedTarget(
                f"the device name {name!r} cannot stand in a Solo5 manifest",
                location=info.location,
                details=(f"target {info.target} declares its devices there by name",),
                hint=f"use letters and digits only, at most {LONGEST_NAME}",
            )


def stanzas(info: Info, stubs: tuple[CStub, ...]) -> tuple[Sexp, ...]:
    return executable(info, stubs)


def files(info: Info) -> tuple[GeneratedFile, ...]:
    declared = GeneratedFile(path="manifest.json", content=manifest_json(solo5_manifest(info.nets, info.blocks)))
    if info.target != "virtio":
        return (declared,)
    from mirage_py.codegen.libvirt import virtio_domain

    return (declared, GeneratedFile(path=f"{info.name}_libvirt.xml", content=virtio_domain(info)))

"""unikraft-firecracker and unikraft-qemu: images on Unikraft, resolved and described; not built by mpy."""

from __future__ import annotations

from typing import Any, Final

from mirage_py.dsl.device import Sexp
from mirage_py.dsl.package import Package, bounded
from mirage_py.model.plan import CStub, DuneContext, GeneratedFile
from mirage_py.resolve.info import Info
from mirage_py.targets.common import COMMON, foreign_stubs, in_context, link_flags
from mirage_py.targets.freestanding import FORBIDDEN_LIBRARIES

NAMES: Final[tuple[str, ...]] = ("unikraft-firecracker", "unikraft-qemu")
CONTEXT: Final[DuneContext] = "unikraft"
OS_MODULE: Final[str] = "Unikraft_os"
FORBIDDEN: Final[tuple[str, ...]] = FORBIDDEN_LIBRARIES

_SUFFIXES: Final = {"unikraft-firecracker": "fc", "unikraft-qemu": "qemu"}


def packages(target: str) -> tuple[Package, ...]:
    backend = f"ocaml-unikraft-backend-{target.removeprefix('unikraft-')}"
    return (
        *COMMON,
        bounded("ocaml-unikraft", build=True, scope="switch"),
        bounded("mirage-unikraft"),
        Package(name=backend, libraries=(backend,), build=True, scope="switch"),
    )


def image(output: str, target: str) -> str:
    return f"{output}.{_SUFFIXES[target]}"


def abi(target: str) -> str | None:
    del target
    return None


def manifest(info: Info) -> dict[str, Any] | None:
    del info
    return None


def check(info: Info) -> None:
    """Everything that resolves can be described here."""
    del info


def stanzas(info: Info, stubs: tuple[CStub, ...]) -> tuple[Sexp, ...]:
    backend = info.target.removeprefix("unikraft-")
    return (
        (
            "executable",
            ("name", "main"),
            in_context(CONTEXT),
            ("modes", "exe"),
            ("libraries", *info.libraries),
            ("flags", ":standard", "-w", "-70"),
            ("link_flags", ":standard", "-cclib", f"-z unikraft-backend={backend}", *link_flags(info, stubs)),
            *foreign_stubs(info, stubs),
        ),
    )


def files(info: Info) -> tuple[GeneratedFile, ...]:
    del info
    return ()

"""unix and macosx: an ordinary program of the host, compiled by the host's compiler."""

from __future__ import annotations

from typing import Any, Final

from mirage_py.dsl.device import Sexp
from mirage_py.dsl.package import Package, bounded
from mirage_py.model.plan import CStub, DuneContext, GeneratedFile
from mirage_py.resolve.info import Info
from mirage_py.targets.common import COMMON, foreign_stubs, in_context, link_flags

NAMES: Final[tuple[str, ...]] = ("unix", "macosx")
CONTEXT: Final[DuneContext] = "default"
OS_MODULE: Final[str] = "Unix_os"
FORBIDDEN: Final[tuple[str, ...]] = ()


def packages(target: str) -> tuple[Package, ...]:
    del target
    return (*COMMON, bounded("mirage-unix"))


def image(output: str, target: str) -> str:
    return output if target == "unix" else f"{target}/{output}"


def abi(target: str) -> str | None:
    del target
    return None


def manifest(info: Info) -> dict[str, Any] | None:
    del info
    return None


def check(info: Info) -> None:
    """Everything that resolves can be built here."""
    del info


def stanzas(info: Info, stubs: tuple[CStub, ...]) -> tuple[Sexp, ...]:
    return (
        (
            "executable",
            ("name", "main"),
            in_context(CONTEXT),
            ("modes", "exe"),
            ("libraries", *info.libraries),
            ("flags", ":standard", "-w", "-70"),
            ("link_flags", ":standard", "-thread", *link_flags(info, stubs)),
            *foreign_stubs(info, stubs),
        ),
    )


def files(info: Info) -> tuple[GeneratedFile, ...]:
    del info
    return ()

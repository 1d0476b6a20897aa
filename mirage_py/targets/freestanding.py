"""What the families built by the Solo5 toolchain have in common: the cross context and the link."""

from __future__ import annotations

from typing import Final

from mirage_py.dsl.device import Sexp
from mirage_py.dsl.package import Package, bounded
from mirage_py.model.gaps import FUNCTIONS, gaps_library
from mirage_py.model.plan import CStub
from mirage_py.resolve.info import Info
from mirage_py.targets.common import LINK_FLAGS, OCAMLOPT_FLAGS, STUBS_STAMP, foreign_stubs, in_context, machine_file

TOOLCHAIN: Final[tuple[Package, ...]] = (
    bounded("ocaml-solo5", build=True, scope="switch"),
    bounded("solo5", build=True, scope="switch"),
)

FORBIDDEN_LIBRARIES: Final = ("unix", "threads.posix", "threads.vm", "dynlink")
"""What needs an operating system below: a closure that pulls one in is refused before anything is compiled."""


def executable(info: Info, stubs: tuple[CStub, ...]) -> tuple[Sexp, ...]:
    """The image's executable in the context of the target, with its device manifest linked in.

    How it is linked (which ABI, or not at all) is the toolchain's matter: those flags are machine-bound.
    """
    manifest: Sexp = (
        "rule",
        ("targets", "manifest.c"),
        ("deps", "manifest.json"),
        in_context("solo5"),
        ("action", ("run", "solo5-elftool", "gen-manifest", "manifest.json", "manifest.c")),
    )
    program: Sexp = (
        "executable",
        ("name", "main"),
        in_context("solo5"),
        ("modes", "exe"),
        ("libraries", *_gaps(info), *info.libraries),
        ("flags", ":standard", "-w", "-70"),
        ("ocamlopt_flags", ":standard", machine_file(info, OCAMLOPT_FLAGS)),
        ("link_deps", f"../machine/{info.label}/{STUBS_STAMP}"),
        ("link_flags", ":standard", machine_file(info, LINK_FLAGS)),
        ("foreign_stubs", ("language", "c"), ("names", "manifest")),
        *foreign_stubs(info, stubs),
    )
    return (manifest, program)


def _gaps(info: Info) -> tuple[str, ...]:
    """The library of what the C library lacks: the first here is the last of which the linker takes C."""
    return (gaps_library(info.output),) if set(info.libc_gaps) & set(FUNCTIONS) else ()

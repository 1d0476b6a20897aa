"""What the pages of several families say in the same words."""

from __future__ import annotations

from pathlib import PurePosixPath

from mirage_py.dsl.device import Sexp
from mirage_py.dsl.package import Package, bounded
from mirage_py.model.plan import CStub
from mirage_py.resolve.info import Info

COMMON: tuple[Package, ...] = (bounded("mirage-runtime"),)
"""Every unikernel, wherever it runs."""


C_FLAGS = "c_flags.sexp"
LINK_FLAGS = "link_flags.sexp"
"""Files in `mirage/machine/LABEL/` with what pkg-config answers for the unikernel's own C stubs."""
STUBS_STAMP = "stubs.stamp"
"""The file that changes with the recompiled archives, which dune does not know: it makes dune link again."""
OCAMLOPT_FLAGS = "ocamlopt_flags.sexp"
"""The file beside them with the folders of recompiled C archives, which must be the first on the link line."""


def foreign_stubs(info: Info, stubs: tuple[CStub, ...]) -> tuple[Sexp, ...]:
    """A `foreign_stubs` field for each set of flags among the unikernel's own C files."""
    groups: dict[tuple[tuple[str, ...], bool], list[str]] = {}
    for stub in stubs:
        groups.setdefault((stub.flags, bool(stub.pkg_config)), []).append(PurePosixPath(stub.path).stem)
    return tuple(
        (
            "foreign_stubs",
            ("language", "c"),
            ("names", *names),
            ("flags", ":standard", *flags, *_included(info, C_FLAGS, asked)),
        )
        for (flags, asked), names in groups.items()
    )


def link_flags(info: Info, stubs: tuple[CStub, ...]) -> tuple[Sexp, ...]:
    """What the C libraries of the stubs add to the link."""
    return _included(info, LINK_FLAGS, any(stub.pkg_config for stub in stubs))


def _included(info: Info, file: str, asked: bool) -> tuple[Sexp, ...]:  # private, named at each call
    return (machine_file(info, file),) if asked else ()


def machine_file(info: Info, name: str) -> Sexp:
    """The inclusion of a file that is written when the plan meets the machine."""
    return (":include", f"../machine/{info.label}/{name}")


def in_context(context: str) -> Sexp:
    """The field that keeps a stanza to one dune context."""
    return ("enabled_if", ("=", "%{context_name}", context))

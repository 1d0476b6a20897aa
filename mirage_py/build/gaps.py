"""What fills the gaps of the targets' C library: C in a dune library for each unikernel, and headers for all stubs.

The C is compiled as that of any library is, with the target's flags, and linked behind the libraries, so that what one
of those defines itself stays its own. The headers declare it: a compiler refuses a call of what nothing declares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from mirage_py.dataclass import dataclass, field
from mirage_py.libraries.gaps import c_library_of, compiled_with, headers, instead_of, lacking, source_of
from mirage_py.model.gaps import FUNCTIONS, gaps_library
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import Toolchain

__all__ = ["Filling", "archive_of", "filling"]

_FOLDER = "libc"


@dataclass(frozen=True, kw_only=True)
class Filling:
    """Files below `mirage/machine`, and the folder of the headers there; None where nothing is asked for.

    `replaced` are by unikernel the functions that take the place of the C library's own.
    """

    files: Mapping[str, str | Path]
    headers: str | None = None
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def flags(self, machine: Path) -> tuple[str, ...]:
        """What a C compiler is told, `machine` being the folder."""
        return compiled_with(machine / self.headers) if self.headers else ()

    def linked_with(self, plan: Plan) -> tuple[str, ...]:
        """What the linker of a plan's image is told."""
        names = self.replaced.get(_output(plan), ()) if plan.libc_gaps else ()
        return tuple(flag for name in names for flag in (f"--wrap={name}", f"--undefined={instead_of(name)}"))


def filling(plans: Iterable[Plan], toolchains: Mapping[str, Toolchain]) -> Filling:
    """What the plans for targets without an operating system ask for, as far as their C libraries lack it."""
    asked = [(plan, c_library_of(toolchains[plan.target])) for plan in plans if plan.libc_gaps]
    brought: dict[str, set[str]] = {}
    replaced: dict[str, set[str]] = {}
    for plan, libc in asked:
        names = lacking(plan.libc_gaps, libc.has)
        brought.setdefault(_output(plan), set()).update(names)
        replaced.setdefault(_output(plan), set()).update(libc.pretends.intersection(names))
    files: dict[str, str | Path] = {}
    for output, functions in brought.items():
        files |= _library(output, sorted(functions), sorted(replaced[output]))
    if not asked:
        return Filling(files=files)
    wanted = sorted({name for plan, _ in asked for name in plan.libc_gaps})
    texts = headers(wanted, frozenset.intersection(*(libc.has for _, libc in asked)))
    digest = hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in texts.items()).encode()).hexdigest()[:12]
    folder = f"{_FOLDER}/headers-{digest}" if texts else None  # other texts, other flags: that tells dune of a change
    return Filling(
        files=files | {f"{folder}/{name}": text for name, text in texts.items()},
        headers=folder,
        replaced={output: tuple(sorted(names)) for output, names in replaced.items()},
    )


def archive_of(plan: Plan, machine: Path) -> Path | None:
    """The archive of a plan's functions in a dune context whose own `mirage/machine` this is."""
    if not set(plan.libc_gaps) & set(FUNCTIONS):
        return None
    return machine / _FOLDER / _output(plan) / f"lib{gaps_library(_output(plan))}_stubs.a"


def _output(plan: Plan) -> str:
    return plan.label.removesuffix(f"-{plan.target}")


def _library(output: str, functions: list[str], replaced: list[str]) -> dict[str, str | Path]:
    from mirage_py.codegen.sexp import render_stanzas

    folder, name = PurePosixPath(_FOLDER, output), gaps_library(output)
    renamed = (("flags", ":standard", *(f"-D{one}={instead_of(one)}" for one in replaced)),) if replaced else ()
    stubs = (("foreign_stubs", ("language", "c"), ("names", *functions), *renamed),) if functions else ()
    stanza = ("library", ("name", name), ("wrapped", "false"), *stubs)
    return {
        f"{folder}/dune": render_stanzas((stanza,)),
        f"{folder}/{name}.ml": "(* What the C library lacks is in C; this is the name of the library. *)\n",
        **{f"{folder}/{function}.c": source_of(function) for function in functions},
    }

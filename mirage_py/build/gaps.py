"""What fills the gaps of the targets' C library: C in a dune library for each unikernel, and headers for all stubs.

The C is compiled as that of any library is, with the target's flags, and linked behind the libraries, so that what one
of those defines itself stays its own. The headers declare it: a compiler refuses a call of what nothing declares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from mirage_py.dataclass import dataclass
from mirage_py.libraries.gaps import compiled_with, headers, lacking, present_in, source_of
from mirage_py.model.gaps import FUNCTIONS, gaps_library
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import Toolchain

__all__ = ["Filling", "archive_of", "filling"]

_FOLDER = "libc"


@dataclass(frozen=True, kw_only=True)
class Filling:
    """Files below `mirage/machine`, and the folder of the headers there; None where nothing is asked for."""

    files: Mapping[str, str | Path]
    headers: str | None = None

    def flags(self, machine: Path) -> tuple[str, ...]:
        """What a C compiler is told, `machine` being the folder."""
        return compiled_with(machine / self.headers) if self.headers else ()


def filling(plans: Iterable[Plan], toolchains: Mapping[str, Toolchain]) -> Filling:
    """What the plans for targets without an operating system ask for, as far as their C libraries lack it."""
    asked = [(plan, present_in(toolchains[plan.target])) for plan in plans if plan.libc_gaps]
    brought: dict[str, set[str]] = {}
    for plan, present in asked:
        names = brought.setdefault(_output(plan), set())
        names.update(lacking(plan.libc_gaps, present))
    files: dict[str, str | Path] = {}
    for output, functions in brought.items():
        files |= _library(output, sorted(functions))
    if not asked:
        return Filling(files=files)
    wanted = sorted({name for plan, _ in asked for name in plan.libc_gaps})
    texts = headers(wanted, frozenset.intersection(*(present for _, present in asked)))
    digest = hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in texts.items()).encode()).hexdigest()[:12]
    folder = f"{_FOLDER}/headers-{digest}"  # another one for other texts: compilers' flags tell dune what has changed
    if not texts:
        return Filling(files=files)
    return Filling(files=files | {f"{folder}/{name}": text for name, text in texts.items()}, headers=folder)


def archive_of(plan: Plan, machine: Path) -> Path | None:
    """The archive of a plan's functions in a dune context whose own `mirage/machine` this is."""
    if not set(plan.libc_gaps) & set(FUNCTIONS):
        return None
    return machine / _FOLDER / _output(plan) / f"lib{gaps_library(_output(plan))}_stubs.a"


def _output(plan: Plan) -> str:
    return plan.label.removesuffix(f"-{plan.target}")


def _library(output: str, functions: list[str]) -> dict[str, str | Path]:
    from mirage_py.codegen.sexp import render_stanzas

    folder, name = PurePosixPath(_FOLDER, output), gaps_library(output)
    stubs = (("foreign_stubs", ("language", "c"), ("names", *functions)),) if functions else ()
    stanza = ("library", ("name", name), ("wrapped", "false"), *stubs)
    return {
        f"{folder}/dune": render_stanzas((stanza,)),
        f"{folder}/{name}.ml": "(* What the C library lacks is in C; this is the name of the library. *)\n",
        **{f"{folder}/{function}.c": source_of(function) for function in functions},
    }

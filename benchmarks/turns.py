"""Commands in turns with the interpreter, `python -c pass`, and the figures of what came out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Measured, Sample, interleaved
from benchmarks.table import Figure

__all__ = ["PYTHON", "QUIET", "as_times", "bound_of", "in_turns", "ms", "targets_of"]

PYTHON: Final = Measured(argv=(sys.executable, "-c", "pass"))
QUIET: Final = 13
"""Milliseconds that the interpreter takes on the machine that the bounds are of."""


def ms(sample: Sample) -> str:
    """The time of a sample, in seconds from one on."""
    return f"{sample.seconds:.2f} s" if sample.seconds >= 1 else f"{sample.seconds * 1000:.0f} ms"


def as_times(one: Sample, python: Sample) -> str:
    """The time of a sample, and what multiple of the interpreter's it is."""
    return f"{ms(one)}, {one.seconds / python.seconds:.1f} times python"


def in_turns(
    what: str, argv: tuple[str, ...], folder: Path, *, runs: int = 11, bound: int = 0, mirage: str = "", **how: Any
) -> tuple[Figure, Sample]:
    """The row of a command that is run in turns with the interpreter, and what came out."""
    taken = interleaved({"python": PYTHON, what: Measured(argv=argv, **how)}, folder, runs=runs)
    value = as_times(taken[what], taken["python"])
    return Figure(what=what, value=value, bound=bound_of(bound), mirage=mirage), taken[what]


def bound_of(milliseconds: int) -> str:
    """A bound as time and as a multiple; nothing for none."""
    if not milliseconds:
        return ""
    time_ = f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:g} s"
    return f"{time_} ({milliseconds / QUIET:.1f} times)"


def targets_of(*names: str) -> tuple[str, ...]:
    """The words of a command line that name these targets."""
    return tuple(word for name in names for word in ("-t", name))

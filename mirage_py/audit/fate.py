"""What ends a program on a target: with what mpy can fill of its C library filled, and what is saved by that alone."""

from __future__ import annotations

from collections.abc import Iterator

from mirage_py.audit.endings import Ending, ending_with
from mirage_py.audit.gaps import Gaps, what_is_called
from mirage_py.audit.libc import Libc
from mirage_py.audit.link import Link
from mirage_py.audit.runtime import WORDS, Calls, aborting_primitives, raises
from mirage_py.audit.startup import End, Read, ends
from mirage_py.dataclass import dataclass, replace
from mirage_py.model.audit import Finding

__all__ = ["Fate", "fate_of"]


@dataclass(frozen=True, kw_only=True)
class Fate:
    """The functions that end a program, and those that would without the gaps; the same of the standard library.

    `raises` says that what fails for want of files raises Sys_error, and ends a program only where nothing catches it.
    """

    gaps: Gaps
    ending: tuple[End, ...] = ()
    saved: tuple[End, ...] = ()
    functions: Ending
    saved_functions: Ending
    raises: bool = False

    def told(self, finding: Finding, stub: str) -> Iterator[Finding]:
        """A finding of what ends the program by this stub, as it is on this target.

        What is called later and would then raise is no finding: so it is where there are files.
        """
        if stub != WORDS or not self.raises:
            yield self.gaps.told(finding, stub)
        elif finding.severity in {"aborts", "unsure"}:
            message = f"{what_is_called(finding)}: it raises Sys_error, which ends the program unless it is caught"
            remedy = "build it and run it once: it ends there, or it does not"
            yield replace(finding, severity="unsure", message=message, remedy=remedy)


def fate_of(link: Link, runtime: Calls, libc: Libc, gaps: Gaps) -> Fate:
    """The fate of what is linked, over a runtime and a libc with these gaps."""
    read = Read()
    without, filled = aborting_primitives(runtime, libc), gaps.closed(libc)
    with_gaps = aborting_primitives(runtime, filled)
    ending = ends(link.pulled, with_gaps, filled, read)
    dead = {_key(end) for end in ending}
    saved = (end for end in ends(link.pulled, without, libc, read) if _key(end) not in dead) if filled != libc else ()
    functions = ending_with(with_gaps)
    return Fate(
        gaps=gaps,
        ending=ending,
        saved=tuple(saved),
        functions=functions,
        saved_functions=ending_with(without).beyond(functions),
        raises=raises(runtime, filled),
    )


def _key(end: End) -> tuple[int, int, str]:
    return id(end.by.place.archive), end.by.place.number, end.function

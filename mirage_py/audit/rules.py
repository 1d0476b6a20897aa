"""What is known of libraries by their name: those that come with OCaml and need what a unikernel has not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from mirage_py.model.audit import SEVERITIES, Finding, Severity, Verdict
from mirage_py.model.library import Library

SOLO5: Final = ("hvt", "spt", "virtio", "muen", "genode")
XEN: Final = ("xen", "qubes")
UNIKRAFT: Final = ("unikraft-firecracker", "unikraft-qemu")
UNIX: Final = ("unix", "macosx")
TARGETS: Final = (*UNIX, *XEN, *SOLO5, *UNIKRAFT)


class Rule(NamedTuple):
    """Why a library cannot be in a unikernel, or (`noop`) does nothing there, and what to use instead."""

    severity: Severity
    why: str
    remedy: str


_SCHEDULER: Final = "use Lwt's threads (lwt, not lwt.unix) or effects: a unikernel has one thread of the system"
_COMPANION: Final = "use the library's part without Unix, or a module type of MirageOS (clock, network, ...)"

FORBIDDEN: Final[dict[str, Rule]] = {
    "unix": Rule("unix", "it calls the kernel, and a unikernel has none below it", _COMPANION),
    "unixLabels": Rule("unix", "it calls the kernel, and a unikernel has none below it", _COMPANION),
    "threads": Rule("unix", "system threads are POSIX threads", _SCHEDULER),
    "threads.posix": Rule("unix", "system threads are POSIX threads", _SCHEDULER),
    "threads.vm": Rule("unix", "it is for bytecode only", _SCHEDULER),
    "systhreads": Rule("unix", "system threads are POSIX threads", _SCHEDULER),
    "runtime_events": Rule("missing", "it maps a file of events into memory", "log with logs or metrics"),
    "graphics": Rule("unix", "it talks to an X server", "none: a unikernel has no display"),
    "ctypes.foreign": Rule("missing", "it builds calls with libffi at run time", "generate stubs with ctypes.stubs"),
    "ctypes-foreign": Rule("missing", "it builds calls with libffi at run time", "generate stubs with ctypes.stubs"),
}


WHEN_USED: Final[dict[str, Rule]] = {
    "dynlink": Rule("noop", "it loads code with dlopen; an image is linked once", "link what is needed statically"),
    "findlib.internal": Rule(
        "aborts", 'it raises Failure where Sys.os_type is "None", as it is here', "leave findlib to the build"
    ),
}
"""Libraries that are often required for what is done at compile time: they count where a unit of theirs is linked."""

OF_COMPILER: Final = ("compiler-libs", "dynlink", "findlib")
"""Packages of which a library may need nothing at run time."""


def rule_for(library: str) -> Rule | None:
    """What is known against a library, whatever is used of it."""
    return FORBIDDEN.get(library)


def rule_of(library: Library, toolchain: Iterable[Path]) -> Rule | None:
    """What is known against a library, unless the target's toolchain brings it: that is judged by what is in it.

    What a toolchain has under such a name (an empty `threads`) is not what the name means elsewhere.
    """
    meta = library.meta or library.directory
    return None if any(meta.is_relative_to(place) for place in toolchain) else rule_for(library.name)


IN_STDLIB: Final = frozenset({"bigarray"})
"""Modules that moved into the standard library (4.07); findlib's META still asks for `unix`, which nothing uses."""


def needs(library: Library) -> tuple[str, ...]:
    """What a library requires, without what only history requires; a forbidden one is a leaf."""
    return () if library.name in IN_STDLIB or rule_for(library.name) else library.requires


def freestanding(target: str) -> bool:
    """Whether a target runs without an operating system's kernel."""
    return target not in UNIX


def worst_of(findings: Iterable[Finding]) -> Severity:
    """The heaviest of these findings; a note when there is none."""
    return max((finding.severity for finding in findings), key=SEVERITIES.index, default="note")


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The verdict that these findings force: what happens at a call leaves a library running."""
    match worst_of(findings):
        case "note" | "noop" | "later":
            return "runs"
        case verdict:
            return verdict

"""What is known of libraries by their name: those that come with OCaml and need what a unikernel has not."""

from __future__ import annotations

from collections.abc import Iterable
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
    "dynlink": Rule("missing", "it loads code with dlopen; an image is linked once", "link what is needed statically"),
    "findlib.dynload": Rule("missing", "it loads code with dlopen; an image is linked once", "link it statically"),
    "runtime_events": Rule("noop", "it writes events to a file, and there are no files", "log with logs or metrics"),
    "graphics": Rule("unix", "it talks to an X server", "none: a unikernel has no display"),
    "ctypes.foreign": Rule("missing", "it builds calls with libffi at run time", "generate stubs with ctypes.stubs"),
    "ctypes-foreign": Rule("missing", "it builds calls with libffi at run time", "generate stubs with ctypes.stubs"),
}


def rule_for(library: str) -> Rule | None:
    """What is known against a library, compiler-libs with all its parts included."""
    if library == "compiler-libs" or library.startswith("compiler-libs."):
        return Rule("missing", "the compiler's own libraries are for the host", "use it in a generator or a ppx only")
    return FORBIDDEN.get(library)


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
    """The verdict that these findings force: a note and a noop leave a library running."""
    match worst_of(findings):
        case "note" | "noop":
            return "runs"
        case verdict:
            return verdict

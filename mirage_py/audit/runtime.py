"""Which functions of OCaml's runtime end the program on a freestanding target, read from its own objects.

A function of nolibc's stubs aborts, or it fails at once (`open` gives -1). What calls the first kind aborts. What calls
the second kind and then raises Sys_error does so too where the message comes from `strerror`, which is of the first
kind: no exception is raised, and no `try` helps. OCaml 5 takes `strerror_r` where there is one, and does raise. What
opens a file and lives with the failure never gets any further.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mirage_py.audit.elf import references
from mirage_py.audit.libc import Libc
from mirage_py.libraries.archives import Archive, Unreadable

FAIL: Final = frozenset({"open", "stat", "fstat", "opendir", "chdir", "lseek", "readlink"})
"""Functions that nolibc has in name only and that report failure; the others (`fflush`, `isatty`) are lived with."""

SYSTEM: Final = frozenset(
    {"close", "read", "rename", "unlink", "rmdir", "mkdir", "getcwd", "system", "signal", "fcntl", "ftruncate", "fstat"}
)
"""Functions that nolibc has in name only and that abort. Those of threads stand below every allocation in OCaml 5,
where they are never reached with one domain; they count for the primitives of threads alone."""

NEVER: Final = frozenset({"caml_runtime_events_destroy"})
"""It removes a file that was never made."""

OF_THREADS: Final = ("caml_ml_condition_", "caml_domain_spawn")

RAISES: Final = frozenset({"caml_sys_error", "caml_sys_io_error"})
"""What turns errno into Sys_error."""

KNOWN: Final[Mapping[str, str]] = {
    "caml_sys_open": "strerror",
    "caml_sys_chdir": "strerror",
    "caml_sys_is_directory": "strerror",
    "caml_sys_read_directory": "strerror",
    "caml_ml_channel_size": "strerror",
    "caml_ml_channel_size_64": "strerror",
    "caml_ml_seek_in": "strerror",
    "caml_ml_seek_in_64": "strerror",
    "caml_ml_seek_out": "strerror",
    "caml_ml_seek_out_64": "strerror",
    "caml_ml_close_channel": "close",
    "caml_sys_close": "close",
    "caml_ml_input": "read",
    "caml_ml_input_bigarray": "read",
    "caml_ml_input_char": "read",
    "caml_ml_input_int": "read",
    "caml_ml_input_scan_line": "read",
    "caml_input_value": "read",
    "caml_md5_chan": "read",
    "caml_sys_getcwd": "getcwd",
    "caml_sys_mkdir": "mkdir",
    "caml_sys_remove": "unlink",
    "caml_sys_rename": "rename",
    "caml_sys_rmdir": "rmdir",
    "caml_sys_system_command": "system",
    "caml_install_signal_handler": "signal",
}
"""The primitives of OCaml 4 and 5 that end in a stub, for machines without a toolchain."""


WORDS: Final = "strerror"
"""Stands for the end of what fails and tells why in Sys_error, whether or not it gets as far as to raise it."""

Calls = Mapping[str, frozenset[str]]
"""Who refers to whom in a runtime."""


def aborting_primitives(calls: Calls, libc: Libc) -> Mapping[str, str]:
    """The functions of the runtime that abort, or fail, when they are called, each with the stub that does it.

    `calls` are those of the target's own runtime; where there is none, what is known of OCaml's releases serves.
    """
    if not calls:
        return {name: stub for name, stub in KNOWN.items() if stub in libc.aborts | {WORDS}}
    found = dict(_directly(calls, libc))
    callers: dict[str, list[str]] = {}
    for caller, called in calls.items():
        for name in called:
            callers.setdefault(name, []).append(caller)
    queue = list(found)
    for name in queue:  # grows while it is walked
        for caller in callers.get(name, ()):
            if caller not in found and caller not in NEVER:
                found[caller] = found[name]
                queue.append(caller)
    return {name: stub for name, stub in found.items() if name.startswith("caml_")}


def raises(calls: Calls, libc: Libc) -> bool:
    """Whether what fails does raise Sys_error, instead of ending the program when it asks for the words."""
    if WORDS not in libc.aborts:
        return True
    return not any(WORDS in called for called in calls.values()) if calls else libc.has("strerror_r")


def calls_in(runtime: Archive | None) -> Calls:
    """Who refers to whom in the runtime; an object that cannot be read is left out, as it was named before."""
    found: dict[str, frozenset[str]] = {}
    if runtime is None:
        return found
    for number in range(len(runtime.members)):
        try:
            found |= references(runtime, number)
        except Unreadable:
            continue
    return found


def _directly(calls: Calls, libc: Libc) -> Iterator[tuple[str, str]]:
    """The functions that call a stub which aborts, or one that fails and whose failure becomes Sys_error."""
    failing = FAIL & libc.noop
    fails = {name for name, called in calls.items() if not failing.isdisjoint(called) and RAISES.isdisjoint(called)}
    for name, called in calls.items():
        aborting = called & libc.aborts & (libc.aborts if name.startswith(OF_THREADS) else SYSTEM)
        if name in RAISES:
            continue
        if aborting and "open" not in called:
            yield name, min(aborting)
        elif not RAISES.isdisjoint(called) and not called.isdisjoint(failing | (fails & _helpers(name))):
            yield name, WORDS


def _helpers(name: str) -> set[str]:
    """`caml_sys_read_directory` has `caml_read_directory` open the folder, other primitives ask for the mode first."""
    return {name.replace("caml_sys_", "caml_"), name.replace("caml_ml_", "caml_"), "caml_sys_file_mode"}

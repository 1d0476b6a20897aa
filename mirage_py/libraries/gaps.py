"""The C that fills the gaps of a target's C library: which files, and headers that declare what they define."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mirage_py.libraries.archives import Unreadable, read_archive
from mirage_py.libraries.bundled import runtime_folder
from mirage_py.model.gaps import CONSTANTS, FUNCTIONS, closed
from mirage_py.model.toolchain import Toolchain

__all__ = ["headers", "lacking", "present_in", "source_of"]

_CALENDAR = frozenset({"gmtime", "gmtime_r", "localtime", "localtime_r", "mktime", "strftime"})
_SPECS = frozenset({"clock_gettime", "timespec_get", "nanosleep"})

_TYPES = {
    "struct tm": (
        "struct tm {\n    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;\n"
        "    long tm_gmtoff;\n    const char *tm_zone;\n};"
    ),
    "struct timespec": "struct timespec {\n    time_t tv_sec;\n    long tv_nsec;\n};",
    "clockid_t": (
        "typedef int clockid_t;\n#ifndef CLOCK_REALTIME\n#define CLOCK_REALTIME 0\n#define CLOCK_MONOTONIC 1\n#endif"
    ),
}


def source_of(name: str) -> Path:
    """The C file of a function."""
    return runtime_folder() / "libc_gaps" / f"{name}.c"


def present_in(toolchain: Toolchain) -> frozenset[str]:
    """The functions that a target's own C library has."""
    return frozenset().union(*(_defined(path) for path in toolchain.runtime))


@cache
def _defined(path: Path) -> frozenset[str]:
    try:
        return frozenset(read_archive(path).index)
    except (Unreadable, OSError):
        return frozenset()


def lacking(asked: Iterable[str], present: frozenset[str]) -> tuple[str, ...]:
    """What of the functions that are asked for, and of those that they call, has to be brought; sorted."""
    return tuple(name for name in closed(asked) if name not in present)


def headers(asked: Iterable[str], present: frozenset[str]) -> dict[str, str]:
    """Headers by name, to be searched before the C library's own: each takes that one in, and declares what is asked.

    Types come along where the C library has no function that would need them.
    """
    asked = tuple(asked)
    functions = [FUNCTIONS[name] for name in lacking(asked, present)]
    texts = {
        name: _header(name, [gap.declaration for gap in functions if gap.header == name], present)
        for name in sorted({gap.header for gap in functions})
    }
    numbers = sorted(name for name in asked if name in CONSTANTS)
    if numbers:
        defined = (f"#ifndef {name}\n#define {name} {CONSTANTS[name]}\n#endif" for name in numbers)
        texts["errno.h"] = _wrapped("errno.h", defined)
    return texts


def _header(name: str, declarations: list[str], present: frozenset[str]) -> str:
    first = {"time.h": _time(declarations, present), "stdio.h": ["#include <stdarg.h>"]}.get(name, [])
    return _wrapped(name, (*first, *(f"{declaration};" for declaration in declarations)))


def _time(declarations: list[str], present: frozenset[str]) -> list[str]:
    """The types that declarations of time.h speak of, as far as the C library has none of the functions that do."""
    words = set(re.findall(r"struct \w+|\w+", " ".join(declarations)))
    missing = {"struct tm": not present & _CALENDAR, "struct timespec": not present & _SPECS, "clockid_t": True}
    types = [_TYPES[name] for name, lacks in missing.items() if lacks and name in words]
    return [*types, *(["#ifndef TIME_UTC\n#define TIME_UTC 1\n#endif"] if "timespec_get" in words else [])]


def _wrapped(name: str, lines: Iterable[str]) -> str:
    guard = f"MPY_GAPS_{name.upper().replace('.', '_')}"
    return "\n".join(
        (
            f"/* What the target's own <{name}> lacks, as far as config.py asks for it. */",
            f"#ifndef {guard}",
            f"#define {guard}",
            f"#if __has_include_next(<{name}>)",
            f"#include_next <{name}>",
            "#endif",
            "#include <stddef.h>",
            *lines,
            "#endif",
            "",
        )
    )

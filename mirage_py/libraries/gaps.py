"""The C that fills the gaps of a target's C library: which files, and headers that declare what they define."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.libraries.archives import Unreadable, read_archive
from mirage_py.libraries.bundled import runtime_folder
from mirage_py.model.gaps import CONSTANTS, FUNCTIONS, HEADERS, Gap, closed
from mirage_py.model.toolchain import Toolchain

__all__ = [
    "LIBC",
    "STUBS",
    "CLibrary",
    "c_library_of",
    "compiled_with",
    "headers",
    "instead_of",
    "lacking",
    "source_of",
]

LIBC: Final = "libnolibc.a"
STUBS: Final = "stubs.o"
"""The member of nolibc with functions that are there in name only: they abort, or do nothing and report failure."""

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


@dataclass(frozen=True, kw_only=True)
class CLibrary:
    """A target's own C library: the functions that it has, and those that it has in name only."""

    has: frozenset[str] = frozenset()
    pretends: frozenset[str] = frozenset()


def c_library_of(toolchain: Toolchain) -> CLibrary:
    """What a target's own C library, with what is linked beside it, has."""
    found = [_defined(path) for path in toolchain.runtime]
    has = frozenset[str]().union(*(one.has for one in found))
    return CLibrary(has=has, pretends=frozenset[str]().union(*(one.pretends for one in found)) - has)


@cache
def _defined(path: Path) -> CLibrary:
    try:
        archive = read_archive(path)
    except (Unreadable, OSError):
        return CLibrary()
    stubs = {number for number, member in enumerate(archive.members) if (path.name, member.name) == (LIBC, STUBS)}
    pretends = frozenset(name for name, number in archive.index.items() if number in stubs)
    return CLibrary(has=frozenset(archive.index) - pretends, pretends=pretends)


def instead_of(name: str) -> str:
    """The name under which a function is linked in the place of one that the C library has in name only.

    It is the one to which the linker leads what asks for `name`, when told `--wrap=name`.
    """
    return f"__wrap_{name}"


def lacking(asked: Iterable[str], present: frozenset[str]) -> tuple[str, ...]:
    """What of the functions that are asked for, and of those that they call, has to be brought; sorted."""
    return tuple(name for name in closed(asked) if name not in present)


def headers(asked: Iterable[str], present: frozenset[str]) -> dict[str, str]:
    """Headers by name; empty where nothing is lacking. `compiled_with` tells how they are used.

    `gaps.h` declares what is asked for, with types where the C library has no function that would need them. The others
    are there for a `#include` of a header that the C library has not at all, and take its own in where it has.
    """
    asked = tuple(asked)
    functions = [FUNCTIONS[name] for name in lacking(asked, present)]
    numbers = sorted(name for name in asked if name in CONSTANTS)
    whole = {name: HEADERS[name] for name in asked if name in HEADERS}
    if not functions and not numbers and not whole:
        return {}
    names = sorted({gap.header for gap in functions} | ({"errno.h", "unistd.h"} if numbers else set()))
    lines = [line for name in names for line in _declared(name, functions, present)]
    lines += [f"#ifndef {name}\n#define {name} {CONSTANTS[name]}\n#endif" for name in numbers]
    about = "/* What the target's own C library lacks, as far as it is asked for. */"
    return {
        DECLARED: "\n".join((about, "#ifndef MPY_GAPS_H", "#define MPY_GAPS_H", *lines, "#endif", "")),
        **{name: _own_or(name, "") for name in names},
        **{name: _own_or(name, f"#else\n{text}\n") for name, text in sorted(whole.items())},
    }


def _own_or(name: str, other: str) -> str:
    """A header that takes in the target's own of that name, or else what is said here."""
    return f"#if __has_include_next(<{name}>)\n#include_next <{name}>\n{other}#endif\n"


DECLARED = "gaps.h"


def compiled_with(folder: Path) -> tuple[str, ...]:
    """What a C compiler is told of the folder that holds the headers.

    Included before the source: a target's compiler may well search its own headers before those that it is told of.
    """
    return (f"-I{folder}", "-include", str(folder / DECLARED))


def _declared(header: str, functions: list[Gap], present: frozenset[str]) -> Iterator[str]:
    declarations = [gap.declaration for gap in functions if gap.header == header]
    yield f"#include <{header}>"
    if header == "time.h":
        yield from _time(declarations, present)
    elif header == "stdio.h":
        yield "#include <stdarg.h>"
    yield "#include <stddef.h>"
    yield from (f"{declaration};" for declaration in declarations)


def _time(declarations: list[str], present: frozenset[str]) -> list[str]:
    """The types that declarations of time.h speak of, as far as the C library has none of the functions that do."""
    words = set(re.findall(r"struct \w+|\w+", " ".join(declarations)))
    missing = {"struct tm": not present & _CALENDAR, "struct timespec": not present & _SPECS, "clockid_t": True}
    types = [_TYPES[name] for name, lacks in missing.items() if lacks and name in words]
    return [*types, *(["#ifndef TIME_UTC\n#define TIME_UTC 1\n#endif"] if "timespec_get" in words else [])]

"""What answers differently from one time to the next, or is more than reading: by the names that Python has for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from opcode import opmap
from types import CodeType
from typing import Final

__all__ = ["ASKS", "DOES", "HARMLESS", "TELLING", "telling"]

HARMLESS: Final = frozenset(
    [
        "__future__",
        "abc",
        "ast",
        "base64",
        "collections",
        "contextlib",
        "copy",
        "dataclasses",
        "enum",
        "fnmatch",
        "functools",
        "glob",
        "hashlib",
        "ipaddress",
        "itertools",
        "json",
        "math",
        "operator",
        "os",
        "pathlib",
        "posixpath",
        "re",
        "shlex",
        "string",
        "sys",
        "textwrap",
        "tomllib",
        "types",
        "typing",
        "warnings",
    ]
)
"""Modules of Python's own that a configuration may import and be remembered; others are looked into."""

TELLING: Final = frozenset(
    [
        "__import__",
        "__loader__",
        "__spec__",
        "_getframe",
        "attrgetter",
        "breakpoint",
        "compile",
        "cpu_count",
        "disk_usage",
        "eval",
        "exec",
        "gc",
        "get_ident",
        "getatime",
        "getctime",
        "getloadavg",
        "getmtime",
        "getpid",
        "getppid",
        "getrandom",
        "getrusage",
        "hash",
        "id",
        "import_module",
        "input",
        "mkstemp",
        "modules",
        "scandir",
        "sched_getaffinity",
        "st_atime",
        "st_atime_ns",
        "st_ctime",
        "st_ctime_ns",
        "st_mtime",
        "st_mtime_ns",
        "statvfs",
        "stdin",
        "times",
        "uname",
        "urandom",
    ]
)
"""Names of what answers differently from one time to the next, and of ways around this list."""

ASKS: Final = {
    "os": (
        "confstr",
        "cpu_count",
        "getgroups",
        "getloadavg",
        "getlogin",
        "getpgid",
        "getpid",
        "getppid",
        "getrandom",
        "getsid",
        "sched_getaffinity",
        "statvfs",
        "sysconf",
        "times",
        "uname",
        "urandom",
    ),
    "time": (
        "clock_gettime",
        "clock_gettime_ns",
        "ctime",
        "gmtime",
        "localtime",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "process_time",
        "process_time_ns",
        "sleep",
        "strftime",
        "thread_time",
        "time",
        "time_ns",
    ),
}
"""Functions of that kind, for a configuration that comes to them by names that do not stand in its code."""

DOES: Final = (
    "_thread.start",
    "builtins.input",
    "ctypes.",
    "os.chmod",
    "os.chown",
    "os.exec",
    "os.fork",
    "os.getxattr",
    "os.kill",
    "os.link",
    "os.listxattr",
    "os.mkdir",
    "os.posix_spawn",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.spawn",
    "os.startfile",
    "os.symlink",
    "os.system",
    "os.truncate",
    "os.unsetenv",
    "os.utime",
    "pty.spawn",
    "shutil.",
    "signal.",
    "socket.",
    "sqlite3.",
    "subprocess.",
    "tempfile.",
    "urllib.",
)
"""Beginnings of events that are more than reading."""


def telling(code: CodeType) -> Iterator[str]:
    """What in this code answers differently from one time to the next."""
    yield from TELLING.intersection(code.co_names)
    for module in _imports(code):
        if module.partition(".")[0] in sys.stdlib_module_names - HARMLESS:
            yield module
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from telling(one)


def _imports(code: CodeType) -> Iterator[str]:
    """The modules that code imports, read from its instructions; `dis` takes 8 ms to import."""
    argument = 0
    for instruction, value in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        argument = argument << 8 | value
        if instruction == opmap["IMPORT_NAME"]:
            yield code.co_names[argument]
        if instruction != opmap["EXTENDED_ARG"]:
            argument = 0

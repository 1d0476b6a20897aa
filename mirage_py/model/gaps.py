"""The functions that a freestanding C library lacks and mpy can bring: what is well defined without a system below.

Each is one C file of the runtime (`runtime/libc_gaps/NAME.c`). Time is UTC, the locale is C, clocks are those of Solo5;
what has to fail there (`dup`) fails with the right error. What cannot be honest at all (`fork`, `open`) is not offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from mirage_py.dataclass import dataclass


@dataclass(frozen=True, kw_only=True)
class Gap:
    """One function: the header that declares it, how, and which others its own code calls."""

    name: str
    header: str
    declaration: str
    needs: tuple[str, ...] = ()


def _gap(header: str, declaration: str, needs: str = "") -> Gap:
    name = declaration.partition("(")[0].split()[-1].lstrip("*")
    return Gap(name=name, header=header, declaration=declaration, needs=tuple(needs.split()))


_ALL: Final = (
    _gap("time.h", "time_t time(time_t *)"),
    _gap("time.h", "int clock_gettime(clockid_t, struct timespec *)"),
    _gap("time.h", "int timespec_get(struct timespec *, int)"),
    _gap("time.h", "double difftime(time_t, time_t)"),
    _gap("time.h", "struct tm *gmtime(const time_t *)", "gmtime_r"),
    _gap("time.h", "struct tm *gmtime_r(const time_t *, struct tm *)"),
    _gap("time.h", "struct tm *localtime(const time_t *)", "localtime_r"),
    _gap("time.h", "struct tm *localtime_r(const time_t *, struct tm *)", "gmtime_r"),
    _gap("time.h", "time_t mktime(struct tm *)", "timegm"),
    _gap("time.h", "time_t timegm(struct tm *)", "gmtime_r"),
    _gap("time.h", "size_t strftime(char *, size_t, const char *, const struct tm *)", "mktime"),
    _gap("time.h", "char *asctime(const struct tm *)", "asctime_r"),
    _gap("time.h", "char *asctime_r(const struct tm *, char *)"),
    _gap("time.h", "char *ctime(const time_t *)", "ctime_r"),
    _gap("time.h", "char *ctime_r(const time_t *, char *)", "asctime_r localtime_r"),
    _gap("time.h", "void tzset(void)"),
    _gap("string.h", "char *strdup(const char *)"),
    _gap("string.h", "char *strndup(const char *, size_t)"),
    _gap("string.h", "char *strcpy(char *, const char *)"),
    _gap("string.h", "char *strcat(char *, const char *)"),
    _gap("string.h", "char *strncat(char *, const char *, size_t)"),
    _gap("string.h", "char *strrchr(const char *, int)"),
    _gap("string.h", "size_t strspn(const char *, const char *)"),
    _gap("string.h", "size_t strcspn(const char *, const char *)"),
    _gap("string.h", "char *strpbrk(const char *, const char *)"),
    _gap("string.h", "char *strtok_r(char *, const char *, char **)"),
    _gap("string.h", "char *stpcpy(char *, const char *)"),
    _gap("string.h", "void *memmem(const void *, size_t, const void *, size_t)"),
    _gap("string.h", "void *memrchr(const void *, int, size_t)"),
    _gap("string.h", "char *strerror(int)"),
    _gap("strings.h", "int strcasecmp(const char *, const char *)"),
    _gap("strings.h", "int strncasecmp(const char *, const char *, size_t)"),
    _gap("stdlib.h", "unsigned long strtoul(const char *, char **, int)", "strtoull"),
    _gap("stdlib.h", "unsigned long long strtoull(const char *, char **, int)"),
    _gap("stdlib.h", "long long strtoll(const char *, char **, int)"),
    _gap("stdlib.h", "int atoi(const char *)"),
    _gap("stdlib.h", "long atol(const char *)"),
    _gap("stdlib.h", "long long atoll(const char *)"),
    _gap("stdlib.h", "int abs(int)"),
    _gap("stdlib.h", "long labs(long)"),
    _gap("stdlib.h", "long long llabs(long long)"),
    _gap("stdlib.h", "void *bsearch(const void *, const void *, size_t, size_t, int (*)(const void *, const void *))"),
    _gap("stdlib.h", "void qsort(void *, size_t, size_t, int (*)(const void *, const void *))"),
    _gap("ctype.h", "int isalnum(int)"),
    _gap("ctype.h", "int iscntrl(int)"),
    _gap("ctype.h", "int isgraph(int)"),
    _gap("ctype.h", "int islower(int)"),
    _gap("ctype.h", "int ispunct(int)"),
    _gap("ctype.h", "int isxdigit(int)"),
    _gap("ctype.h", "int tolower(int)"),
    _gap("ctype.h", "int toupper(int)"),
    _gap("unistd.h", "int dup(int)"),
    _gap("unistd.h", "int dup2(int, int)"),
    _gap("unistd.h", "char *getcwd(char *, size_t)"),
    _gap("stdio.h", "int sprintf(char *, const char *, ...)"),
    _gap("stdio.h", "int vsprintf(char *, const char *, va_list)"),
)

FUNCTIONS: Final[Mapping[str, Gap]] = {gap.name: gap for gap in _ALL}
"""Every function that is offered, by name."""

_LINUX: Final = {
    "EPERM": 1, "EINTR": 4, "EIO": 5, "EAGAIN": 11, "EWOULDBLOCK": 11, "EACCES": 13, "EBUSY": 16, "EEXIST": 17,
    "ENOTDIR": 20, "EISDIR": 21, "ENOSPC": 28, "EPIPE": 32, "EDOM": 33, "ENAMETOOLONG": 36, "ENOTSUP": 95,
    "ETIMEDOUT": 110,
}  # fmt: skip

CONSTANTS: Final[Mapping[str, int]] = {
    **{name: 1000 + number for name, number in _LINUX.items()},
    "SEEK_SET": 0,
    "SEEK_CUR": 1,
    "SEEK_END": 2,
}
"""Error numbers that code compares with, and that nothing ever sets here: none of the C library's has their value. And
the words of `lseek`, which fails.
"""

HEADERS: Final[Mapping[str, str]] = {
    "caml/threads.h": (
        "#include <caml/signals.h>\n#ifndef caml_acquire_runtime_system\n"
        "#define caml_acquire_runtime_system caml_leave_blocking_section\n"
        "#define caml_release_runtime_system caml_enter_blocking_section\n#endif"
    ),
    "caml/unixsupport.h": "#include <caml/mlvalues.h>",
}
"""Headers of OCaml's own libraries unix and threads, which some C includes and uses nothing of: without what is of them
alone."""

OFFERED: Final = (*FUNCTIONS, *CONSTANTS, *HEADERS)
"""All that `fill` takes."""

DISHONEST: Final[Mapping[str, str]] = {
    **dict.fromkeys(("fork", "vfork", "execve", "execvp", "waitpid", "wait", "popen"), "a unikernel is one process"),
    **dict.fromkeys(("open", "fopen", "stat", "unlink", "mkdir", "opendir", "read", "lseek"), "there are no files"),
    **dict.fromkeys(
        ("socket", "connect", "bind", "poll", "select"), "the network is OCaml's, through MirageOS devices"
    ),
    **dict.fromkeys(("rand", "random", "srand", "getrandom", "getentropy"), "randomness is mirage-crypto-rng's"),
    **dict.fromkeys(("pthread_create", "dlopen", "mmap", "kill"), "there is no system below that could do it"),
    **dict.fromkeys(("sleep", "usleep", "nanosleep"), "the main loop waits, and C code must not stop it"),
}
"""What one may look for in vain, and why."""


def closed(names: Iterable[str]) -> tuple[str, ...]:
    """The functions among the names with all that their code calls, sorted."""
    found: dict[str, None] = {}
    queue = [name for name in names if name in FUNCTIONS]
    while queue:
        name = queue.pop()
        if name not in found:
            found[name] = None
            queue += FUNCTIONS[name].needs
    return tuple(sorted(found))


def gaps_library(output: str) -> str:
    """The name of the dune library that holds a unikernel's; no two unikernels have one name."""
    return "mpy_libc_gaps_" + re.sub("[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):02x}", output)

"""What a symbol's name tells: a fingerprint of the host's libc, an OCaml unit, a function that fails at run time."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

CTYPE: Final = ("isalnum", "isalpha", "isdigit", "isspace", "isprint", "isupper", "islower", "isxdigit", "ispunct")

FINGERPRINTS: Final[dict[str, tuple[str, ...]]] = {
    "__errno_location": ("errno",),
    "__ctype_b_loc": CTYPE,
    "__ctype_tolower_loc": ("tolower",),
    "__ctype_toupper_loc": ("toupper",),
    "__assert_fail": ("_assert_fail",),
    "__sigsetjmp": ("setjmp",),
    "_setjmp": ("setjmp",),
    "__fdelt_chk": ("select",),
    "__xstat": ("stat",),
    "__xstat64": ("stat",),
    "__fxstat": ("fstat",),
    "__fxstat64": ("fstat",),
    "__lxstat": ("lstat",),
    "__lxstat64": ("lstat",),
    "__tls_get_addr": (),
}
"""Names that only code compiled against glibc asks for, and what the same source asks for elsewhere."""

_CHECKED: Final = re.compile(r"__(\w+)_chk")
_ISO: Final = re.compile(r"__isoc(?:99|23)_(\w+)")
_LARGE: Final = re.compile(
    r"(f?open|creat|lseek|fseeko|ftello|f?stat|lstat|f?truncate|mmap|readdir|pread|pwrite|fcntl|lockf|f?statvfs)64"
)

_STARTUP: Final = re.compile(
    r"caml_(?:curry|apply|tuplify|send)\d+\w*|caml_(?:startup|program|globals|globals_map|data_segments|code_segments"
    r"|frametable|globals_inited|plugin_header|stdlib)|caml_exn_\w+|caml_(?:system|hot)__\w+|camlstartup\w*"
)
"""What ocamlopt writes into the startup file of every executable."""

_UNIT: Final = re.compile(r"caml([A-Z]\w*?)(?:(?:__|\.|\$)(\w+?)(?:_\d+)?(?:_closure)?)?")
_FUNCTION: Final = re.compile(r"caml([A-Z].*?)(?:_\d+)?(?:_code)?")

UNIX_HELPERS: Final = frozenset({"uerror", "unix_error", "unix_error_of_code", "caml_uerror", "caml_unix_error"})
"""C functions of the library unix that other libraries' stubs call to raise Unix_error."""

UNIX_PRIMITIVE: Final = re.compile(r"(?:caml_)?unix_\w+|caml_(?:thread|mutex|condition)_\w+")
"""C functions of the libraries unix and threads: evidence for the rule that refuses those, no finding of their own."""

COMPILER_SUPPORT: Final = re.compile(r"__(?:\w+[dtsx][if]\d|\w+tf\d|cpu_\w+|emutls\w+)")
CPLUSPLUS: Final = re.compile(r"_Z\w+|__cxa_\w+|__gxx_\w+")


def source_names(symbol: str) -> tuple[str, ...] | None:
    """The names that the source behind a fingerprint of the host's libc uses; None when it is no fingerprint."""
    if symbol in FINGERPRINTS:
        return FINGERPRINTS[symbol]
    found = _CHECKED.fullmatch(symbol) or _ISO.fullmatch(symbol) or _LARGE.fullmatch(symbol)
    return None if found is None or symbol == "__stack_chk_fail" else (found.group(1),)


def is_startup(symbol: str) -> bool:
    """Whether ocamlopt itself makes the symbol when it links."""
    return symbol == "_GLOBAL_OFFSET_TABLE_" or _STARTUP.fullmatch(symbol) is not None


def is_of_unix(symbol: str) -> bool:
    """Whether the symbol is a primitive of unix or threads, of which a rule speaks already."""
    return symbol not in UNIX_HELPERS and UNIX_PRIMITIVE.fullmatch(symbol) is not None


def is_stdlib(symbol: str) -> bool:
    """Whether the symbol is of the OCaml standard library."""
    return symbol.startswith(("camlStdlib", "camlCamlinternal", "camlStd_exit"))


def unit_of(symbol: str) -> str | None:
    """The OCaml unit that a symbol belongs to: `Lwt_unix` for `camlLwt_unix__fun_1`."""
    found = re.match(r"caml([A-Z]\w*)", symbol)
    return re.split(r"__[a-z]|[.$]", found.group(1))[0] if found else None


def ocaml_name(symbol: str) -> str:
    """A function as OCaml writes it: `Base.Sys0.getenv` for `camlBase__Sys0__getenv_1499`."""
    found = _FUNCTION.fullmatch(symbol)
    return re.sub(r"__|\.|\$", ".", found.group(1)).strip(".") if found else symbol


def is_entry(symbol: str) -> bool:
    """Whether the function is a unit's initialisation, which runs at start whatever the program calls."""
    return symbol.startswith("caml") and symbol.endswith(("__entry", ".entry", "$entry"))


@cache
def posix_names() -> frozenset[str]:
    """The functions of a POSIX libc: tells a call to the system from a symbol that nobody defines."""
    return frozenset(files("mirage_py.audit").joinpath("data", "posix.txt").read_text("utf-8").split())

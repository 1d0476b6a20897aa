"""Which lines of a C source the target's preprocessor keeps, as far as the names of systems decide it.

Solo5's headers undefine every operating system (`_solo5/overrides.h`); a condition of anything else is left open, and
then all its branches stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

DEFINED: Final = frozenset({"__ocaml_solo5__", "__GNUC__", "CAML_INTERNALS", "CAML_NAME_SPACE"})
SYSTEMS: Final = frozenset(
    {
        *("__linux__", "__linux", "linux", "__unix__", "__unix", "unix", "__gnu_linux__", "__APPLE__", "__MACH__"),
        *("_WIN32", "WIN32", "_WIN64", "__CYGWIN__", "__MINGW32__", "_MSC_VER", "__FreeBSD__", "__OpenBSD__"),
        *("__NetBSD__", "__DragonFly__", "__sun", "__sun__", "__HAIKU__", "__ANDROID__", "__cplusplus", "__Unikraft__"),
        *("__ocaml_freestanding__", "__clang__", "__EMSCRIPTEN__", "_AIX", "__BSD__", "__wasm__", "__MINIOS__"),
    }
)
DIRECTIVE: Final = re.compile(r"\s*#\s*(?P<word>ifdef|ifndef|if|elif|else|endif)\b(?P<rest>.*)")
TERM: Final = re.compile(r"(?P<no>!?)\s*(?:defined\s*\(\s*(?P<a>\w+)\s*\)|defined\s+(?P<b>\w+))")


def kept(text: str) -> Iterator[str]:
    """The lines that the target may compile; those of branches for another system are left out."""
    open_: list[tuple[bool | None, bool]] = []  # the branch now: taken or unknown; whether an earlier one surely was
    for line in text.replace("\\\n", " ").splitlines():
        found = DIRECTIVE.match(line)
        if found:
            _direct(found["word"], found["rest"].strip(), open_)
        elif all(now is not False for now, _ in open_):
            yield line


def _direct(word: str, rest: str, open_: list[tuple[bool | None, bool]]) -> None:
    """Follow one directive; a stray one changes nothing."""
    if word in ("if", "ifdef", "ifndef"):
        holds = _holds(word, rest)
        open_.append((holds, holds is True))
    elif open_ and word == "endif":
        open_.pop()
    elif open_:
        _, surely = open_[-1]
        holds = True if word == "else" and _only_false(open_[-1]) else None if word == "else" else _holds("if", rest)
        open_[-1] = (False if surely else holds, surely or holds is True)


def _only_false(branch: tuple[bool | None, bool]) -> bool:
    return branch == (False, False)


def _holds(word: str, rest: str) -> bool | None:
    """Whether a condition holds for the target; None when the names of systems do not decide it."""
    if word != "if":
        known = _known(rest.split(maxsplit=1)[0] if rest else "")
        return known if word == "ifdef" or known is None else not known
    if rest in ("0", "1"):
        return rest == "1"
    choices = [[_term(term.strip()) for term in part.split("&&")] for part in rest.split("||")]
    parts = [False if False in one else None if None in one else True for one in choices]
    return True if True in parts else None if None in parts else False


def _term(text: str) -> bool | None:
    found = TERM.fullmatch(text)
    known = _known(found["a"] or found["b"]) if found else None
    return known if found is None or known is None or not found["no"] else not known


def _known(name: str) -> bool | None:
    return True if name in DEFINED else False if name in SYSTEMS else None

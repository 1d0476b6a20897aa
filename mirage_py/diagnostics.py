"""What a compiler or dune said, in the user's terms: the first error with its place, its own text after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mirage_py.errors import Location, ToolFailed
from mirage_py.process import Result

_PLACE = re.compile(r'^File "(?P<file>[^"]+)", lines? (?P<line>\d+)(?:-\d+)?(?:, characters (?P<chars>[\d-]+))?:', re.MULTILINE)
_ERROR = re.compile(r"^Error(?: \([^)]*\))?: (?P<text>.*(?:\n(?: .*|$))*)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One error of the OCaml compiler or of dune: where, and its message on one line."""

    location: Location
    message: str


def build_failed(result: Result) -> ToolFailed:
    """The error for a failed dune run: what the user wrote first, the tool's own words after."""
    found = next(_ordered(list(diagnostics(result.output))), None)
    if found is None:
        return ToolFailed(f"{result.command.purpose} failed", output=result.output, details=(str(result.command),))
    return ToolFailed(found.message, location=found.location, output=result.output, hint=_hint(found))


def diagnostics(text: str) -> Iterator[Diagnostic]:
    """The errors in a compiler's output, in order; warnings are left out."""
    places = list(_PLACE.finditer(text))
    for place, after in zip(places, [*places[1:], None], strict=False):
        block = text[place.end() : after.start() if after else len(text)]
        error = _ERROR.search(block)
        if error:
            message = re.sub(r"\s+", " ", error["text"]).strip()
            yield Diagnostic(location=Location(place["file"], int(place["line"])), message=message)


def _ordered(found: list[Diagnostic]) -> Iterator[Diagnostic]:
    """The user's own files before generated ones."""
    yield from sorted(found, key=lambda one: one.location.file.startswith("mirage/"))


def _hint(found: Diagnostic) -> str | None:
    if "Unbound module" in found.message:
        return "if a library has it, add its package: main(..., packages=[package(...)])"
    if found.location.file.endswith("config.py"):
        return "this line of config.py and the OCaml code it names do not agree"
    return None

"""What a compiler or dune said, in the user's terms: the first error with its place, its own text after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mirage_py.errors import Location, ToolFailed
from mirage_py.process import Result

if TYPE_CHECKING:
    from mirage_py.audit.explain import Explanation  # the audit's readers take 100 ms to import

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


def link_failed(image: str, explanations: tuple[Explanation, ...], failed: ToolFailed) -> ToolFailed:
    """The error for a link that left symbols undefined: who wants each, on whose behalf, why it is not there."""
    first = explanations[0]
    details = [line for one in explanations for line in _told(one)]
    remedies = dict.fromkeys(one.remedy for one in explanations if one.remedy)
    return ToolFailed(
        f"{image} does not link: {first}" if len(explanations) == 1 else f"{image} does not link: {len(explanations)} symbols are undefined",
        output=failed.output,
        details=tuple(details),
        hint="\n".join(remedies) or None,
    )


def _told(one: Explanation) -> Iterator[str]:
    yield f"{one}" + (f" [{one.place}]" if one.place else "")
    if one.path:
        yield "  " + " -> ".join(one.path) + (f", asked for by {one.asked_by}" if one.asked_by else "")

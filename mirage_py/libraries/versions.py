"""The version of sources: what they were locked as; else what their opam file, dune-project or folder's name says.

What comes along with locked packages and says nothing is of their version.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from mirage_py.packages.manifest import locked_beside, locked_version
from mirage_py.project.reading import text_of

__all__ = ["version_of"]

IN_OPAM: Final = re.compile(r'^version:\s*"([^"]+)"', re.MULTILINE)
IN_PROJECT: Final = re.compile(r"\(\s*version\s+\"?([^\s()\"]+)\"?\s*\)")
IN_NAME: Final = re.compile(r"(?:^|[.-])v?(\d+(?:\.\d+)+[\w.+~-]*)$")


def version_of(directory: Path, package: str, tops: tuple[Path, ...]) -> str | None:
    """The version of the package whose library is in this folder, where anything states it."""
    top = next((one for one in (directory, *directory.parents) if one.parent in tops), None)
    locked = locked_version(top.parent, top.name, package) if top is not None else None
    if locked is not None:
        return locked
    for place in (directory, *directory.parents):
        if place in tops:
            return None
        found = _stated(place, package)
        if found:
            return found
        if place.parent in tops:
            named = IN_NAME.search(place.name)
            return named[1] if named else locked_beside(place.parent, place.name)
    return None


@cache
def _stated(place: Path, package: str) -> str | None:
    for name, pattern in ((f"{package}.opam", IN_OPAM), ("opam", IN_OPAM), ("dune-project", IN_PROJECT)):
        try:
            found = pattern.search(text_of(place / name))
        except OSError:
            continue
        if found and not found[1].startswith("%%"):
            return found[1]
    return None

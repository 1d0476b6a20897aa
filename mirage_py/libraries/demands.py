"""What vendored packages ask of others in their opam files, held against what is there.

dune does not read these bounds: sources that do not fit end as `Unbound value` in somebody else's file, or build all
the same. The compiler and dune itself are left out: what these cannot build they say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.errors import Location, MpyError
from mirage_py.libraries.places import OF_COMPILER
from mirage_py.model.closure import Conflict
from mirage_py.model.library import Library
from mirage_py.packages.candidates import environment
from mirage_py.packages.formula import AllOf, Dependency, Formula, bound_text, holds
from mirage_py.packages.metadata import Metadata, metadata
from mirage_py.project.reading import text_of

__all__ = ["unmet"]

STATED: Final = re.compile(r"v?\d")
"""How a version begins that can be compared; `dev` and its like say nothing."""


def unmet(libraries: Iterable[Library], sources: Mapping[str, tuple[Path, ...]]) -> Iterator[Conflict]:
    """What the vendored packages of these libraries ask of the others and do not get.

    `sources` are the folders of the opam files, by package. A file that cannot be read asks for nothing.
    """
    libraries = tuple(libraries)
    there = {one.package: one for one in libraries if STATED.match(one.version or "")}
    for package in OF_COMPILER:
        there.pop(package, None)
    vendored = {one.package: one for one in libraries if one.origin == "vendored" and one.package in sources}
    for package, library in sorted(vendored.items()):
        file = sources[package][0] / f"{package}.opam"
        known = _read(library, file)
        if known:
            wanted = _failing(known.depends, there) if known.depends else None
            refused = next((one for one in known.conflicts if one.name != package and _meets(one, there)), None)
            found = ((wanted, "needs"), (refused, "cannot be with"))
            yield from (_conflict(library, file, one, there[one.name], verb) for one, verb in found if one)


def _read(library: Library, file: Path) -> Metadata | None:
    try:
        return metadata(library.package, library.version or "", text_of(file), environment(), str(file))
    except (MpyError, OSError):
        return None


def _failing(wanted: Formula, there: Mapping[str, Library]) -> Dependency | None:
    """The first dependency that is there in another version; of alternatives, where none is met or might be."""
    match wanted:
        case Dependency():
            return wanted if wanted.name in there and not _meets(wanted, there) else None
        case AllOf(parts):
            return next((found for part in parts if (found := _failing(part, there))), None)
        case _:
            each = [_failing(part, there) for part in wanted.parts]
            return each[0] if all(each) else None


def _meets(wanted: Dependency, there: Mapping[str, Library]) -> bool:
    found = there.get(wanted.name)
    return found is not None and holds(wanted.bound, found.version or "")


def _conflict(library: Library, file: Path, wanted: Dependency, found: Library, verb: str) -> Conflict:
    return Conflict(
        kind="bounds",
        message=f"{_named(library)} {verb} {wanted.name} {bound_text(wanted.bound)}".rstrip()
        + f", and the {found.origin} {_named(found)} is what is here",
        details=(f"{Location.of(file)} says so", f"{found.name} is served from {Location.of(found.directory)}"),
        hint=f"take releases of the two that fit (mpy lock finds them), or vendor another {wanted.name}",
        libraries=(library.name, found.name),
    )


def _named(library: Library) -> str:
    return f"{library.package} {library.version}" if library.version else library.package

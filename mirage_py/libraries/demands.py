"""What vendored packages ask of others in their opam files, held against what is there.

dune does not read these bounds: sources that do not fit end as `Unbound value` in somebody else's file, or build all
the same. The compiler and dune are among what is asked for: what they say of sources that are too new for them is an
error of syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.errors import Location, MpyError
from mirage_py.libraries.places import OF_COMPILER
from mirage_py.model.closure import Conflict
from mirage_py.model.library import Library
from mirage_py.model.toolchain import HostToolchain
from mirage_py.packages.candidates import COMPILERS, environment
from mirage_py.packages.formula import AllOf, Bound, Compare, Dependency, Formula, bound_text, holds
from mirage_py.packages.metadata import Metadata, metadata
from mirage_py.project.reading import text_of

__all__ = ["unmet"]

STATED: Final = re.compile(r"v?\d")
"""How a version begins that can be compared; `dev` and its like say nothing."""


@dataclass(frozen=True, kw_only=True)
class _There:
    """What a package may ask for: its version, how it is called, where it is; `library` where it is one."""

    version: str
    called: str
    place: str
    library: Library | None = None


def unmet(
    libraries: Iterable[Library], sources: Mapping[str, tuple[Path, ...]], tools: HostToolchain | None
) -> Iterator[Conflict]:
    """What the vendored packages of these libraries ask of the others, and of the tools, and do not get.

    `sources` are the folders of the opam files, by package. A file that cannot be read asks for nothing.
    """
    libraries = tuple(libraries)
    there = _libraries(libraries) | (_tools(tools) if tools else {})
    vendored = {one.package: one for one in libraries if one.origin == "vendored" and one.package in sources}
    for package, library in sorted(vendored.items()):
        file = sources[package][0] / f"{package}.opam"
        known = _read(library, file)
        if known:
            refused = next((one for one in known.conflicts if one.name != package and _meets(one, there)), None)
            found = (*((one, "needs") for one in _failing(known.depends, there)), (refused, "cannot be with"))
            yield from (_conflict(library, file, one, there[one.name], verb) for one, verb in found if one)


def _libraries(libraries: Iterable[Library]) -> dict[str, _There]:
    return {
        one.package: _There(
            version=one.version,
            called=f"the {one.origin} {_named(one)}",
            place=f"{one.name} is served from {Location.of(one.directory)}",
            library=one,
        )
        for one in libraries
        if one.version and STATED.match(one.version) and one.package not in OF_COMPILER
    }


def _tools(host: HostToolchain) -> dict[str, _There]:
    ocaml = _There(
        version=host.ocaml_version, called=f"OCaml {host.ocaml_version}", place=f"the compiler is {host.ocamlopt}"
    )
    dune = _There(version=host.dune_version, called=f"dune {host.dune_version}", place=f"dune is {host.dune}")
    return dict.fromkeys(COMPILERS, ocaml) | {"dune": dune}


def _read(library: Library, file: Path) -> Metadata | None:
    try:
        return metadata(library.package, library.version or "", text_of(file), environment(), str(file))
    except (MpyError, OSError):
        return None


def _failing(wanted: Formula | None, there: Mapping[str, _There]) -> tuple[Dependency, ...]:
    """The dependencies that are there in another version; of alternatives the first, where none is or might be met."""
    match wanted:
        case None:
            return ()
        case Dependency():
            known = wanted.name in there and _known(wanted.bound)
            return (wanted,) if known and not _meets(wanted, there) else ()
        case AllOf(parts):
            return tuple(found for part in parts for found in _failing(part, there))
        case _:
            each = [_failing(part, there) for part in wanted.parts]
            return each[0] if all(each) else ()


def _meets(wanted: Dependency, there: Mapping[str, _There]) -> bool:
    found = there.get(wanted.name)
    return found is not None and _known(wanted.bound) and holds(wanted.bound, found.version)


def _known(bound: Bound) -> bool:
    """Whether it can be judged: `= version` says nothing where the package itself has none."""
    match bound:
        case None:
            return True
        case Compare(_, version):
            return bool(version)
        case _:
            return _known(bound.left) and _known(bound.right)


def _conflict(library: Library, file: Path, wanted: Dependency, found: _There, verb: str) -> Conflict:
    asked = f"{wanted.name} {bound_text(wanted.bound)}".rstrip()
    other = f"vendor another {wanted.name}" if found.library else f"build with another {wanted.name}"
    return Conflict(
        kind="bounds",
        message=f"{_named(library)} {verb} {asked}, and {found.called} is what is here",
        details=(f"{Location.of(file)} says so", found.place),
        hint=f"take releases of the two that fit (mpy lock finds them), or {other}",
        libraries=(library.name, found.library.name if found.library else wanted.name),
        folder=file.parent,
    )


def _named(library: Library) -> str:
    return f"{library.package} {library.version}" if library.version else library.package

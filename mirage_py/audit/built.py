"""What a build made of vendored sources: objects, which say more than text, as long as they are of these sources.

dune copies a source before it compiles it, so a library whose sources equal their copies, and whose dune file is no
younger than its archive, is what its archive holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mirage_py.audit.closure import Closure
from mirage_py.audit.sources import Sources
from mirage_py.dataclass import replace
from mirage_py.libraries.librarystanza import Stanza
from mirage_py.model.audit import BuildFolder
from mirage_py.model.library import Library
from mirage_py.project.reading import bytes_of

__all__ = ["c_folders", "units_of_text", "with_objects"]

COMPILED: Final = (".ml", ".mli", ".mll", ".mly", ".c", ".h", ".S")


def with_objects(closure: Closure, sources: Sources, build: BuildFolder | None) -> Closure:
    """The closure with the archives of the libraries that the build has compiled from the sources as they are now."""
    if build is None:
        return closure
    nodes = dict(closure.nodes)
    for name, node in nodes.items():
        stanza = sources.vendored.stanzas.get(name)
        if stanza and node.library.compiled_here and stanza.library.directory.is_relative_to(build.root):
            nodes[name] = replace(node, library=_compiled(node.library, stanza, build, sources))
    return replace(closure, nodes=nodes)


def c_folders(library: Library, build: BuildFolder | None) -> tuple[Path, ...]:
    """Where the build has C archives for a library that it compiled: beside it, and of packages for each other.

    dune lays what one package takes of another (`%{lib:gmp:libgmp.a}`) out as if it were installed.
    """
    if build is None or not library.compiled_here:
        return ()
    lib = build.objects.parent / "install" / build.objects.name / "lib"
    return (library.directory, *(sorted(lib.iterdir()) if lib.is_dir() else ()))


def units_of_text(library: Library, sources: Sources) -> Iterator[str]:
    """The units that the sources of a library will be, as far as their names tell; none where there are objects."""
    stanza = sources.vendored.stanzas.get(library.name)
    if library.read_as_text and stanza is not None:
        main = stanza.main
        names = {
            main,
            *(file.stem for file in _sources(stanza.library.directory) if file.suffix in (".ml", ".mll", ".mly")),
        }
        yield from (name[:1].upper() + name[1:] for name in names)
        yield from (f"{main[:1].upper()}{main[1:]}__{name[:1].upper()}{name[1:]}" for name in names)


def _compiled(library: Library, stanza: Stanza, build: BuildFolder, sources: Sources) -> Library:
    source = stanza.library.directory
    made = build.objects / source.relative_to(build.root)
    archive = made / f"{stanza.main}.cmxa"
    sources.note(archive)
    try:
        if archive.stat().st_mtime_ns >= stanza.file.stat().st_mtime_ns:
            files = tuple(_sources(source))
            sources.note(*files)
            if all(_same(file, made / file.relative_to(source)) for file in files):
                return replace(library, archives=(archive,), directory=made)
    except OSError:
        pass  # nothing was built, or it has gone meanwhile
    return library


def _sources(folder: Path) -> Iterator[Path]:
    """What may be compiled of a folder and of those below."""
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        yield from (Path(here, name) for name in names if name.endswith(COMPILED))


def _same(source: Path, copy: Path) -> bool:
    """Whether a source is as it was compiled; one that dune has not copied is part of nothing."""
    try:
        size = copy.stat().st_size
    except OSError:
        return True
    return size == source.stat().st_size and bytes_of(source) == bytes_of(copy)

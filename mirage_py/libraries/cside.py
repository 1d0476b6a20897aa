"""The C side of libraries: what each asks the C linker for, and where the archives for a target come from.

An archive that was built for the host never gets into an image. Some link and run by luck; others link and then die
without a word, since the host's stack canary lives where a unikernel has nothing. So each installed library with C
stubs is served by the target's own sysroot, by sources that config.py declares, or by the archive that its META file
names for freestanding targets; or it does not serve.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mirage_py.libraries.archives import REINSTALL, Unreadable
from mirage_py.libraries.cmxa import read_extra_c
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.linkopts import link_options
from mirage_py.model.closure import CSide
from mirage_py.model.library import Library
from mirage_py.model.stubs import DeclaredStubs
from mirage_py.model.toolchain import Toolchain

__all__ = ["OtherCompiler", "c_side", "extra_c"]


class OtherCompiler(Exception):
    """An OCaml archive that this compiler cannot link; the text says which file and why."""


def extra_c(library: Library, cmx_magic: str = "", version: str = "") -> tuple[str, ...]:
    """The words that linking an installed library gives to the C linker (`-lcstruct_stubs`, `x.o`), in their order.

    OtherCompiler names a file that cannot be read, or that another compiler than the one of this magic has made.
    """
    files = (file for file in library.archives if file.suffix == ".cmxa" and file.is_file())
    return tuple(dict.fromkeys(word for file in files for word in _words(file, cmx_magic, version)))


def _words(file: Path, cmx_magic: str, version: str) -> tuple[str, ...]:
    try:
        found = read_extra_c(file)
    except Unreadable as unreadable:
        raise OtherCompiler(f"{file} {unreadable.problem.message}; {unreadable.problem.hint or REINSTALL}") from None
    if cmx_magic and found.compiler != cmx_magic[-3:]:
        raise OtherCompiler(f"{file} was compiled by another OCaml than this machine's {version}; {REINSTALL}")
    return found.objects


def c_side(
    library: Library, findlib: Findlib, toolchain: Toolchain | None, declared: Iterable[DeclaredStubs], *, bare: bool
) -> CSide | None:
    """What an installed library gives to the C linker on a target, and from where; None where it has no C.

    `bare` says that the target has no operating system below it; `toolchain` is None where this machine has none for
    it.
    """
    magic, version = (toolchain.cmx_magic, toolchain.ocaml_version) if toolchain else ("", "")
    words = extra_c(library, magic, version)
    if not words:
        return None
    here = CSide(words=words, origin="machine")
    if not bare:
        return CSide(words=words, origin="machine", files=_beside(here, library))
    names = {one.library for one in declared}
    if library.name in names or library.package in names:
        return CSide(words=words, origin="declared")
    inside = _in_sysroot(here, library, toolchain) if toolchain else ()
    if inside:
        return CSide(words=words, origin="sysroot", files=inside)
    options = link_options(library, findlib, toolchain) if toolchain else None
    if options is None or options.problems:
        reasons = options.problems if options else ()
        return CSide(
            words=words, origin="machine", files=_beside(here, library), refused=(_why(here, library), *reasons)
        )
    return CSide(words=words, origin="linkopts", files=options.archives)


def _why(side: CSide, library: Library) -> str:
    files = ", ".join(map(str, _beside(side, library))) or " ".join(side.words)
    return f"its C stubs are built for this machine: {files}"


def _beside(side: CSide, library: Library) -> tuple[Path, ...]:
    """The archives of this machine that the words mean: those that are there, beside the library's own."""
    folders = dict.fromkeys([library.directory, *(file.parent for file in library.archives)])
    files = (folder / name for name in side.names for folder in folders)
    return tuple(file for file in files if file.is_file())


def _in_sysroot(side: CSide, library: Library, toolchain: Toolchain) -> tuple[Path, ...]:
    """The target's own archives of these names, when it has them all (`str` comes with the cross compiler)."""
    folders = [toolchain.stdlib, *toolchain.libraries] if toolchain.sysroot else []
    inside = [folder for folder in folders if toolchain.sysroot and folder.is_relative_to(toolchain.sysroot)]
    places = [*inside, *(folder / library.package for folder in inside)]
    found = [next((place / name for place in places if (place / name).is_file()), None) for name in side.names]
    return tuple(file for file in found if file is not None) if None not in found else ()

"""The C side of installed libraries: what each `.cmxa` asks the C linker for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mirage_py.errors import ToolFailed
from mirage_py.libraries.archives import REINSTALL, Unreadable
from mirage_py.libraries.cmxa import read_extra_c
from mirage_py.model.library import Library
from mirage_py.model.toolchain import HostToolchain

__all__ = ["CSide", "c_sides"]


@dataclass(frozen=True, kw_only=True)
class CSide:
    """A library with C stubs, and the words that linking it gives to the C linker (`-lcstruct_stubs`, `x.o`)."""

    library: Library
    objects: tuple[str, ...]

    @property
    def archives(self) -> tuple[Path, ...]:
        """The archives of this machine that the words mean: those that are there, beside the library's own."""
        folders = dict.fromkeys([self.library.directory, *(file.parent for file in self.library.archives)])
        files = (folder / name for name in self.names for folder in folders)
        return tuple(file for file in files if file.is_file())

    @property
    def names(self) -> tuple[str, ...]:
        """The file names of the archives and objects."""
        return tuple(f"lib{word[2:]}.a" if word.startswith("-l") else Path(word).name for word in self.objects)


def c_sides(libraries: Iterable[Library], host: HostToolchain) -> tuple[CSide, ...]:
    """Those of the libraries that link C code, in their order.

    ToolFailed names a file that cannot be read, or that another compiler than this machine's has made.
    """
    sides = (CSide(library=one, objects=_objects(one, host)) for one in libraries)
    return tuple(side for side in sides if side.objects)


def _objects(library: Library, host: HostToolchain) -> tuple[str, ...]:
    files = (file for file in library.archives if file.suffix == ".cmxa" and file.is_file())
    return tuple(dict.fromkeys(word for file in files for word in _words(file, host)))


def _words(file: Path, host: HostToolchain) -> tuple[str, ...]:
    try:
        found = read_extra_c(file)
    except Unreadable as unreadable:
        raise ToolFailed(f"{file} {unreadable.problem.message}", hint=unreadable.problem.hint) from None
    if host.cmx_magic and found.compiler != host.cmx_magic[-3:]:
        raise ToolFailed(
            f"{file} was compiled by another OCaml than this machine's {host.ocaml_version}", hint=REINSTALL
        )
    return found.objects

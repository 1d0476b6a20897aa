"""The C side of installed libraries: what each `.cmxa` asks the C linker for.

A `.cmxa` is OCaml's own marshalled data, which changes with the compiler; `ocamlobjinfo` of that compiler reads it for
sure. It is asked once for all archives that are new, and each answer is remembered with its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mirage_py.errors import ToolFailed
from mirage_py.model.command import Command
from mirage_py.model.library import Library
from mirage_py.model.toolchain import HostToolchain
from mirage_py.toolchain import cache

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
    """Those of the libraries that link C code, in their order."""
    wanted = tuple(libraries)
    files = [file for library in wanted for file in library.archives if file.suffix == ".cmxa" and file.is_file()]
    known = _known(files)
    known |= _asked([file for file in files if file not in known], host)
    sides = (CSide(library=one, objects=_objects(one, known)) for one in wanted)
    return tuple(side for side in sides if side.objects)


def _objects(library: Library, known: dict[Path, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for file in library.archives for word in known.get(file, ())))


def _known(files: list[Path]) -> dict[Path, tuple[str, ...]]:
    answers = {file: cache.recall("cmxa", {"file": str(file)}) for file in files}
    return {file: tuple(map(str, answer)) for file, answer in answers.items() if isinstance(answer, list)}


def _asked(files: list[Path], host: HostToolchain) -> dict[Path, tuple[str, ...]]:
    """The answers of one process for all files that have none yet."""
    if not files:
        return {}
    found = dict(zip(files, _extra_objects(files, host), strict=True))
    for file, words in found.items():
        cache.remember("cmxa", {"file": str(file)}, list(words), [file])
    return found


def _extra_objects(files: list[Path], host: HostToolchain) -> list[tuple[str, ...]]:
    from mirage_py.process import failure, run

    command = Command(
        argv=("ocamlobjinfo", *map(str, files)),
        purpose="ask which OCaml libraries have C stubs",
        env=host.environment,
    )
    result = run(command, check=False)
    lines = re.findall(r"^Extra C object files:(.*)$", result.stdout, re.MULTILINE)
    if len(lines) != len(files):
        raise _unreadable(files[len(lines)], failure(result))
    return [tuple(line.split()) for line in lines]


def _unreadable(file: Path, error: ToolFailed) -> ToolFailed:
    """`ocamlobjinfo` stops at the first file that it cannot read: the next one in order."""
    return ToolFailed(
        f"{file} cannot be read by this machine's OCaml",
        output=error.output,
        details=("it was compiled by another version, or it is damaged",),
        hint="reinstall the package that brings it",
    )

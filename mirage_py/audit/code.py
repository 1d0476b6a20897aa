"""The archives behind a library: its OCaml units, its C stubs, and the system's C libraries it names.

`.cmxa` files say which C archives go with them (`-lfoo_stubs`). One that lies beside the library is its own; one that
is nowhere on the library's path is of the system, and no host's C library can be part of a unikernel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from mirage_py.audit.libc import open_archive
from mirage_py.audit.rules import IN_STDLIB, OF_COMPILER
from mirage_py.dataclass import dataclass, field
from mirage_py.libraries.archives import Archive, Unreadable, read_archive
from mirage_py.libraries.cmxa import ExtraC, read_extra_c
from mirage_py.libraries.units import Unit, read_units
from mirage_py.model.audit import Finding, Problem
from mirage_py.model.library import Library

PROVIDED: Final = frozenset({"m", "c", "pthread", "dl", "rt", "util", "gcc", "asmrun", "nolibc", "openlibm"})
"""C libraries whose symbols are judged one by one: libm is openlibm's, the others part of the host's libc."""


WITH_TOOLCHAIN: Final = frozenset({"str"})
"""Libraries with C stubs that ocaml-solo5 brings, made for the target, beside its standard library."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """What a library brings to the link. `target_built` holds when its C archives were made for the target.

    `units` are those of each `.cmxa` with the archive of their objects, None where all of them are empty.
    """

    library: str
    ocaml: tuple[Archive, ...] = ()
    units: tuple[tuple[Archive | None, tuple[Unit, ...]], ...] = ()
    stubs: tuple[Archive, ...] = ()
    system: tuple[str, ...] = ()
    target_built: bool = False
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
    read: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def filled(self) -> bool:
        """Whether there is any OCaml in it: of an archive that gives nothing ocamlopt takes no options either."""
        return bool(self.units) or any(one.members for one in self.ocaml)


class _Reader:
    """Reads what it can, notes what it cannot, remembers every file it looked at."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.read: list[Path] = []

    def archive(self, path: Path, *, of_units: bool = False) -> Archive | None:
        """The archive, or None with the reason noted; of one whose units are known only their own names."""
        self.read.append(path)
        try:
            return open_archive(path) if path.suffix == ".o" else read_archive(path, of_units=of_units)
        except Unreadable as unreadable:
            self.problems.append(unreadable.problem)
            return None

    def units(self, path: Path) -> tuple[Unit, ...]:
        """The units of a `.cmxa`, none with the reason noted when it cannot be read."""
        try:
            return read_units(path)
        except Unreadable as unreadable:
            self.problems.append(unreadable.problem)
            return ()

    def c_side(self, path: Path) -> ExtraC:
        """The C side of a `.cmxa`, empty with the reason noted when it cannot be read."""
        self.read.append(path)
        try:
            return read_extra_c(path)
        except Unreadable as unreadable:
            self.problems.append(unreadable.problem)
            return ExtraC()


def code_of(
    library: Library, linkopts: str | None = None, others: Collection[str] = (), target: Iterable[Path] = ()
) -> Code:
    """The code of one installed library.

    `linkopts` is its `freestanding_linkopts`; `others` are the C archives that other libraries bring; C archives in
    `target` were made for the target and are found first.
    """
    reader = _Reader()
    gone = [path for path in library.archives if not path.exists()]
    cmxas = [path for path in library.archives if path.suffix == ".cmxa" and path not in gone]
    extras = [reader.c_side(path) for path in cmxas]
    of_cmxa = {path: reader.units(path) for path in cmxas}
    objects = {
        path: reader.archive(path.with_suffix(".a"), of_units=bool(units))
        for path, units in of_cmxa.items()
        if path.with_suffix(".a").exists()
    }
    ocaml = list(objects.values())
    ocaml += [
        reader.archive(path.with_suffix(".o"))
        for path in library.archives
        if path.suffix == ".cmx" and path not in gone
    ]
    places = tuple(dict.fromkeys((library.directory, *(path.parent for path in cmxas))))
    words = [word for extra in extras for word in (*extra.objects, *extra.options)]
    declared, findings = _declared(linkopts, library, reader)
    made = frozenset(target)
    own, system = _c_side(words, (*made, *places), others)
    stubs = declared or [reader.archive(path) for path in own]
    return Code(
        library=library.name,
        ocaml=tuple(found for found in ocaml if found),
        units=tuple((objects.get(path), units) for path, units in of_cmxa.items() if units),
        stubs=tuple(found for found in stubs if found),
        system=tuple(system),
        target_built=bool(declared)
        or library.name in WITH_TOOLCHAIN
        or (bool(own) and made.issuperset(path.parent for path in own)),
        problems=tuple(dict.fromkeys(reader.problems)),
        findings=(*findings, *(_gone(path, library) for path in gone)),
        read=tuple(reader.read),
    )


def _gone(path: Path, library: Library) -> Finding:
    """An archive that META names and that is not there; of the compiler's own packages often nothing is linked."""
    needless = library.package in OF_COMPILER or library.name in IN_STDLIB
    return Finding(
        rule="archive-missing",
        severity="note" if needless else "missing",
        message=f"its META file names {path.name}, which is not there",
        archive=path.name,
        definer=library.package,
        remedy=f"reinstall {library.package}, or vendor it",
    )


def _c_side(words: list[str], places: tuple[Path, ...], others: Collection[str]) -> tuple[list[Path], list[str]]:
    """The C archives that lie beside the library, and the names of those that no OCaml library brings."""
    own: dict[Path, None] = {}
    system: dict[str, None] = {}
    for word in " ".join(words).split():
        if word.startswith("-l"):
            found = _find(f"lib{word[2:]}.a", places)
            if found is not None:
                own[found] = None
            elif word[2:] not in PROVIDED and f"lib{word[2:]}.a" not in others:
                system[word[2:]] = None
        elif word.endswith((".a", ".o")) and not word.startswith("-"):
            found = _find(word, places)
            own |= {found: None} if found else {}
    return list(own), list(system)


def _find(file: str, places: Iterable[Path]) -> Path | None:
    return next((place / file for place in places if (place / file).is_file()), None)


def _declared(linkopts: str | None, library: Library, reader: _Reader) -> tuple[list[Archive | None], list[Finding]]:
    """The archives that META declares for freestanding targets, and what is wrong with them."""
    archives: list[Archive | None] = []
    findings: list[Finding] = []
    for path in _declared_files(linkopts or "", library.directory):
        found = reader.archive(path) if path.is_file() and path.stat().st_size else None
        if found is not None and found.members:
            archives.append(found)
        else:
            findings.append(_not_built(path, empty=path.is_file()))
    return archives, findings


def _declared_files(linkopts: str, directory: Path) -> list[Path]:
    """`-lfoo`, `-l:dir/libfoo.a`, `-Ldir` and `@lib/file`, as MirageOS 3 reads them."""
    folders, files = [directory], []
    for word in linkopts.replace("@", f"{directory.parent}/").split():
        if word.startswith("-L"):
            folders.append(directory / word[2:])
        elif word.startswith("-l"):
            name = word[3:] if word.startswith("-l:") else f"lib{word[2:]}.a"
            files.append(_find(name, folders) or directory / name)
        elif word.endswith(".a"):
            files.append(directory / word)
    return files


def _not_built(path: Path, *, empty: bool) -> Finding:
    state = "is empty: its build did not find the toolchain" if empty else "is not there"
    return Finding(
        rule="declared-archive",
        severity="note",
        message=f"the freestanding archive that META declares {state}; the host's archive was read instead",
        archive=path.name,
        remedy="build the library again with the toolchain's pkg-config files in reach, or vendor it",
    )

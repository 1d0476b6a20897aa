"""The C of a vendored library, compiled by the target's compiler: objects for the link on paper, and what refuses.

A header that a rule makes is not there before dune runs, so a source that lacks one is no refusal: that is unsure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mirage_py.audit.code import Code
from mirage_py.audit.gaps import Gaps
from mirage_py.audit.objects import Compiled, Compiler, Source, compile_all, headers_of
from mirage_py.audit.vendored import UNBUILT, uncopied
from mirage_py.dataclass import dataclass, replace
from mirage_py.libraries.archives import Archive, Member
from mirage_py.libraries.librarystanza import Stanza
from mirage_py.model.audit import OWN_C, Finding
from mirage_py.project.reading import bytes_of, text_of

LACKING: Final = re.compile(r"(?P<header>[^\s:]+): No such file or directory")


MEND: Final = "add the lacking part to the library's sources, or leave the library out"
MEND_OWN: Final = "mend it, or leave it out where the target is freestanding: if_impl(key.is_unix, ...)"


@dataclass(frozen=True, kw_only=True)
class VendoredCode:
    """The objects of a vendored library, and a finding for each source that does not become one."""

    code: Code
    findings: tuple[Finding, ...] = ()


def compiled_code(
    stanza: Stanza, needs: Iterable[Path], compiler: Compiler, folder: Path, gaps: Gaps | None = None
) -> VendoredCode:
    """The C of one library; `needs` are the folders that it names for headers, and those of what it requires.

    What does not compile is tried again with what fills `gaps` declared.
    """
    includes = tuple(dict.fromkeys((stanza.library.directory, *needs)))
    sources = [Source(file=file, flags=stanza.flags, folders=(file.parent, *includes)) for file in stanza.stubs]
    made = compile_all(sources, compiler, folder)
    filled: tuple[Finding, ...] = ()
    if gaps and any(one.object is None for one in made):
        made, filled = _with_gaps(made, compiler, folder, gaps)
    archive = _archive(stanza, made)
    code = Code(library=stanza.library.name, stubs=(archive,) if archive.members else (), target_built=True)
    refused = tuple(_refused(one, stanza) for one in made if one.object is None)
    there = (one.source.file for one in made if one.object is not None and stanza.library.name != OWN_C)
    beside = (found for file in there for found in uncopied(file, stanza))
    return VendoredCode(code=code, findings=(*filled, *refused, *beside))


def _with_gaps(
    made: tuple[Compiled, ...], compiler: Compiler, folder: Path, gaps: Gaps
) -> tuple[tuple[Compiled, ...], tuple[Finding, ...]]:
    """The sources again, those that were refused with the gaps declared; a finding for each error number behind it.

    The functions behind it are found when the objects are linked.
    """
    telling = replace(compiler, argv=(*compiler.argv, *gaps.compiled_with(folder)))
    again = iter(compile_all([one.source for one in made if one.object is None], telling, folder))
    now = tuple(one if one.object is not None else next(again) for one in made)
    healed = [new.source for old, new in zip(made, now, strict=True) if old.object is None and new.object]
    told = ((one.file, text_of(one.file), headers_of(one, telling)) for one in healed)
    return now, tuple(finding for file, text, read in told for finding in gaps.behind(file, text, read))


def _archive(stanza: Stanza, made: Iterable[Compiled]) -> Archive:
    """The objects as one archive under the name that dune gives it."""
    members: list[Member] = []
    data = b""
    for one in made:
        if one.object is not None:
            content = bytes_of(one.object)
            name = f"{one.source.file.stem}.o"
            members.append(Member(name=name, header=len(data), start=len(data), size=len(content)))
            data += content
    name = f"lib{stanza.main}_stubs.a"
    return Archive(path=stanza.library.directory / name, data=data, members=tuple(members))


def _refused(one: Compiled, stanza: Stanza) -> Finding:
    """What the compiler said; unsure where a file is lacking that the build may make."""
    mend = MEND_OWN if stanza.library.name == OWN_C else MEND
    unbuilt = stanza.configured or stanza.generated or _is_made(one, stanza)
    return Finding(
        rule="does-not-compile",
        severity="unsure" if unbuilt else "missing",
        message=f"{one.place}: {one.error}" if one.place else one.error,
        archive=one.source.file.parent.name,
        member=one.source.file.name,
        definer="the target's C compiler",
        remedy=UNBUILT if unbuilt else mend,
    )


def _is_made(one: Compiled, stanza: Stanza) -> bool:
    """Whether a header that is not there is one of the library's own: named in quotes, or by a dune file."""
    found = LACKING.search(one.error)
    if found is None:
        return False
    name = found["header"]
    quoted = re.compile(rf'#\s*include\s*"{re.escape(name)}"')
    return any(_says(file, quoted, name) for file in (one.source.file, stanza.file))


def _says(file: Path, quoted: re.Pattern[str], name: str) -> bool:
    text = text_of(file)
    return name.rpartition("/")[2] in text if file.name.startswith("dune") else quoted.search(text) is not None


def defined_in(code: Code) -> Iterator[str]:
    """The functions of these objects, all of which the library's OCaml may ask for."""
    from mirage_py.audit.elf import read_object
    from mirage_py.libraries.archives import Unreadable

    for archive in code.stubs:
        for number in range(len(archive.members)):
            try:
                yield from read_object(archive, number).defined
            except Unreadable:  # said where the object is linked
                continue

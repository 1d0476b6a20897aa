"""Read `ar` archives: which members there are, and which member defines a symbol.

The archive's own symbol index answers the second question without opening a single object, which is what makes an
audit of two hundred libraries fast: only members that the linker would pull in are ever parsed.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass, field
from mirage_py.model.audit import Problem
from mirage_py.project.reading import Parts, bytes_of, parts_of

MAGIC: Final = b"!<arch>\n"
THIN_MAGIC: Final = b"!<thin>\n"
HEADER_SIZE: Final = 60
MACHINES: Final = {3: "i386", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
"""ELF's numbers of the machines that OCaml compiles for."""


class Unreadable(Exception):
    """A file that is not what its name promises; carries the line for the user."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, kw_only=True)
class Member:
    """One object of an archive: its name, where its bytes start, how many they are."""

    name: str
    header: int
    start: int
    size: int
    file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An archive. `index` maps a global symbol to the number of the member that defines it.

    `data` is empty where the members are read from the file when they are asked for: of most nobody asks.
    """

    path: Path
    data: bytes = field(repr=False)
    members: tuple[Member, ...] = ()
    index: dict[str, int] = field(default_factory=dict, repr=False)
    indexed: bool = False

    def contents(self, number: int) -> bytes:
        """The bytes of one member; raises `Unreadable` where it is a file of its own that cannot be read."""
        member = self.members[number]
        if member.file is not None:
            return whole_file(member.file)
        return self.data[member.start : member.start + member.size] if self.data else self._from_file(member)

    def _from_file(self, member: Member) -> bytes:
        try:
            with parts_of(self.path) as parts:
                return parts[member.start : member.start + member.size]
        except (OSError, ValueError) as error:
            raise _cannot_be_read(self.path, error) from error


def read_archive(path: Path, *, of_units: bool = False) -> Archive:
    """The archive at `path`; raises `Unreadable` with the reason when it is none.

    Its index and the headers of its members are all that is read: they are a tenth of an archive. With `of_units` the
    index is without OCaml's functions and constants, which are nine names in ten: units are linked whole.
    """
    try:
        with parts_of(path) as parts:
            return parse_archive(path, parts, of_units=of_units)
    except (OSError, ValueError) as error:
        raise _cannot_be_read(path, error) from error


def whole_file(path: Path) -> bytes:
    """The bytes of a file; `Unreadable` with the reason where there is none that can be read."""
    try:
        return bytes_of(path)
    except (OSError, ValueError) as error:
        raise _cannot_be_read(path, error) from error


def _cannot_be_read(path: Path, error: OSError | ValueError) -> Unreadable:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Unreadable(Problem(message=f"cannot be read: {reason}", place=str(path)))


def is_empty(file: Path) -> bool:
    """Whether nothing can come of linking this archive: `touch` made it, or `ar` without a member."""
    return file.stat().st_size <= len(MAGIC)


def machine_of(file: Path) -> str | None:
    """The machine that an archive's objects are for; None where it holds no ELF object, or is no archive."""
    try:
        archive = read_archive(file)
    except Unreadable:
        return None
    for number in range(len(archive.members)):
        start = archive.contents(number)[:20]
        if start[:4] == b"\x7fELF":
            code = int.from_bytes(start[18:20], "little" if start[5] == 1 else "big")
            return MACHINES.get(code, f"machine {code}")
    return None


INSIDE_UNITS: Final = re.compile(r"caml[A-Z].*_\d+(?:_[a-z]\w*)?")
"""OCaml's name for a function or a constant; those of a whole unit have no number."""


def parse_archive(path: Path, data: bytes | Parts, *, of_units: bool = False) -> Archive:
    """The archive that `data` holds, whose members' bytes are then read from the file where they are parts of it."""
    magic = data[: len(MAGIC)]
    if magic not in (MAGIC, THIN_MAGIC):
        raise Unreadable(_not_an_archive(path, magic))
    thin = magic == THIN_MAGIC
    members: list[Member] = []
    by_header: dict[int, int] = {}
    symbols: Sequence[str] = ()
    headers: Sequence[int] = ()
    names, indexed = b"", False
    for member in _raw_members(path, data, thin):
        if member.name in ("/", "/SYM64/"):
            (symbols, headers), indexed = _symbol_index(path, data, member), True
        elif member.name == "//":
            names = data[member.start : member.start + member.size]
        else:
            by_header[member.header] = len(members)
            members.append(_named(path, data, member, names, thin))
    index = _first_definitions(symbols, map(by_header.get, headers), INSIDE_UNITS if of_units else None)
    held = data if isinstance(data, bytes) else b""
    return Archive(path=path, data=held, members=tuple(members), index=index, indexed=indexed)


def _first_definitions(
    symbols: Iterable[str], numbers: Iterable[int | None], without: re.Pattern[str] | None
) -> dict[str, int]:
    """Symbol to member number; as for the linker, the first of several definitions counts."""
    index: dict[str, int] = {}
    for symbol, number in zip(symbols, numbers, strict=False):
        if number is not None and (without is None or not without.fullmatch(symbol)):
            index.setdefault(symbol, number)
    return index


def _raw_members(path: Path, data: bytes | Parts, thin: bool) -> Iterator[Member]:
    """Every entry in file order, the index and the table of long names included."""
    offset = len(MAGIC)
    while offset + HEADER_SIZE <= len(data):
        name, size = _header(path, data, offset)
        special = name in ("/", "//", "/SYM64/")
        inside = special or not thin
        start = offset + HEADER_SIZE
        if inside and start + size > len(data):
            raise Unreadable(_truncated(path, name, start + size - len(data)))
        yield Member(name=name, header=offset, start=start, size=size)
        offset = start + (size + (size & 1) if inside else 0)
    if offset < len(data):
        raise Unreadable(_truncated(path, "a header", HEADER_SIZE - (len(data) - offset)))


def _header(path: Path, data: bytes | Parts, offset: int) -> tuple[str, int]:
    """Name and size as the 60-byte header gives them."""
    header = data[offset : offset + HEADER_SIZE]
    name, size = header[:16].decode("latin-1").rstrip(), header[48:58].strip()
    if size.isdigit():  # "-60" would lead back to this very header
        return name, int(size)
    message = f"is not a whole archive: the member header at byte {offset} is damaged"
    raise Unreadable(Problem(message=message, place=str(path), hint=REINSTALL))


def _named(path: Path, data: bytes | Parts, member: Member, names: bytes, thin: bool) -> Member:
    """The member with its real name: GNU long names (`/12`), BSD names (`#1/20`), short ones (`a.o/`)."""
    start, size = member.start, member.size
    if member.name.startswith("#1/"):
        digits = member.name[3:]
        length = min(int(digits), size) if digits.isdecimal() else 0
        name = data[start : start + length].rstrip(b"\0").decode("utf-8", "replace")
        start, size = start + length, size - length
    elif member.name[:1] == "/" and member.name[1:].isdecimal():
        begin = int(member.name[1:])
        name = names[begin : names.find(b"\n", begin)].decode("utf-8", "replace").rstrip("/")
    else:
        name = member.name.rstrip("/")
    file = path.parent / name if thin else None
    return Member(name=name, header=member.header, start=start, size=size, file=file)


def _symbol_index(path: Path, data: bytes | Parts, member: Member) -> tuple[list[str], tuple[int, ...]]:
    """GNU's symbol index: a count, that many offsets of headers, that many NUL-ended names."""
    width, code = (8, "Q") if member.name == "/SYM64/" else (4, "I")
    body = data[member.start : member.start + member.size]
    count = int.from_bytes(body[:width], "big")
    if width * (count + 1) > len(body):
        raise Unreadable(_truncated(path, "the symbol index", width * (count + 1) - len(body)))
    headers = struct.unpack_from(f">{count}{code}", body, width)
    return body[width * (count + 1) :].decode("utf-8", "replace").split("\0"), headers


REINSTALL: Final = "reinstall the package that brings it"


def _truncated(path: Path, what: str, lacking: int) -> Problem:
    message = f"is not a whole archive: {what.rstrip('/') or 'a member'} lacks its last {lacking} bytes"
    return Problem(message=message, place=str(path), hint=REINSTALL)


def _not_an_archive(path: Path, data: bytes) -> Problem:
    what = "it is empty" if not data else f"it starts with {data!r}, not with {MAGIC!r}"
    return Problem(message=f"is not an archive: {what}", place=str(path), hint=REINSTALL)

"""Read the objects of an archive: what they define, what they ask for, who calls whom, and signs of their machine.

Only what a question needs is looked at: the symbol table for a link, relocations for "who calls". Every offset is held
against the size of the object, so that a damaged one gets a line and nothing else.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import pairwise, repeat
from sys import intern
from typing import Final, NamedTuple

from mirage_py.dataclass import dataclass, field
from mirage_py.libraries.archives import Archive, Unreadable
from mirage_py.model.audit import Problem

MACHINES: Final = {62: "x86_64", 183: "aarch64", 243: "riscv64", 3: "i386", 40: "arm", 21: "ppc64", 22: "s390x"}

CANARY: Final = re.compile(rb"\x64[\x48\x4c][\x03\x2b\x33\x3b\x8b][\x04-\x3c]\x25\x28\x00\x00\x00", re.DOTALL)
"""`mov/sub/xor %fs:0x28, reg`: the stack canary where the host's thread-local storage has it, and Solo5 has none."""


EXTENSIONS: Final = {
    "-mpopcnt": re.compile(rb"\xf3[\x40-\x4f]?\x0f\xb8", re.DOTALL),
    "-mssse3": re.compile(rb"\x66[\x40-\x4f]?\x0f\x38[\x00-\x0b]", re.DOTALL),
    "-maes": re.compile(rb"\x66[\x40-\x4f]?\x0f\x38[\xdb-\xdf]", re.DOTALL),
    "-mpclmul": re.compile(rb"\x66[\x40-\x4f]?\x0f\x3a\x44", re.DOTALL),
}
"""Instructions beyond the least x86-64, and the flag they were compiled with. Without it the source may not compile, or
may ask for a support function (`__popcountdi2`) that a freestanding link has not."""

OF_CALL: Final = {62: frozenset({4}), 183: frozenset({282, 283}), 243: frozenset({18, 19})}
"""Relocation types of calls and jumps."""

OCAML: Final = re.compile("caml[A-Z]")

SYMTAB, RELA = 2, 4
LOCAL: Final = 15
"""Above it is the info of a symbol that is not of its object alone."""
WEAK, FUNCTION, OF_SECTION = 2, 2, 3
RELATIVE: Final = frozenset({2, 4})
"""R_X86_64_PC32 and R_X86_64_PLT32."""
OF_TLS: Final = {62: frozenset({*range(16, 24), 34, 35, 36}), 183: frozenset(range(512, 574))}
OF_GOT: Final = {62: frozenset({3, 9, 26, 41, 42}), 183: frozenset({309, 310, 311, 312, 313})}
"""Relocation types of thread-local storage and of the global offset table, by ELF's number of the machine."""

NEAR: Final = re.compile(rb"(?=[\xe8\xe9](?P<to>.{4}))", re.DOTALL)
"""`call` and `jmp` on x86-64: to a function of the same section the assembler leaves no relocation."""

COMPARES: Final = (
    rb"(?:[\x38-\x3b\x84\x85](?:[\xc0-\xff]|[\x40-\x7f].)|[\x80\x83](?:[\xf8-\xff].|[\x78-\x7f]..)|\x81[\xf8-\xff].{4}"
    rb"|[\x3c\xa8].|\x3d.{4}|\xf6[\xc0-\xc7].|\xf7[\xc0-\xc7].{4}|\x0f[\x2e\x2f][\xc0-\xff])"
)
"""`cmp`, `test` and `ucomis` on x86-64, of registers and of places that are near to what one points at."""
DECIDES: Final = re.compile(
    rb"(?=" + COMPARES + rb"(?:[\x70-\x7f](?P<near>.)|\x0f[\x80-\x8f](?P<far>.{4})))", re.DOTALL
)
"""A comparison with a conditional jump right behind it."""


@dataclass(frozen=True, kw_only=True)
class Object:
    """What one object file says of itself."""

    name: str
    defined: tuple[str, ...]
    undefined: tuple[str, ...]
    weak: frozenset[str] = frozenset()
    machine: str = "x86_64"
    damaged: bool = False


@dataclass(frozen=True, kw_only=True)
class Code:
    """Signs in an object's code: the host's canary, thread-local variables, position independence, compiler flags."""

    canaries: int = 0
    thread_local: bool = False
    pic: bool = False
    flags: tuple[str, ...] = ()


def read_object(archive: Archive, number: int, *, definitions: bool = True) -> Object:
    """The symbols of one member; raises `Unreadable` when it is no whole ELF object.

    Without `definitions` only what it asks for is read: the archive's index has the rest, and most symbols are defined.
    """
    elf = _parse(archive, number)
    defined: list[str] = []
    undefined: list[str] = []
    weak: list[str] = []
    for at, info, section in elf.globals() if definitions else elf.unresolved():
        # a weak symbol that is undefined may stay so at the link
        (defined if section else weak if info >> 4 == WEAK else undefined).append(elf.name(at))
    return Object(
        name=archive.members[number].name,
        defined=tuple(defined),
        undefined=tuple(undefined),
        weak=frozenset(weak),
        machine=elf.machine,
    )


def read_code(archive: Archive, number: int) -> Code:
    """The signs in one member's code and relocations."""
    elf = _parse(archive, number)
    text = b"".join(elf.contents(section) for section in elf.sections if elf.is_text(section))
    kinds = {info & 0xFFFFFFFF for section in elf.relocations for _, info, _ in elf.entries(section)}
    return Code(
        canaries=len(CANARY.findall(text)),
        thread_local=not kinds.isdisjoint(OF_TLS.get(elf.code, ())),
        pic=not kinds.isdisjoint(OF_GOT.get(elf.code, ())),
        flags=tuple(flag for flag, pattern in EXTENSIONS.items() if pattern.search(text)),
    )


def references(archive: Archive, number: int) -> Mapping[str, frozenset[str]]:
    """For each function of this member, the symbols that its code refers to; of OCaml functions those that it calls.

    To take the address of one is to make a closure of it, as a functor does with all that is in its body.
    """
    elf = _parse(archive, number)
    found: dict[str, set[str]] = {}
    for section in elf.relocations:
        owners = elf.functions.get(section.info)
        if owners is not None:
            _note_references(elf, section, owners, found)
    for owner, name in elf.near_calls() if elf.code == 62 else ():
        found.setdefault(owner, set()).add(name)
    return {name: frozenset(names) for owner, names in found.items() for name in (owner, *elf.aliases.get(owner, ()))}


def _note_references(elf: Elf, section: Section, owners: Functions, found: dict[str, set[str]]) -> None:
    """Note what the functions of one section refer to; most entries are of the function of the one before."""
    calls = OF_CALL.get(elf.code, frozenset())
    known: dict[int, str] = {}
    start = end = 0
    names: set[str] = set()
    for at, info, addend in elf.entries(section):
        name = known.get(info)
        if name is None:
            name = elf.target(info, addend)
            if (info & 0xFFFFFFFF) not in calls and OCAML.match(name):
                name = ""
            if not elf.is_section(info >> 32):
                known[info] = name
        if name:
            if not start <= at < end:
                start, end, owner = owners.around(at)
                names = found.setdefault(owner, set()) if owner else set()
            names.add(name)


def deciding(archive: Archive, number: int) -> frozenset[str]:
    """The functions of this member that compare, and jump or not; of machines other than x86-64 none is known."""
    elf = _parse(archive, number)
    found: set[str] = set()
    for section, functions in elf.functions.items() if elf.code == 62 else ():
        text = elf.contents(elf.sections[section]) if section < len(elf.sections) else b""
        for jump in DECIDES.finditer(text):
            at, width = (jump.start("near"), 1) if jump["near"] else (jump.start("far"), 4)
            to = at + width + int.from_bytes(text[at : at + width], "little", signed=True)
            owner = functions.owner(jump.start())
            if owner and owner == functions.owner(to):
                found |= {owner, *elf.aliases.get(owner, ())}
    return frozenset(found)


def users_of(archive: Archive, number: int, symbols: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """For each of `symbols`, the functions of this member whose code refers to it."""
    users: dict[str, set[str]] = {}
    for owner, names in references(archive, number).items():
        for name in names & symbols:
            users.setdefault(name, set()).add(owner)
    return {name: tuple(sorted(found)) for name, found in users.items()}


class Section(NamedTuple):
    """A section header, as far as it is looked at."""

    name: int
    kind: int
    flags: int
    address: int
    start: int
    size: int
    link: int
    info: int
    align: int
    entry: int


@dataclass(frozen=True, kw_only=True)
class Functions:
    """The functions of one section, by where they start."""

    starts: list[int]
    ends: list[int]
    names: list[str]

    def owner(self, at: int) -> str:
        """The function whose code this offset is in; empty for none."""
        return self.around(at)[2]

    def around(self, at: int) -> tuple[int, int, str]:
        """Where the function begins and ends whose code this offset is in, and its name; an empty one for none."""
        place = bisect_right(self.starts, at) - 1
        if place >= 0 and at < self.ends[place]:
            following = self.starts[place + 1] if place + 1 < len(self.starts) else self.ends[place]
            return self.starts[place], min(self.ends[place], following), self.names[place]
        return at, at, ""


@dataclass(frozen=True, kw_only=True)
class Elf:
    """A relocatable object of a 64-bit machine."""

    data: bytes = field(repr=False)
    order: str
    code: int
    sections: tuple[Section, ...]

    @property
    def machine(self) -> str:
        return MACHINES.get(self.code, f"machine {self.code}")

    @property
    def relocations(self) -> Iterator[Section]:
        return (section for section in self.sections if section.kind == RELA)

    def contents(self, section: Section) -> bytes:
        return self.data[section.start : section.start + section.size]

    def is_text(self, section: Section) -> bool:
        return section.kind == 1 and bool(section.flags & 4)

    def entries(self, section: Section) -> Iterator[tuple[int, int, int]]:
        """Offset, symbol and type, addend of each relocation."""
        return struct.iter_unpack(f"{self.order}QQq", self.contents(section)[: section.size // 24 * 24])

    @cached_property
    def _table(self) -> bytes:
        """The table of symbols, 24 bytes each."""
        table = next((one for one in self.sections if one.kind == SYMTAB), None)
        return self.contents(table)[: table.size // 24 * 24] if table is not None else b""

    def globals(self) -> Iterator[tuple[int, int, int]]:
        """Name, info and section of each symbol that other objects see."""
        every = struct.iter_unpack(f"{self.order}IBxH16x", self._table)
        return (one for one in every if one[0] and one[1] > LOCAL)

    def unresolved(self) -> Iterator[tuple[int, int, int]]:
        """Those that are of no section of its own, found by the two bytes of that: one in many is."""
        low, high, form = self._table[6::24], self._table[7::24], struct.Struct(f"{self.order}IBxH16x")
        number = low.find(0)
        while number >= 0:
            if not high[number]:
                one = form.unpack_from(self._table, number * 24)
                if one[0] and one[1] > LOCAL:
                    yield one
            number = low.find(0, number + 1)

    @cached_property
    def symbols(self) -> list[tuple[int, int, int, int, int, int]]:
        """Name, info, other, section, value, size of each symbol."""
        return list(struct.iter_unpack(f"{self.order}IBBHQQ", self._table))

    @cached_property
    def _targets(self) -> dict[int, str]:
        """The names of symbols that relocations refer to, by number, as far as they were asked for."""
        return {}

    @cached_property
    def _names(self) -> bytes:
        table = next((one for one in self.sections if one.kind == SYMTAB), None)
        inside = table is not None and table.link < len(self.sections)
        return self.contents(self.sections[table.link]) if table is not None and inside else b""

    def name(self, at: int) -> str:
        """The name that starts at this place of the table of names."""
        names = self._names
        return intern(names[at : names.find(b"\0", at)].decode("utf-8", "replace"))

    def target(self, info: int, addend: int) -> str:
        """What a relocation refers to: a symbol, or the function at an offset of a section."""
        number = info >> 32
        known = self._targets.get(number)
        if known is not None:
            return known
        if number >= len(self.symbols):
            return ""
        at, kind, _, section, _, _ = self.symbols[number]
        if kind & 15 != OF_SECTION:
            return self._targets.setdefault(number, self.name(at))
        functions = self.functions.get(section)
        to_code = self.code == 62 and info & 0xFFFFFFFF in RELATIVE  # those count from the end of the field
        return functions.owner(addend + (4 if to_code else 0)) if functions else ""

    def is_section(self, number: int) -> bool:
        """Whether a symbol stands for a section, of which relocations name places."""
        return number < len(self.symbols) and self.symbols[number][1] & 15 == OF_SECTION

    @cached_property
    def _starts(self) -> Mapping[int, Mapping[int, tuple[int, list[str]]]]:
        """Where functions start, section by section, each with its size and its names."""
        found: dict[int, dict[int, tuple[int, list[str]]]] = {}
        for at, info, _, section, value, size in self.symbols:
            if info & 15 == FUNCTION and section:
                found.setdefault(section, {}).setdefault(value, (size, []))[1].append(self.name(at))
        return found

    @cached_property
    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        """The other names of functions that have several."""
        every = (names for starts in self._starts.values() for _, names in starts.values())
        return {names[0]: tuple(names[1:]) for names in every if len(names) > 1}

    @cached_property
    def functions(self) -> Mapping[int, Functions]:
        """The functions of each section; one without a size reaches to the next."""
        return {section: _functions(starts) for section, starts in self._starts.items()}

    def near_calls(self) -> Iterator[tuple[str, str]]:
        """Who calls or jumps to which other function of its own section without a relocation.

        OCaml's functions are all seen by other objects, so that the assembler leaves relocations of every call.
        """
        for number, functions in self.functions.items():
            places = zip(functions.starts, functions.names, strict=True)
            where = {start: name for start, name in places if not OCAML.match(name)}
            if not where or number >= len(self.sections):
                continue
            text = self.contents(self.sections[number])
            for call in NEAR.finditer(text):
                target = call.start() + 5 + int.from_bytes(call["to"], "little", signed=True)
                if target in where and (owner := functions.owner(call.start())) not in ("", where[target]):
                    yield owner, where[target]


def _functions(by_start: Mapping[int, tuple[int, list[str]]]) -> Functions:
    starts = sorted(by_start)
    following = dict(pairwise(starts))
    ends = [start + by_start[start][0] if by_start[start][0] else following.get(start, 1 << 62) for start in starts]
    return Functions(starts=starts, ends=ends, names=[by_start[start][1][0] for start in starts])


def _parse(archive: Archive, number: int) -> Elf:
    """One member as an ELF object."""
    data = archive.contents(number)
    try:
        return _elf(data)
    except (struct.error, ValueError):
        place = f"{archive.path}({archive.members[number].name})"
        raise Unreadable(Problem(message=_what_it_is(data), place=place, hint=HINT)) from None


def _elf(data: bytes) -> Elf:
    if data[:4] != b"\x7fELF" or data[4:5] not in (b"\1", b"\2"):
        raise ValueError("no ELF object")
    order = "<" if data[5:6] == b"\1" else ">"
    (code,) = struct.unpack_from(f"{order}H", data, 18)
    if data[4] == 1:  # of a 32-bit machine, which no target is: its machine is all that matters
        return Elf(data=data, order=order, code=code, sections=())
    (start,) = struct.unpack_from(f"{order}Q", data, 40)
    size, count = struct.unpack_from(f"{order}HH", data, 58)
    if start + size * count > len(data) or (count and size != 64):
        raise ValueError("cut short")
    form = struct.Struct(f"{order}IIQQQQIIQQ")
    headers = form.iter_unpack(data[start : start + count * 64])
    sections = tuple(map(tuple.__new__, repeat(Section), headers))  # as Section._make does, without a call for each
    if any(one.start + one.size > len(data) and one.kind not in (0, 8) for one in sections):
        raise ValueError("cut short")
    return Elf(data=data, order=order, code=code, sections=sections)


HINT: Final = "rebuild or reinstall the library for this machine; mpy reads ELF objects"

FOREIGN: Final = {
    b"\xcf\xfa\xed\xfe": "a Mach-O object (macOS)",
    b"BC\xc0\xde": "LLVM bitcode",
    b"\x64\x86": "a COFF object (Windows)",
    b"\x7fELF": "an ELF object that is cut short",
}


def _what_it_is(data: bytes) -> str:
    """The sentence for a member that is no ELF object."""
    known = next((words for magic, words in FOREIGN.items() if data.startswith(magic)), None)
    return f"is {known}" if known else "is not an ELF object"

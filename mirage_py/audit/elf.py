"""Read the objects of an archive: what they define, what they ask for, and signs of the machine they were built for.

LIEF does the reading: it is ten times faster here than pyelftools. It takes 0.3 s to import, so the import waits until
the cache could not answer.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mirage_py.libraries.archives import Archive, Unreadable
from mirage_py.model.audit import Problem

if TYPE_CHECKING:
    import lief

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
    member = archive.members[number]
    elf = _parse(archive, number, relocations=False)
    defined: list[str] = []
    undefined: list[str] = []
    weak: list[str] = []
    for symbol in elf.symtab_symbols:
        if definitions or not symbol.shndx:
            _sort_symbol(symbol, defined, undefined, weak)
    machine = MACHINES.get(int(elf.header.machine_type.value) & 0xFFFF, str(elf.header.machine_type))
    return Object(
        name=member.name, defined=tuple(defined), undefined=tuple(undefined), weak=frozenset(weak), machine=machine
    )


def _sort_symbol(symbol: lief.ELF.Symbol, defined: list[str], undefined: list[str], weak: list[str]) -> None:
    """Put a global symbol where it belongs; a weak one that is undefined may stay so at the link."""
    binding = int(symbol.binding.value)
    name = str(symbol.name)
    if binding == 0 or not name:
        return
    if symbol.shndx:
        defined.append(name)
    elif binding == 2:
        weak.append(name)
    else:
        undefined.append(name)


def read_code(archive: Archive, number: int) -> Code:
    """The signs in one member's code and relocations."""
    elf = _parse(archive, number, relocations=True)
    text = b"".join(bytes(s.content) for s in elf.sections if str(s.name).startswith(".text"))
    kinds = {str(relocation.type).rpartition(".")[2] for relocation in elf.object_relocations}
    thread_local = any("TLS" in kind or "TPOFF" in kind for kind in kinds)
    pic = any("GOT" in kind for kind in kinds)
    flags = tuple(flag for flag, pattern in EXTENSIONS.items() if pattern.search(text))
    return Code(canaries=len(CANARY.findall(text)), thread_local=thread_local, pic=pic, flags=flags)


def users_of(archive: Archive, number: int, symbols: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """For each of `symbols`, the functions of this member whose code refers to it."""
    elf = _parse(archive, number, relocations=True)
    functions = _functions(elf)
    users: dict[str, set[str]] = {}
    for relocation in elf.object_relocations:
        name = str(relocation.symbol.name) if relocation.symbol else ""
        if name in symbols and relocation.section is not None:
            owner = _owner(functions.get(str(relocation.section.name), []), relocation.address)
            users.setdefault(name, set()).add(owner)
    return {name: tuple(sorted(found - {""})) for name, found in users.items()}


def _functions(elf: lief.ELF.Binary) -> dict[str, list[tuple[int, int, str]]]:
    """Per section, each function's start, end and name."""
    sections = [str(section.name) for section in elf.sections]
    found: dict[str, list[tuple[int, int, str]]] = {}
    for symbol in elf.symtab_symbols:
        if int(symbol.type.value) == 2 and 0 < symbol.shndx < len(sections):
            span = (symbol.value, symbol.value + symbol.size, str(symbol.name))
            found.setdefault(sections[symbol.shndx], []).append(span)
    return found


def _owner(functions: list[tuple[int, int, str]], address: int) -> str:
    return next((name for start, end, name in functions if start <= address < end), "")


def _parse(archive: Archive, number: int, *, relocations: bool) -> lief.ELF.Binary:
    """One member as LIEF sees it."""
    import lief

    lief.logging.disable()
    member = archive.members[number]
    place = f"{archive.path}({member.name})"
    try:
        data = archive.contents(number)
    except OSError as error:
        raise Unreadable(Problem(message=f"cannot be read: {error.strerror}", place=place)) from error
    config = lief.ELF.ParserConfig()
    config.parse_relocations = relocations
    elf = lief.ELF.parse(io.BytesIO(data), config) if data[:4] == b"\x7fELF" else None
    if not isinstance(elf, lief.ELF.Binary) or _cut_short(data):
        raise Unreadable(Problem(message=_what_it_is(data), place=place, hint=HINT))
    return elf


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


def _cut_short(data: bytes) -> bool:
    """Whether the section headers, which stand last in an object, lie beyond its end (64-bit layout)."""
    if len(data) < 64:
        return True
    if data[4] != 2:
        return False
    order = "little" if data[5] == 1 else "big"
    start = int.from_bytes(data[40:48], order)  # type: ignore[arg-type]  # a Literal by construction
    size, count = (int.from_bytes(data[at : at + 2], order) for at in (58, 60))  # type: ignore[arg-type]
    return start + size * count > len(data)

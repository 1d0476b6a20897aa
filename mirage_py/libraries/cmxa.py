"""The C side of a `.cmxa`: its "Extra C object files" and link options, as `ocamlobjinfo` prints them.

They are the last two lists of the marshalled record, after the descriptions of every unit, which may be megabytes. So
the file is looked at from its end: the longest tail that is exactly two lists of option-like words. Where that tail is
long, the record is read from its start.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from mirage_py.libraries import marshal
from mirage_py.libraries.archives import REINSTALL, Unreadable, whole_file
from mirage_py.model.audit import Problem

MAGIC: Final = re.compile(rb"Caml1999[Zz]\d\d\d")
MAGIC_SIZE: Final = 12
TAIL: Final = 512
ROOM: Final = 128
EMPTY: Final = 0x40  # the integer 0, the empty list
CONS: Final = 0xA0  # a block of tag 0 and size 2
STARTS: Final = re.compile(rb"(?=\xa0[\x09\x21-\x3f]|\x40[\xa0\x40])")
WORD: Final = re.compile(rb"[!-~][ -~]*")


class ExtraC(NamedTuple):
    """What linking a library adds to the C side, in the linker's order: `-lfoo_stubs`, `foo.o`, and options.

    `compiler` is the number in the file's magic, which changes with the compiler.
    """

    objects: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    compiler: str = ""


def read_extra_c(path: Path) -> ExtraC:
    """The C objects and options of the library archive at `path`."""
    data = whole_file(path)
    magic = data[:MAGIC_SIZE]
    if not MAGIC.match(magic):
        raise Unreadable(Problem(message="is no library of a native OCaml compiler", place=str(path), hint=REINSTALL))
    found = _from_tail(data[-TAIL:], room=ROOM) or _from_value(data) or _damaged(path)
    # the compiler adds to the front of its lists, and reads them from the end
    return ExtraC(found.objects[::-1], found.options[::-1], magic[-3:].decode())


def _damaged(path: Path) -> ExtraC:
    message = "is damaged: it does not end with its lists of C objects and options"
    raise Unreadable(Problem(message=message, place=str(path), hint=REINSTALL))


def _from_value(data: bytes) -> ExtraC | None:
    """The last two fields of the whole record, read from its start: lists that are longer than the tail."""
    try:
        record = marshal.read(data, MAGIC_SIZE)
    except marshal.MarshalError:
        return None
    lists = [marshal.items(field) for field in record[-2:]] if isinstance(record, list) else []
    texts = [tuple(word.decode() for word in one if isinstance(word, bytes) and WORD.fullmatch(word)) for one in lists]
    whole = len(texts) == 2 and all(len(text) == len(one) for text, one in zip(texts, lists, strict=True))
    return ExtraC(texts[0], texts[1]) if whole else None


def _from_tail(tail: bytes, room: int = 0) -> ExtraC | None:
    """The earliest place from which two lists fill the rest; earlier cells belong to the same lists.

    Lists that begin within `room` of the tail's start may have begun before it: None then, for a longer tail.
    """
    if not tail.endswith(bytes([EMPTY])):
        return None
    for start in STARTS.finditer(tail):
        found = _two_lists(tail, start.start())
        if found:
            return found if start.start() >= room else None
    return None


def _two_lists(tail: bytes, start: int) -> ExtraC | None:
    objects, after = _words(tail, start)
    if objects is None:
        return None
    options, end = _words(tail, after)
    return ExtraC(objects, options) if options is not None and end == len(tail) else None


def _words(tail: bytes, at: int) -> tuple[tuple[str, ...] | None, int]:
    """A list of strings at `at`, and where it ends; None when there is none."""
    words: list[str] = []
    while at < len(tail) and tail[at] == CONS:
        word, at = _string(tail, at + 1)
        if word is None:
            return None, at
        words.append(word)
    return (tuple(words), at + 1) if at < len(tail) and tail[at] == EMPTY else (None, at)


def _string(tail: bytes, at: int) -> tuple[str | None, int]:
    """A marshalled string: a short one carries its length in the code, a longer one in the next byte."""
    code = tail[at] if at < len(tail) else 0
    if 0x20 <= code < 0x40:
        begin, length = at + 1, code - 0x20
    elif code == 0x09 and at + 1 < len(tail):
        begin, length = at + 2, tail[at + 1]
    else:
        return None, at
    text = tail[begin : begin + length]
    return (text.decode(), begin + length) if len(text) == length and WORD.fullmatch(text) else (None, at)

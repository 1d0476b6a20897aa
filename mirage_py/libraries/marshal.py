"""OCaml's marshalled values, as the compiler leaves them in its files: blocks as lists, strings as bytes, ints as ints.

The format is that of `runtime/intern.c`: one code byte for each value, objects numbered as they begin so that a later
code can refer back to one. What a value nests is kept on a list, so no depth is too much.
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["MarshalError", "Value", "items", "read"]

Value = int | bytes | float | list["Value"]
"""An immediate, a string, a float, or the fields of a block (a custom value, such as a boxed int64, has none)."""

SMALL: Final = b"\x84\x95\xa6\xbe"
BIG: Final = b"\x84\x95\xa6\xbf"
INTEGERS: Final = {0x00: (">b", 1), 0x01: (">h", 2), 0x02: (">i", 4), 0x03: (">q", 8)}
SHARED: Final = {0x04: 1, 0x05: 2, 0x06: 4, 0x14: 8}
STRINGS: Final = {0x09: 1, 0x0A: 4, 0x15: 8}
BLOCKS: Final = {0x08: 4, 0x13: 8}
FLOATS: Final = {0x0B: ">d", 0x0C: "<d"}
FLOAT_ARRAYS: Final = {0x0D: 1, 0x0E: 1, 0x0F: 4, 0x07: 4, 0x16: 8, 0x17: 8}
CUSTOM: Final = (0x12, 0x18, 0x19)
FIXED: Final = {b"_j": 8, b"_i": 4, b"_k": 4}
"""The sizes of boxed integers; `_n`, a native one, says its size in a byte of its own."""


class MarshalError(ValueError):
    """The bytes are no whole marshalled value, or hold what no file of the compiler holds."""


def items(value: Value) -> list[Value]:
    """The elements of an OCaml list."""
    found: list[Value] = []
    while isinstance(value, list) and len(value) == 2:
        found.append(value[0])
        value = value[1]
    return found


def read(data: bytes, at: int = 0) -> Value:
    """The value that begins at `at`; MarshalError where none does."""
    start = {SMALL: 20, BIG: 32}.get(data[at : at + 4])
    if start is None:
        raise MarshalError("no marshalled value of a kind that is known")
    try:
        return _Reader(data, at + start).run()
    except (IndexError, struct.error) as error:
        raise MarshalError("the value is cut short") from error


class _Reader:
    """The bytes, where they are read, and the objects so far."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at
        self.objects: list[Value] = []

    def run(self) -> Value:
        """The whole value: each open block waits on a stack until its fields are read."""
        root: list[Value] = []
        waiting: list[tuple[list[Value], int]] = []
        data, objects = self.data, self.objects
        fields, left, at = root, 1, self.at  # kept in variables: most of an audit's values are read here
        while True:
            while not left:
                if not waiting:
                    self.at = at
                    return root[0]
                fields, left = waiting.pop()
            left -= 1
            code = data[at]
            at += 1
            if code >= 0x40:
                if code < 0x80:
                    fields.append(code & 0x3F)
                    continue
                size = code >> 4 & 7
            elif code >= 0x20:
                end = at + (code & 0x1F)
                text = data[at:end]
                at = end
                objects.append(text)
                fields.append(text)
                continue
            elif code == 0x04:
                fields.append(objects[-data[at]])
                at += 1
                continue
            elif code in BLOCKS:
                self.at = at
                size, at = self._size(BLOCKS[code]), self.at
            else:
                self.at = at
                fields.append(self._other(code))
                at = self.at
                continue
            block: list[Value] = []
            fields.append(block)
            if size:  # one without fields is no object of its own
                objects.append(block)
                waiting.append((fields, left))
                fields, left = block, size

    def _size(self, width: int) -> int:
        """The size of a block, out of its header."""
        size = self._number(width) >> 10
        if size > len(self.data):
            raise MarshalError("a block is larger than the file")
        return size

    def _other(self, code: int) -> Value:
        """The rarer codes."""
        if code in INTEGERS:
            form, width = INTEGERS[code]
            self.at += width
            found: int = struct.unpack_from(form, self.data, self.at - width)[0]
            return found
        if code in SHARED:
            return self.objects[-self._number(SHARED[code])]
        self.objects.append(b"")
        value: Value
        if code in STRINGS:
            value = self._bytes(self._number(STRINGS[code]))
        elif code in FLOATS:
            value = struct.unpack(FLOATS[code], self._bytes(8))[0]
        elif code in FLOAT_ARRAYS:
            value = self._bytes(8 * self._number(FLOAT_ARRAYS[code]))
        elif code in CUSTOM:
            value = self._custom(code)
        else:
            raise MarshalError(f"code {code:#x} is of no value in a file of the compiler")
        self.objects[-1] = value
        return value

    def _custom(self, code: int) -> Value:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise MarshalError("the value is cut short")
        name = self.data[self.at : end]
        self.at = end + 1
        if code == 0x18:
            self._bytes(4 + 8)
        if name == b"_n":
            self._bytes(4 if self._number(1) == 1 else 8)
        elif name in FIXED:
            self._bytes(FIXED[name])
        else:
            raise MarshalError(f"a custom value {name[:20]!r}")
        return []

    def _number(self, width: int) -> int:
        return int.from_bytes(self._bytes(width), "big")

    def _bytes(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise MarshalError("the value is cut short")
        found = self.data[self.at : end]
        self.at = end
        return found

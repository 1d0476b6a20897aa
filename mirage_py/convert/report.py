"""What a conversion has to say beside its result: changes of meaning, new names, and what was left undone."""

from __future__ import annotations

from typing import Literal

from mirage_py.convert import tree as t
from mirage_py.dataclass import dataclass, field

NoteKind = Literal["dialect", "unikernel", "boot", "renamed", "dropped"]
"""unikernel: unikernel.ml has to change; boot: another option at boot; renamed: another name in Python."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something that is not as it was, at a line of the OCaml file; `details` are lines to read or to copy."""

    line: int
    kind: NoteKind
    message: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Undone:
    """A definition that was not converted, and why."""

    line: int
    reason: str
    ocaml: str


class CannotConvert(Exception):  # not an error of the program: a verdict on an expression
    """An expression that has no counterpart here, with the reason in a few words."""

    def __init__(self, node: t.Node, reason: str) -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


@dataclass(kw_only=True)
class Report:
    """The notes of a conversion, each once."""

    notes: dict[tuple[int, str], Note] = field(default_factory=dict)

    def add(self, line: int, kind: NoteKind, message: str, *details: str) -> None:
        """Say something at a line; what was said there already is not said again."""
        self.notes.setdefault((line, message), Note(line=line, kind=kind, message=message, details=details))

    def once(self, line: int, kind: NoteKind, message: str, *details: str) -> None:
        """Say something at a line unless it was said at any."""
        if all(note.message != message for note in self.notes.values()):
            self.add(line, kind, message, *details)

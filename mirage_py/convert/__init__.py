"""An OCaml `config.ml` as Python: one walk over it, and two ends, text for people and code to run.

`read` gives a `Program`; `Program.text` is the config.py that a person would have written, `Program.code` the same
statements to run in place of one, each at its line of the OCaml file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from types import CodeType

from mirage_py.convert import tree as t
from mirage_py.convert.dialect import Dialect
from mirage_py.convert.python import AnyStatement, PyExpr, Todo
from mirage_py.convert.report import Note, Undone
from mirage_py.dataclass import dataclass
from mirage_py.errors import ConfigError, Location

__all__ = ["Note", "Program", "Undone", "read"]


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a `config.ml` is in Python, with what there is to say about it."""

    file: str
    dialect: Dialect
    statements: tuple[AnyStatement, ...]
    notes: tuple[Note, ...]
    undone: tuple[Undone, ...]

    def text(self) -> str:
        """The config.py, with what was left undone as comments in its place."""
        from mirage_py.convert.layout import text_of

        return text_of(list(self.statements), f"Converted from {PurePath(self.file).name}.")

    def remarks(self) -> Iterator[str]:
        """What a person should know who uses the file as it is: what changed since the release it was written for."""
        for note in self.notes:
            if note.kind != "renamed":
                yield "\n".join(
                    (f"{Location(self.file, note.line)}: {note.message}", *(f"  {x}" for x in note.details))
                )

    def code(self) -> CodeType:
        """The configuration as code; a `ConfigError` at the first line that could not be converted."""
        from mirage_py.convert.run import compiled

        if self.undone:
            first = self.undone[0]
            raise ConfigError(
                first.reason,
                location=Location(self.file, first.line),
                details=tuple(f"line {other.line}: {other.reason}" for other in self.undone[1:]),
                hint="mpy convert leaves these places in a config.py, to be finished by hand",
            )
        return compiled(list(self.statements), self.file)


def read(source: bytes, file: str) -> Program:
    """The Python of an OCaml configuration; a `ConfigError` at its line for what is not OCaml."""
    from mirage_py.convert.comments import Comments
    from mirage_py.convert.context import Context
    from mirage_py.convert.dialect import BEYOND, dialect_of
    from mirage_py.convert.evidence import evidence
    from mirage_py.convert.infer import analyse
    from mirage_py.convert.names import name_all
    from mirage_py.convert.parse import parse
    from mirage_py.convert.report import Report
    from mirage_py.convert.walk import Walk

    parsed = parse(source, file)
    dialect = dialect_of(parsed, evidence(parsed))
    report = Report()
    for name, line in dialect.strays:
        report.add(line, "dialect", f"no release of mirage accepts this: {name} in a file for {dialect.words}")
    analysis = analyse(parsed, dialect.release, dialect.lowest if dialect.stated else BEYOND)
    context = Context(source=parsed, analysis=analysis, dialect=dialect, report=report, emit=_nothing, way=_nothing)
    statements = Walk(context, Comments(parsed)).run()
    name_all(statements, report)
    return Program(
        file=file,
        dialect=dialect,
        statements=tuple(statements),
        notes=tuple(sorted(report.notes.values(), key=lambda note: note.line)),
        undone=tuple(_undone(statements)),
    )


def _nothing(expr: t.Expr) -> PyExpr:
    raise AssertionError(expr)


def _undone(statements: list[AnyStatement]) -> list[Undone]:
    return [Undone(line=one.place, reason=one.reason, ocaml=one.ocaml) for one in statements if isinstance(one, Todo)]

"""Convert: a config.ml of the OCaml tool becomes a config.py that a person would have written."""

from __future__ import annotations

from pathlib import Path

from mirage_py.convert import Program, read
from mirage_py.dataclass import dataclass
from mirage_py.doors.files import create, write_whole
from mirage_py.errors import MpyError, WouldOverwrite
from mirage_py.project import loader


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The program that a file is, and where it was written; `output` is None when it was only looked at.

    `refusal` is why mpy's language does not take it, where every line of it could be said in that language.
    """

    program: Program
    text: str
    output: Path | None
    refusal: MpyError | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left for a person to do."""
        return not self.program.undone and self.refusal is None


def convert(file: Path, output: Path | None, *, force: bool = False) -> Converted:
    """Read an OCaml configuration, and write it as Python unless `output` is None.

    Raises `ConfigError` for what is no OCaml, `WouldOverwrite` for an output that is there already, unless forced.
    """
    program = read(loader.read(file), str(file))
    text = program.text()
    if output is not None:
        if force:
            write_whole(output, text)
        else:
            _create(output, text)
    return Converted(program=program, text=text, output=output, refusal=_refusal(program, file))


def _refusal(program: Program, file: Path) -> MpyError | None:
    """What is wrong with a program that converted line by line: devices that do not fit, names that are refused."""
    if program.undone:
        return None
    try:
        loader.declared(program.code(), file)
    except MpyError as error:
        return error
    return None


def _create(output: Path, text: str) -> None:
    try:
        create(output.parent, {output.name: text})
    except WouldOverwrite as error:
        error.hint = "-o FILE writes elsewhere; --force replaces it"
        raise

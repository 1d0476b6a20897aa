"""Convert: a config.ml of the OCaml tool becomes a config.py that a person would have written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mirage_py.convert import Program, read
from mirage_py.doors.files import create, write_whole
from mirage_py.errors import WouldOverwrite
from mirage_py.project import loader


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The program that a file is, and where it was written; `output` is None when it was only looked at."""

    program: Program
    text: str
    output: Path | None


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
    return Converted(program=program, text=text, output=output)


def _create(output: Path, text: str) -> None:
    try:
        create(output.parent, {output.name: text})
    except WouldOverwrite as error:
        error.hint = "-o FILE writes elsewhere; --force replaces it"
        raise

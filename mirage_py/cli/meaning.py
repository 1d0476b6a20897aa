"""What a line means, remembered by its words: a line that was read before is carried out without being read again.

What it means follows from its words and from mpy's own code, as long as it names no key: which those are, the
configuration says. So what imports the parameters of commands, and typer where a line is not plain, is for lines that
were never seen, for help and for errors. What depends on more is found out each time: the folder that `-C` leads to,
and the configuration that is here or above.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from mirage_py._version import __version__
from mirage_py.cli.line import Line, Reading
from mirage_py.cli.settings import go_there
from mirage_py.doors import answers

__all__ = ["keep", "recall"]

FORMAT: Final = 1
"""Raised when the meaning of what is stored changes."""

Plain = bool | int | float | str | None | tuple["Plain", ...] | list["Plain"]


def recall(line: list[str]) -> Reading | None:
    """What a line means that was read before, in the folder that it names; None for one that has to be read.

    Raises a UsageError where that folder is not there.
    """
    if not _is_wanted():
        return None
    with answers.aside():
        found = answers.recall(_key(line))
        if found is None or found.rest is None or not found.holds():
            return None
    answers.note("state", *(path for _, path in found.inputs))
    return _as_read(found.rest)


def keep(line: list[str], reading: Reading) -> None:
    """Remember what a line means, unless it names a key, or was given what cannot be kept."""
    if not _is_wanted() or reading.line.config is not None:
        return
    try:
        rest = {
            "where": reading.line.where,
            "given": {name: _plain(value) for name, value in reading.given.items()},
            "located": reading.located,
            "everywhere": {name: _plain(value) for name, value in reading.everywhere.items()},
        }
    except TypeError:
        return
    with answers.aside():
        answers.keep(_key(line), {("state", path): answers.seen("state", path) for path in _read_by()}, [], rest)


def _is_wanted() -> bool:
    return os.environ.get("MPY_REMEMBER") != "no"


def _key(line: list[str]) -> bytes:
    return answers.exact(("meaning", FORMAT, __version__, sys.version, sys.executable, line))


def _read_by() -> list[str]:
    """The files of the modules that read lines: commands with what they share, and typer where it was asked."""
    names = [name for name in sys.modules if name == "typer" or name.startswith("mirage_py.cli.")]
    return [file for name in names if (file := getattr(sys.modules[name], "__file__", None))]


def _as_read(stored: dict[str, Any]) -> Reading:
    _, command, *further = stored["where"].split()
    everywhere = _values(stored["everywhere"])
    go_there(everywhere)
    found: Any = import_module(f"mirage_py.cli.{command.replace('-', '_')}").COMMAND
    for name in further:
        found = found.commands[name]
    return Reading(
        line=Line(where=stored["where"]),
        function=found.function,
        given=_values(stored["given"]),
        located=stored["located"],
        everywhere=everywhere,
    )


def _plain(value: object) -> Plain:
    """A value as marshal keeps it: a path is told apart from a text."""
    match value:
        case Path():
            return ("path", str(value))
        case list():
            return [_plain(one) for one in value]
        case bool() | int() | float() | str() | None:
            return value
        case _:
            raise TypeError(type(value))


def _values(stored: Mapping[str, Plain]) -> dict[str, Any]:  # any: of many types
    return {name: _value(value) for name, value in stored.items()}


def _value(stored: Plain) -> object:
    match stored:
        case ("path", str(path)):
            return Path(path)
        case list():
            return [_value(one) for one in stored]
        case _:
            return stored

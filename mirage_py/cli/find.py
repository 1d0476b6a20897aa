"""Which command a line names, and what is left of the line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from mirage_py.cli import words
from mirage_py.cli.command import Command, Group
from mirage_py.cli.commands import COMMANDS
from mirage_py.cli.everywhere import ALONE, EVERYWHERE
from mirage_py.dataclass import dataclass


@dataclass(frozen=True, kw_only=True)
class Found:
    """The command that a line names (None where it names none), and the line without its name."""

    where: str
    what: Command | Group | None
    line: list[str]
    commands: Mapping[str, str]
    """What could be named next, with what each does."""


def find(line: list[str]) -> Found:
    """The command that the first words of a line name; a UsageError when there is none of that name."""
    leading = words.sort(line, (*EVERYWHERE, *ALONE), up_to_word=True)
    if not leading.rest:
        return Found(where="mpy", what=None, line=line, commands=COMMANDS)
    name, *rest = leading.rest
    before = line[: len(line) - len(leading.rest)]
    what = command_named(name)
    if not isinstance(what, Group):
        return Found(where=f"mpy {name}", what=what, line=[*before, *rest], commands={})
    return _find_in(name, what, before, rest)


def _find_in(name: str, group: Group, before: list[str], line: list[str]) -> Found:
    leading = words.sort(line, EVERYWHERE, up_to_word=True)
    summaries = {word: one.help.partition("\n")[0] for word, one in group.commands.items()}
    if not leading.rest:
        return Found(where=f"mpy {name}", what=group, line=[*before, *line], commands=summaries)
    word, *rest = leading.rest
    _check_there(f"mpy {name}", word, group.commands)
    between = line[: len(line) - len(leading.rest)]
    return Found(where=f"mpy {name} {word}", what=group.commands[word], line=[*before, *between, *rest], commands={})


def command_named(name: str) -> Command | Group:
    """The command of this name; a UsageError when there is none."""
    _check_there("mpy", name, COMMANDS)
    module: Any = import_module(f"mirage_py.cli.{name.replace('-', '_')}")
    made: Command | Group = module.COMMAND
    return made


def _check_there(where: str, name: str, there: Mapping[str, object]) -> None:
    if name not in there:
        from mirage_py.cli.meant import no_command

        raise no_command(where, name, there)

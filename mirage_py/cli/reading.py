"""A command line, read: which command, its arguments, and what the keys of the configuration were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage_py.cli import keys, words
from mirage_py.cli.command import Command, Parameter, one_json
from mirage_py.cli.everywhere import EVERYWHERE
from mirage_py.cli.line import Line, Reading
from mirage_py.cli.options import CONFIG
from mirage_py.cli.settings import go_there
from mirage_py.cli.where import here_or_above
from mirage_py.doors import signals

if TYPE_CHECKING:
    from mirage_py.dsl.config import Config
    from mirage_py.dsl.key import Key


def read(where: str, command: Command, line: Sequence[str]) -> Reading:
    """Read the words of a line for a command, and go to the folder that they name.

    Raises a UsageError for words that cannot be taken, and what loading raises where the keys have to be known.
    """
    known = (*command.parameters, *EVERYWHERE)
    found = words.sort(line, known)
    go_there({"directory": Path(found.given["directory"][-1])} if found.given.get("directory") else {})
    if "help" in found.given:
        everywhere = {"help": True}
        return Reading(line=Line(where=where), function=command.function, given={}, located=(), everywhere=everywhere)
    asked = Line(where=where)
    if found.strange and command.takes_keys:
        config, open_keys = _learned(list(line))
        found = words.sort(line, known, keys.readable(open_keys))
        asked = Line(where=where, config=config, flags={name: tuple(given) for name, given in found.keys.items()})
        _refuse(where, found, known, open_keys, line=line, config=config)
    _refuse(where, found, known, {}, line=line)
    return _read(asked, command, found, known)


def _read(asked: Line, command: Command, found: words.Sorted, known: tuple[Parameter, ...]) -> Reading:
    given = words.values(asked.where, found, known)
    shared = {one.name for one in EVERYWHERE}
    return Reading(
        line=asked,
        function=command.function,
        given=one_json(command, {name: value for name, value in given.items() if name not in shared}),
        located=tuple(one.name for one in command.parameters if one.default is CONFIG),
        everywhere={name: value for name, value in given.items() if name in shared},
    )


def _learned(line: list[str]) -> tuple[Config, Mapping[str, Key[Any]]]:
    from mirage_py.project.loader import load

    with signals.at_once():
        config = load(keys.named_file(line) or here_or_above())
    return config, keys.keys_of(config)


def _refuse(
    where: str,
    found: words.Sorted,
    known: Sequence[Parameter],
    open_keys: Mapping[str, Any],
    *,
    line: Sequence[str],
    config: Config | None = None,
) -> None:
    if found.strange:
        from mirage_py.cli.meant import Misread, no_option

        file = keys.named_file(list(line)) or here_or_above()
        raise no_option(
            Misread(where=where, found=found, known=known, line=line, open_keys=open_keys, config=config, file=file)
        )

"""A command line, read: which command, its arguments, and what the keys of the configuration were given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage_py.cli import keys, words
from mirage_py.cli.command import Command, Parameter, one_json
from mirage_py.cli.everywhere import EVERYWHERE, go_there
from mirage_py.cli.options import CONFIG
from mirage_py.cli.where import here_or_above
from mirage_py.dataclass import dataclass, field
from mirage_py.doors import signals

if TYPE_CHECKING:
    from mirage_py.dsl.config import Config
    from mirage_py.dsl.key import Key
    from mirage_py.model.toolchain import Link, ToolchainChoice
    from mirage_py.workflow.request import Request


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a command may want to know of its line beside its arguments: take `line` as the first parameter.

    `where` is the command as one types it. `config` is the configuration, where it had to be loaded to read the line:
    it runs once. `flags` are the keys that the line names, with what each was given.
    """

    where: str
    config: Config | None = None
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A line for a command: what calls it, and what the options of every command were given."""

    line: Line
    arguments: Mapping[str, Any]
    everywhere: Mapping[str, Any]


def read(where: str, command: Command, line: Sequence[str]) -> Reading:
    """Read the words of a line for a command, and go to the folder that they name.

    Raises a UsageError for words that cannot be taken, and what loading raises where the keys have to be known.
    """
    known = (*command.parameters, *EVERYWHERE)
    found = words.sort(line, known)
    go_there({"directory": Path(found.given["directory"][-1])} if found.given.get("directory") else {})
    if "help" in found.given:
        return Reading(line=Line(where=where), arguments={}, everywhere={"help": True})
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
    own = one_json(command, {name: value for name, value in given.items() if name not in shared})
    return Reading(
        line=asked,
        arguments={**_located(command), **own},
        everywhere={name: value for name, value in given.items() if name in shared},
    )


def _located(command: Command) -> dict[str, Path]:
    """The configuration where a command takes one: the one that is here or above."""
    return {one.name: here_or_above() for one in command.parameters if one.default is CONFIG}


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


# ---------------------------------------------------------------------------------------------------------------------
# What a use case is asked


def request(
    line: Line,
    *,
    file: Path,
    targets: list[str] | None,
    unikernels: list[str] | None,
    output: str | None = None,
    link: Link | None = None,
    toolchain: ToolchainChoice | None = None,
    reset: bool = False,
) -> Request:
    """What the command line asks of the workflow."""
    from mirage_py.workflow.request import Request

    return Request(
        file=file,
        config=line.config,
        targets=tuple(targets or ()),
        unikernels=tuple(unikernels or ()),
        output=output,
        link=link,
        toolchain=toolchain,
        flags=line.flags,
        environment=dict(os.environ),
        reset=reset,
    )

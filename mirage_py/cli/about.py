"""Mpy itself, and commands that have commands: what there is, and which mpy it is."""

from __future__ import annotations

from typing import Final

from mirage_py._version import __version__
from mirage_py.cli import words
from mirage_py.cli.command import Group
from mirage_py.cli.everywhere import ALONE, EVERYWHERE
from mirage_py.cli.find import Found
from mirage_py.cli.settings import go_there, settle
from mirage_py.doors import terminal as console

ABOUT: Final = """Compose a MirageOS unikernel in Python, for several targets at once.

`mpy COMMAND --help` and `mpy help COMMAND` tell about a command; beside a config.py they list the keys of that
configuration too."""


def asking_for_help(line: list[str]) -> list[str]:
    """`mpy help COMMAND` is `mpy COMMAND --help`."""
    leading = words.sort(line, (*EVERYWHERE, *ALONE), up_to_word=True)
    if leading.rest[:1] != ["help"]:
        return line
    return [*line[: len(line) - len(leading.rest)], *leading.rest[1:], "--help"]


def about(found: Found) -> int:
    """Mpy itself, or a command that has commands: its version, or what commands there are."""
    known = EVERYWHERE if found.what else (*EVERYWHERE, *ALONE)
    sorted_ = words.sort(found.line, known)
    if sorted_.strange:
        from mirage_py.cli.meant import Misread, no_option

        raise no_option(Misread(where=found.where, found=sorted_, known=known, line=found.line))
    values = words.values(found.where, sorted_, known)
    go_there(values)
    settle(values)
    console.result(f"mpy {__version__}" if values.get("version") else _help(found))
    return 0


def _help(found: Found) -> str:
    from mirage_py.cli.help import group_help

    if isinstance(found.what, Group):
        return group_help(found.where, found.what.summary, found.commands)
    return group_help(found.where, ABOUT, found.commands, ALONE)

"""The options that every command has, before its name or after it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mirage_py.cli.command import option, parameters
from mirage_py.doors import terminal as console
from mirage_py.errors import UsageError

if TYPE_CHECKING:
    from mirage_py.model.command import Command as StartedCommand


def _everywhere(
    directory: Annotated[Path | None, option("-C", metavar="DIR", help="as if started in this folder")] = None,
    verbose: Annotated[
        int, option("-v", "--verbose", count=True, help="tell the files, and the commands that are started")
    ] = 0,
    quiet: Annotated[bool, option("-q", "--quiet", help="tell errors and results only")] = False,
    color: Annotated[
        Literal["auto", "always", "never"] | None,
        option("--color", help="colours: auto on a terminal, unless NO_COLOR is set"),
    ] = None,
    log_format: Annotated[
        Literal["text", "json"] | None, option("--log-format", help="messages as text, or as one JSON object a line")
    ] = None,
    help: Annotated[bool, option("-h", "--help", help="tell this, and end")] = False,
) -> None: ...


def _alone(version: Annotated[bool, option("--version", help="print the version and end")] = False) -> None: ...


EVERYWHERE = parameters(_everywhere)
ALONE = parameters(_alone)
"""What `mpy` takes beside that, without a command."""


def go_there(given: Mapping[str, Any]) -> None:
    """Obey `-C`, which every other path of the line is relative to."""
    folder: Path | None = given.get("directory")
    if folder is None:
        return
    try:
        os.chdir(folder)
    except OSError as refused:
        raise UsageError(f"-C {folder}: {_reason(refused)}", hint="name a folder that is there") from None


def settle(given: Mapping[str, Any]) -> None:
    """Set the terminal to what the line asks for."""
    if given.get("quiet"):
        console.settings.verbosity = -1
    elif given.get("verbose") and console.settings.verbosity <= 0:
        from mirage_py.doors.processes import observe

        console.settings.verbosity = given["verbose"]
        observe(_tell_command)
    console.settings.color = given.get("color") or console.settings.color
    console.settings.log_format = given.get("log_format") or console.settings.log_format


def _reason(refused: OSError) -> str:
    return (refused.strerror or "not to be entered")[:1].lower() + (refused.strerror or "not to be entered")[1:]


def _tell_command(command: StartedCommand) -> None:
    """As one could type it; an observer outlives its command line only in tests, hence the question."""
    if console.settings.verbosity > 0:
        console.detail(f"$ {command}", event="command", purpose=command.purpose)

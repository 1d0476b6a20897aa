"""What the options of every command do: where mpy is at work, how much it tells, and in which form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage_py.doors import terminal as console
from mirage_py.errors import UsageError

if TYPE_CHECKING:
    from mirage_py.model.command import Command


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


def _tell_command(command: Command) -> None:
    """As one could type it; an observer outlives its command line only in tests, hence the question."""
    if console.settings.verbosity > 0:
        console.detail(f"$ {command}", event="command", purpose=command.purpose)

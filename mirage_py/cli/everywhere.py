"""The options that every command has, before its name or after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from mirage_py.cli.command import option, parameters


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

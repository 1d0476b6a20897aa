"""What a command gets of its line beside its arguments, and what it asks of a use case."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage_py.dataclass import dataclass, field

if TYPE_CHECKING:
    from mirage_py.dsl.config import Config
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
    """A line that was read: which function carries it out, what that is given, and what every command takes.

    `located` are the parameters that are the configuration here or above where the line does not name one.
    """

    line: Line
    function: Callable[..., int | None]
    given: Mapping[str, Any]
    located: tuple[str, ...]
    everywhere: Mapping[str, Any]

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What the function is called with."""
        from mirage_py.cli.where import here_or_above

        return {name: here_or_above() for name in self.located if name not in self.given} | dict(self.given)


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

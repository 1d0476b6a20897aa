"""The first step of an image is begun when dune has made its program, while it ends, or makes others.

That is a head start and no more: where what the step has read is something else when dune is done, it is performed
again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_py.build.ending import Ending
from mirage_py.doors import answers
from mirage_py.doors.processes import which
from mirage_py.doors.rows import Begun
from mirage_py.toolchain.steps import begin, state

if TYPE_CHECKING:
    from mirage_py.doors.children import Children
    from mirage_py.model.command import Command
    from mirage_py.toolchain.steps import Step

__all__ = ["Early"]


class Early:
    """The first steps of these images, as far as they are begun among these children of mpy; none without those."""

    def __init__(self, endings: Iterable[Ending] = (), children: Children | None = None) -> None:
        self._children = children
        self._waiting: dict[Path, list[Step]] = {}
        for one in endings:
            self._waiting.setdefault(one.program, []).append(one.link or one.strip)
        self._before = {program: answers.whole_now(str(program)) for program in self._waiting}
        self._begun: dict[Path, tuple[bytes, Begun]] = {}

    def go_ahead(self) -> None:
        """Begin what dune has made the program of since; no more at once than there are processors."""
        for program in [one for one, before in self._before.items() if _is_made(str(one), before)]:
            del self._before[program]
            for step in self._waiting[program]:
                if self._children is not None and len(self._begun) < max(2, os.cpu_count() or 1):
                    read = state(step)
                    for command in begin(step):
                        self._begun[step.output] = read, _start(command, self._children)

    def begin(self, step: Step) -> tuple[Command | Begun, ...]:
        """What performs a step that is pending, as `begin` gives it, or what was begun."""
        read, begun = self._begun.pop(step.output, (b"", None))
        if begun is None:
            return begin(step)
        if read == state(step):
            return (begun,)
        begun.children.wait()  # it writes to the same place
        return begin(step)


def _start(command: Command, children: Children) -> Begun:
    program = which(command.argv[0], command.env.get("PATH"))
    children.start((str(program or command.argv[0]), *command.argv[1:]), str(command.cwd or "."), command.env)
    return Begun(command, children, len(children.codes) - 1)


def _is_made(program: str, before: tuple[int, ...] | None) -> bool:
    """Whether a program is there that was not: dune takes the right to write from what it is done with."""
    now = answers.whole_now(program)  # it is looked at many times
    return now is not None and now != before and not now[0] & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)

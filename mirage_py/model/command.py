"""A process as a value: it can be shown, compared, tested and run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from mirage_py.dataclass import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Command:
    """One process to start: its words, what it is for, where it runs and what its environment adds.

    `env` is laid over the environment of mpy; a value of None removes the variable. `timeout` is in seconds.
    """

    argv: tuple[str, ...]
    purpose: str
    cwd: Path | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)
    timeout: float | None = None

    def __str__(self) -> str:
        """The command in a form that can be pasted into a POSIX shell."""
        sets = [f"{name}={shlex.quote(value)}" for name, value in sorted(self.env.items()) if value is not None]
        unsets = [word for name, value in sorted(self.env.items()) if value is None for word in ("-u", name)]
        prefix = ["env", *unsets, *sets] if unsets else sets
        return " ".join([*prefix, shlex.join(self.argv)])

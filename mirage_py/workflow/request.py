"""What a command was asked to do, before config.py has been read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_py.dataclass import dataclass, field

if TYPE_CHECKING:
    from mirage_py.dsl.config import Config
    from mirage_py.model.toolchain import Link, ToolchainChoice

Progress = Callable[[str], None]
"""Told what is being done, in a few words, whenever that changes."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command was asked to do, before config.py has been read.

    `flags` are the options that are no options of mpy: key names without dashes to what was given, in order.
    `targets` and `unikernels` are empty where the command line leaves them open. `config` is what `file` declares,
    where that was loaded already, to learn the keys that the command line names: a config.py runs once.
    """

    file: Path = Path("config.py")
    config: Config | None = None
    targets: tuple[str, ...] = ()
    unikernels: tuple[str, ...] = ()
    output: str | None = None
    link: Link | None = None
    toolchain: ToolchainChoice | None = None
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False

    @property
    def folder(self) -> Path:
        """The folder of config.py, absolute."""
        return self.file.absolute().parent

    @property
    def mirage(self) -> Path:
        """Where everything generated lives."""
        return self.folder / "mirage"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How to lock: `repositories` in place of the project's, another compiler than the machine's, what may serve.

    `update` names the packages that are to move (none of them: all); None keeps what is locked where it can stay.
    """

    repositories: tuple[str, ...] = ()
    ocaml: str | None = None
    dune: str | None = None
    bundled: bool = True
    installed: bool = False
    update: tuple[str, ...] | None = None
    offline: bool = False
    dry: bool = False

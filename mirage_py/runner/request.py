"""What `mpy run` was asked: which image, on what devices, with which words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mirage_py.dataclass import dataclass, field
from mirage_py.model.plan import Plan

__all__ = ["RunRequest", "shown"]


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """An image to run. `nets` and `blocks` give each device of the unikernel an interface and a file of the host.

    `mem` is in MB; None leaves it to the target's default. `timeout` is in seconds. `tender` and `elftool` are Solo5's
    programs, None where they are not on this machine.
    """

    plan: Plan
    image: Path
    args: tuple[str, ...] = ()
    nets: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, Path] = field(default_factory=dict)
    mem: int | None = None
    tender: Path | None = None
    elftool: Path | None = None
    emulate: bool = False
    timeout: float | None = None

    @property
    def bridged(self) -> bool:
        """Whether a network interface is connected to a bridge; elsewhere it is a tap device."""
        return self.plan.target == "xen" and not self.emulate

    @property
    def place(self) -> str:
        """The image as one would type it from here."""
        return shown(self.image)


def shown(path: Path) -> str:
    """A path as one would type it from here: relative where it lies below the current directory."""
    absolute = path.absolute()
    here = Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)

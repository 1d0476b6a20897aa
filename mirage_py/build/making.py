"""An image in the making: one value for all that its last steps take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.dataclass import dataclass
from mirage_py.project.folders import dune_root

if TYPE_CHECKING:  # whoever only needs to know where things are made imports none of it
    from mirage_py.build.stubs import TargetStubs
    from mirage_py.model.closure import Closure
    from mirage_py.model.plan import Plan
    from mirage_py.model.toolchain import Toolchain

__all__ = ["BUILD", "BY_HAND", "MACHINE", "Making", "build_dir"]

MACHINE: Final = "mirage/machine"
"""Where what this machine adds to the plans is written."""

BUILD: Final = "mirage/_build"
BY_HAND: Final = "mirage/.stubs"
"""Where the build directories of targets are that are linked by hand: one of the folders that `mpy clean` removes."""


def build_dir(target: str, *, by_hand: bool) -> str:
    """The build directory of dune for a target, below the folder of config.py; one that mpy links has its own."""
    return f"{BY_HAND}/_build-{target}" if by_hand else BUILD


@dataclass(frozen=True, kw_only=True)
class Making:
    """A plan that dune has compiled, in the folder of config.py, with its closure, toolchain and C archives.

    `leader` is the plan whose program it is: its own, or one that differs in the bindings alone; `shared` says that
    this program serves several, and lacks the bindings. `asked` is what pkg-config says of the unikernel's own C,
    `replacing` how the linker is told of what takes the place of functions of the C library.
    """

    folder: Path
    plan: Plan
    leader: Plan
    closure: Closure
    toolchain: Toolchain
    stubs: tuple[TargetStubs, ...] = ()
    shared: bool = False
    asked: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()

    @property
    def by_hand(self) -> bool:
        """Whether mpy runs the linker itself, dune's program being one object of OCaml."""
        return self.toolchain.generation == "pkg-config"

    @property
    def mapped_by_dune(self) -> bool:
        """Whether the linker that dune starts is told to write a map; what mpy links itself has one of its own."""
        return self.toolchain.generation == "cross"

    @property
    def context(self) -> Path:
        """The folder of the dune context that the program was compiled in; the linker ran there."""
        return self.folder / build_dir(self.plan.target, by_hand=self.by_hand) / self.plan.context

    @property
    def program(self) -> Path:
        """What dune left of the plan, or of its leader."""
        whose = self.plan if self.by_hand else self.leader
        below = self.folder.relative_to(dune_root(self.folder))
        return self.context / below / "mirage" / whose.label / "main.exe"

    def source_of(self, file: Path) -> Path | None:
        """What a file of the context was compiled from, or beside; None for a file of elsewhere."""
        return dune_root(self.folder) / file.relative_to(self.context) if file.is_relative_to(self.context) else None

    def own(self, source: Path) -> bool:
        """Whether it is the unikernel's own, not a library's: its folder below `mirage/`."""
        return source.is_relative_to(self.folder / "mirage" / self.leader.label)

"""The last steps of an image, as a value: all that they take, without what decided it.

A build that was made before reads no more than this when dune has done its work, and imports no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mirage_py.dataclass import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from mirage_py.toolchain.steps import Step

__all__ = ["Ending", "Grounds"]


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """Where the objects of an image may come from: below trees, from folders without what is below them, from files.

    `helper`: the C compiler's own arithmetic is among them.
    """

    trees: tuple[Path, ...]
    folders: tuple[Path, ...]
    files: frozenset[Path]
    helper: bool = False


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What becomes of a program that dune has made: how it is linked, what may be in it, how it is stripped.

    `program` is what dune left, `leader` the label of the plan that it was made for, `context` the folder in which the
    linker ran that dune started. `devices` are those of the manifest, where `elftool` reads one.
    """

    label: str
    name: str
    target: str
    image: str
    leader: str
    folder: Path
    context: Path
    program: Path
    mapped_by_dune: bool
    link: Step | None
    strip: Step
    grounds: Grounds
    run_command: str
    devices: tuple[str, ...] = ()
    elftool: Path | None = None

    @property
    def linked(self) -> Path:
        """What is looked into, and stripped."""
        return self.link.output if self.link else self.program

    @property
    def installed(self) -> str:
        """The path of the image, from the folder of config.py."""
        return f"dist/{self.image}"

    @property
    def debug_image(self) -> str:
        """The path of what was linked, for a debugger: the image with its debug information."""
        return f"dist/{self.label.removesuffix(f'-{self.target}')}.{self.target}.debug"

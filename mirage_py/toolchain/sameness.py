"""The same image from whatever folder, by whatever user: where something was compiled is no part of what it is.

Compilers note the folder they ran in, for debuggers, and the names of sources, for messages. Each has its own way to
be told what to write instead: gcc and clang by a flag, ocamlopt (and the assembler through it) by the variable
BUILD_PATH_PREFIX_MAP, as https://reproducible-builds.org/specs/build-path-prefix-map has it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["ROOT", "c_flags", "environment"]

ROOT: Final = "/workspace_root"
"""What stands for the root of the dune project in whatever is compiled below it; dune's own word for it."""


def c_flags(root: Path, *others: tuple[Path, str]) -> tuple[str, ...]:
    """What a C compiler is told, so that no path below the root, or below the other folders, gets into an object.

    The compilers take the last one that fits, hence the root after the others.
    """
    return tuple(f"-ffile-prefix-map={place}={name}" for place, name in (*others, (root, ROOT)))


def environment(root: Path) -> dict[str, str | None]:
    """What ocamlopt is told, so that no path below the root gets into an object."""
    return {"BUILD_PATH_PREFIX_MAP": f"{_escaped(ROOT)}={_escaped(str(root))}"}


def _escaped(text: str) -> str:
    return text.replace("%", "%#").replace("=", "%+").replace(":", "%.")

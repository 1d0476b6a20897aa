"""Dune files that are OCaml programs: what they describe is what dune has them print, so dune is asked."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mirage_py.doors import memory
from mirage_py.errors import MpyError
from mirage_py.model.command import Command
from mirage_py.project.reading import text_of

__all__ = ["is_program", "printed_by"]

MARK: Final = "(* -*- tuareg -*- *)"
LARGEST: Final = 1 << 20
"""Bytes of a file beside the program that it may want to read: such a program looks at a version or a configuration."""

SECONDS: Final = 60.0


def is_program(text: str) -> bool:
    """Whether a dune file begins as dune wants it for one that is an OCaml program."""
    return text.startswith(MARK)


def printed_by(file: Path) -> str:
    """The stanzas that the program writes for the default context; remembered until it or what is beside it changes.

    Raises `MpyError` where dune is not here, and for a program that fails.
    """
    text = text_of(file)
    key = memory.environment("PATH", "OCAMLPATH") | {
        "file": str(file),
        "text": hashlib.sha256(text.encode()).hexdigest(),
    }
    known = memory.recall("dune-program", key)
    if not isinstance(known, str):
        known = _ask(file)
        memory.remember("dune-program", key, known, (file.parent, *_beside(file.parent)))
    return known


def _ask(file: Path) -> str:
    """Have dune run the program in a copy of its folder: nothing is left in the sources."""
    from mirage_py.doors.processes import run

    with TemporaryDirectory(prefix="mpy-dune-") as place:
        root = Path(place)
        (root / "dune-project").write_text("(lang dune 2.0)\n")
        (root / "it").mkdir()
        for one in _beside(file.parent):
            shutil.copyfile(one, root / "it" / one.name)
        command = Command(
            argv=("dune", "describe", "--root", "."),
            purpose=f"have dune run {file}",
            cwd=root,
            env={"DUNE_BUILD_DIR": None, "INSIDE_DUNE": None},
            timeout=SECONDS,
        )
        told = run(command, check=False)  # what it says of the stanzas is of no interest: the rest is not there
        try:
            return text_of(root / "_build/.dune/default/it/dune")
        except OSError:
            reason = next((line for line in told.output.splitlines() if "rror" in line), "dune says nothing of it")
            raise MpyError(f"dune cannot run it: {reason}") from None


def _beside(folder: Path) -> list[Path]:
    """The files of the folder, small ones only, and no links."""
    there = sorted(one for one in folder.iterdir() if one.is_file() and not one.is_symlink())
    return [one for one in there if one.stat().st_size <= LARGEST]

"""The linker's maps of what dune links: where they are written, and which belongs to the program that is there.

dune runs a link only where something has changed, and may bring a program back from its cache; then no map is written.
So a map is taken from its place as soon as it is there, and kept under the digest of the program it came with. One that
has none is linked again: the place of the map is a word of the linker's command, and takes another name for that.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from mirage_py.build.ending import Ending
from mirage_py.build.linkmap import Linked, linked_objects
from mirage_py.digest import sha256_of
from mirage_py.errors import ToolFailed
from mirage_py.project.reading import bytes_of, text_of

__all__ = ["FROM_CONTEXT", "ask_anew", "claim_map", "forget_unclaimed", "map_of", "place_of_map", "read_map"]

MAPS: Final = "mirage/.stubs/maps"
FROM_CONTEXT: Final = "../.."
"""From the folder of a dune context, in which the linker runs, to `mirage/`: the command is the same everywhere."""

KEPT: Final = 4
"""Maps of earlier programs that are kept for each image: a change that is taken back needs no link."""

SUFFIX: Final = ".map"
_WORD: Final = re.compile(r"next-[0-9a-f]{8}")


def place_of_map(folder: Path, label: str) -> str:
    """Where the next link is to write its map, below `mirage/`; the name stays the same until `ask_anew`."""
    name = folder / MAPS / label / "place"
    try:
        word = text_of(name)
    except OSError:
        word = ""
    if not _WORD.fullmatch(word):  # nothing yet, or nothing of mpy's
        word = ask_anew(folder, label)
    return f"{MAPS.removeprefix('mirage/')}/{label}/{word}{SUFFIX}"


def ask_anew(folder: Path, label: str) -> str:
    """Choose another name for the map, so that the link is run whatever dune remembers."""
    word = f"next-{os.urandom(4).hex()}"
    place = folder / MAPS / label
    place.mkdir(parents=True, exist_ok=True)
    (place / "place").write_text(word, "utf-8")
    return word


def forget_unclaimed(folder: Path, label: str) -> None:
    """Before a dune run: away with a map that an earlier one wrote and that nobody took, as when it was ended."""
    (folder / "mirage" / place_of_map(folder, label)).unlink(missing_ok=True)


def claim_map(ending: Ending) -> bool:
    """After a dune run: keep the map under the program's digest where one was written; whether the program has one."""
    kept = _kept(ending)
    written = ending.folder / "mirage" / place_of_map(ending.folder, ending.leader)
    if written.is_file():
        written.replace(kept)
        _forget_others(kept)
    return kept.is_file()


def map_of(ending: Ending) -> Path:
    """The map of a program that dune linked. Raises ToolFailed where it has none."""
    kept = _kept(ending)
    if not kept.is_file():
        raise _unmapped(ending.image)
    return kept


def read_map(file: Path, base: Path) -> tuple[Linked, ...]:
    """The objects that a map tells of. Raises ToolFailed where it tells of none, as another linker's does."""
    found = linked_objects(bytes_of(file).decode("utf-8", "surrogateescape"), base)
    if not found:
        raise _unmapped(file.name)
    return found


def _unmapped(what: str) -> ToolFailed:
    return ToolFailed(
        f"the linker told nothing of what it put into {what}",
        details=("an image that cannot be looked into is not handed over: it may hold what is of this machine",),
        hint="mpy clean, and build again; Solo5's tools have to start the GNU linker (binutils), which writes a map",
    )


def _kept(ending: Ending) -> Path:
    descriptor = os.open(ending.program, os.O_RDONLY | os.O_CLOEXEC)
    try:
        digest = sha256_of(descriptor)
    finally:
        os.close(descriptor)
    return ending.folder / MAPS / ending.leader / f"{digest[:32]}{SUFFIX}"


def _forget_others(newest: Path) -> None:
    others = sorted(newest.parent.glob(f"*{SUFFIX}"), key=os.path.getmtime, reverse=True)
    for old in [one for one in others if one != newest][KEPT:]:
        old.unlink()

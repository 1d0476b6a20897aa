"""What `mpy build` tells of the images that it made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_py.doors import terminal as console

if TYPE_CHECKING:
    from mirage_py.build.finish import Built

__all__ = ["path_here", "size_text", "tell_images", "tell_root"]


def tell_root(folder: Path) -> None:
    """Whose rules dune has carried out, where that is not the project alone."""
    from mirage_py.project.folders import dune_root

    root = dune_root(folder)
    if root != folder:
        console.say(f"built in the dune project of {path_here(root)}/, above this one", event="root", root=str(root))


def tell_images(images: tuple[Built, ...]) -> None:
    """Path, size and the command that runs it, for each image; with `-q` the path, for a script."""
    rows = [(path_here(one.image), size_text(one.size), one.run_command) for one in images]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for (path, size, run), one in zip(rows, images, strict=True):
        unchanged = "" if one.changed else " (unchanged)"
        told = f"{path:<{widths[0]}}  {size:>{widths[1]}}{unchanged}  run it: {run}"
        console.outcome(
            path if console.settings.verbosity < 0 else told,
            event="built",
            name=one.name,
            target=one.target,
            image=path,
            size=one.size,
            changed=one.changed,
            run=run,
        )


def path_here(image: Path) -> str:
    """As one would type it from here."""
    return os.path.relpath(image) if image.is_relative_to(Path.cwd()) else str(image)


def size_text(size: int) -> str:
    """A number of bytes as a person reads it."""
    amount, unit = float(size), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"

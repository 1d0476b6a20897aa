"""`mpy clean`: remove what mpy generated and built, and nothing else."""

from __future__ import annotations

from mirage_py.cli.command import command
from mirage_py.cli.options import CONFIG, File
from mirage_py.doors import terminal as console
from mirage_py.doors.files import Cleaned, Tree


def clean(file: File = CONFIG) -> None:
    """Remove what mpy generated and built, nothing else.

    A generated file that was changed by hand stays, and is named.
    """
    folder = file.absolute().parent
    if not (folder / "mirage").is_dir():
        console.say("nothing to remove", event="cleaned", removed=[], kept=[])
        return
    tree = Tree(folder)
    with tree.locked(console.say):
        done = tree.clean()
    _tell(done)


COMMAND = command(clean)


def _tell(done: Cleaned) -> None:
    for path in done.removed:
        console.detail(f"  removed {path}", event="file", action="removed", path=path)
    count = f"{len(done.removed)} removed" if done.removed else "nothing to remove"
    console.say(count, event="cleaned", removed=list(done.removed), kept=list(done.kept))
    if done.kept:
        console.warn(
            f"left alone, because it was changed since mpy wrote it: {', '.join(done.kept)}",
            hint="delete it by hand if it is not needed",
        )

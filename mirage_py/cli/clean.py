"""`mpy clean`: remove what mpy generated and built, and nothing else."""

from __future__ import annotations

from typing import Annotated

from mirage_py.cli.command import command, option
from mirage_py.cli.options import CONFIG, File
from mirage_py.doors import terminal as console
from mirage_py.doors.files import Cleaned, Tree


def clean(
    file: File = CONFIG,
    dry_run: Annotated[bool, option("--dry-run", help="tell what would be removed, and remove nothing")] = False,
) -> None:
    """Remove what mpy generated and built, nothing else.

    A generated file that was changed by hand stays, and is named.
    """
    folder = file.absolute().parent
    if not (folder / "mirage").is_dir():
        console.say("nothing to remove", event="cleaned", removed=[], kept=[])
        return
    tree = Tree(folder)
    if dry_run:
        _tell(tree.preview_clean(), dry_run=True)
        return
    with tree.locked(console.say):
        done = tree.clean()
    _tell(done)


COMMAND = command(clean)


def _tell(done: Cleaned, *, dry_run: bool = False) -> None:
    for path in done.removed:
        tell = console.say if dry_run else console.detail
        verb = "would remove" if dry_run else "removed"
        tell(f"  {verb} {path}", event="file", action=verb, path=path)
    count = f"{len(done.removed)} {'to remove' if dry_run else 'removed'}" if done.removed else "nothing to remove"
    head = "dry run: " if dry_run else ""
    console.say(f"{head}{count}", event="cleaned", removed=list(done.removed), kept=list(done.kept), dry_run=dry_run)
    if done.kept:
        console.warn(
            f"left alone, because it was changed since mpy wrote it: {', '.join(done.kept)}",
            hint="delete it by hand if it is not needed",
        )

"""`mpy dev`: a checkout in the place of a vendored package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from mirage_py.cli.command import argument, command, option
from mirage_py.cli.options import CONFIG, File, Mirrors, Offline
from mirage_py.doors import terminal as console
from mirage_py.errors import UsageError


def dev(
    package: Annotated[str | None, argument(metavar="PKG", help="a vendored package")] = None,
    checkout: Annotated[Path | None, argument(metavar="CHECKOUT", folder=True, help="its folder of yours")] = None,
    drop: Annotated[str | None, option("--drop", metavar="PKG", help="let what is locked serve again")] = None,
    file: File = CONFIG,
    mirror: Mirrors = None,
    offline: Offline = False,
) -> None:
    """Put a checkout of yours in the place of a vendored package.

    The checkout is built as it is, with every change, until `mpy dev --drop PKG`. Without words: which checkouts serve.
    """
    from mirage_py.workflow import dev as work

    root = file.absolute().parent
    if drop is not None:
        if package is not None:
            raise UsageError("--drop takes the one package, and no checkout", hint=f"mpy dev --drop {drop}")
        _drop(root, drop, tuple(mirror or ()), offline=offline)
    elif package is None:
        for one in work.chosen_folders(root):
            console.outcome(f"{one.folder}  {one.checkout}", event="dev", folder=one.folder, checkout=one.checkout)
    elif checkout is None:
        raise UsageError("which checkout serves in its place?", hint=f"mpy dev {package} ../{package}")
    else:
        put = work.put(root, package, Path(os.path.abspath(checkout)), waiting=console.say)
        shared = f" (with {', '.join(one for one in put.packages if one != package)})" if put.packages[1:] else ""
        console.say(
            f"{package}{shared} is taken from {put.checkout}, until: mpy dev --drop {package}",
            event="dev",
            folder=put.folder,
            checkout=put.checkout,
        )


COMMAND = command(dev)


def _drop(root: Path, package: str, mirrors: tuple[str, ...], *, offline: bool) -> None:
    from mirage_py.cli.pull import tell
    from mirage_py.packages.lock import FILE
    from mirage_py.workflow.dev import drop
    from mirage_py.workflow.pull import Where, pull

    dropped = drop(root, package, waiting=console.say)
    console.say(f"{dropped.checkout} no longer serves for {package}", event="dev", folder=dropped.folder, checkout=None)
    if (root / FILE).is_file():
        with console.working("fetching sources") as progress:
            done = pull(
                root, Where(mirrors=mirrors, offline=offline), progress=progress, waiting=console.say, warn=console.warn
            )
        tell(done)

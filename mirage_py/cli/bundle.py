"""`mpy bundle`: all that a build needs, as one archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from mirage_py.cli.command import command, option
from mirage_py.cli.options import CONFIG, File
from mirage_py.doors import terminal as console


def bundle(
    file: File = CONFIG,
    output: Annotated[
        Path | None, option("-o", "--output", metavar="FILE", help="the archive; default: dist/FOLDER.tar.gz")
    ] = None,
) -> None:
    """Put all that a build needs into one archive.

    Your files, mpy.lock, the vendored sources and mpy's runtime, each with its digest: what is not in it is the
    compiler and the toolchain. Unpacked elsewhere, `mpy build --offline` makes the same images. The same files give
    the same archive.
    """
    from mirage_py.packages.transfers import size_text
    from mirage_py.workflow.bundle import bundle as make

    root = file.absolute().parent
    with console.working("bundling"):
        made = make(root, file.name, (output or root / "dist" / f"{root.name}.tar.gz").absolute())
    console.outcome(
        f"{os.path.relpath(made.path)}  {size_text(made.size)}  {made.files} files  sha256={made.sha256}",
        event="bundled",
        path=str(made.path),
        size=made.size,
        files=made.files,
        sha256=made.sha256,
    )


COMMAND = command(bundle)

"""`mpy why`: who asked for a locked package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from mirage_py.cli.command import argument, command
from mirage_py.cli.options import CONFIG, File, Json
from mirage_py.doors import terminal as console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mirage_py.packages.why import Why


def why(
    package: Annotated[str, argument(metavar="PKG", help="a package of mpy.lock")],
    file: File = CONFIG,
    as_json: Json = False,
) -> None:
    """Tell who asked for a locked package, with which bounds."""
    from mirage_py.packages.lock_file import read_lock
    from mirage_py.packages.why import why as explained

    found = explained(read_lock(file.absolute().parent), package)
    console.result(json.dumps(found.data, ensure_ascii=False) if as_json else "\n".join(_lines(found)))


COMMAND = command(why)


def _lines(found: Why) -> Iterator[str]:
    paint = console.painter()
    one = found.package
    where = {
        "vendored": f"vendored in mirage/duniverse/{one.source}",
        "bundled": "comes with mpy",
        "installed": "installed on this machine",
        "virtual": "has no files of its own",
    }[one.served]
    yield f"{paint(f'{one.name} {one.version}', 'bold')}: {where}" + (", to build with" if one.scope == "host" else "")
    yield f"  for {', '.join(one.unikernels) or 'no unikernel: only to build others'}"
    for want in one.asked:
        yield f"  {want.by} wants {want.bound or 'any version'}"
    yield f"  nearest: {' > '.join(found.chain)}"

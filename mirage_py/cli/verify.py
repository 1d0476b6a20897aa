"""`mpy verify`: build again elsewhere, and tell whether the images are the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mirage_py.cli.command import command, option
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import (
    CONFIG,
    File,
    Link,
    Prefixes,
    Switch,
    Targets,
    ToolchainFile,
    Unikernels,
    stated,
)
from mirage_py.doors import terminal as console
from mirage_py.errors import Location, MpyError

if TYPE_CHECKING:
    from mirage_py.workflow.verify import Verified


def verify(
    line: Line,
    file: File = CONFIG,
    target: Targets = None,
    unikernel: Unikernels = None,
    jobs: Annotated[int | None, option("-j", "--jobs", metavar="N", least=1, help="processes at once")] = None,
    link: Link = None,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
) -> int:
    """Build again elsewhere; tell whether the images are the same.

    The sources are copied to a folder of another name and built there as another user would, without what was compiled
    before. What comes out is compared with what is in dist/, bit by bit. Where an image differs, its sections are
    named, the symbol at the place, and the objects and libraries that differ; the command ends with 1 then.
    """
    from mirage_py.workflow.verify import verify as verify_all

    tools = stated(toolchain, switch, solo5_prefix)
    asked = request(line, file=file, targets=target, unikernels=unikernel, link=link, toolchain=tools)
    with console.working("configuring") as progress:
        found = verify_all(asked, jobs=jobs, progress=progress, waiting=console.say)
    for one in found:
        _tell(one)
    return 0 if all(one.same for one in found) else MpyError.exit_code


COMMAND = command(verify, takes_keys=True)


def _tell(one: Verified) -> None:
    if one.same:
        said = f"{one.image}: the same bits, built elsewhere"
        console.outcome(said, event="verified", image=one.image, target=one.target, same=True)
        return
    console.error(
        MpyError(
            "built elsewhere, the image is another",
            location=Location(one.image),
            details=(*map(str, one.differences), *map(str, one.objects)),
            hint="look there for a time, a path, a random number, or the order of files in a folder",
        )
    )

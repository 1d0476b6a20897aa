"""`mpy build`: every image in one dune run; configures by itself what has changed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

from mirage_py.cli.command import command, option
from mirage_py.cli.images import path_here, tell_images, tell_root
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import (
    CONFIG,
    File,
    Link,
    Mirrors,
    Offline,
    Output,
    Prefixes,
    Switch,
    Targets,
    ToolchainFile,
    Unikernels,
    stated,
)
from mirage_py.dataclass import replace
from mirage_py.doors import answers, terminal as console
from mirage_py.errors import MpyError
from mirage_py.workflow.build import build as build_all

if TYPE_CHECKING:
    from mirage_py.build.finish import Built
    from mirage_py.workflow.request import Request


def build(
    line: Line,
    file: File = CONFIG,
    target: Targets = None,
    unikernel: Unikernels = None,
    output: Output = None,
    jobs: Annotated[int | None, option("-j", "--jobs", metavar="N", least=1, help="processes at once")] = None,
    dev: Annotated[bool, option("--dev/--release", help="dune's dev profile; release is the default")] = False,
    pull: Annotated[
        bool, option("--pull", help="lay the sources first that mpy.lock names; lock first where there is none")
    ] = False,
    locked: Annotated[bool, option("--locked", help="take no vendored sources but those of mpy.lock")] = False,
    watch: Annotated[bool, option("--watch", help="build again whenever a source is saved, until Ctrl-C")] = False,
    offline: Offline = False,
    mirror: Mirrors = None,
    link: Link = None,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
) -> int:
    """Build the images, into dist/.

    Configures first what was never configured, or has changed since. Without -t for every configured target. What can
    be built here is built; for the rest it tells why not, and ends with the code for that.
    """
    tools = stated(toolchain, switch, solo5_prefix)
    asked = request(line, file=file, targets=target, unikernels=unikernel, output=output, link=link, toolchain=tools)
    if pull:
        answers.never()  # whether all is there is decided file by file
        _pull(asked, mirror, offline=offline)
    again = partial(make, jobs=jobs, dev=dev, locked=locked)
    return _on_save(asked, again) if watch else again(asked)


def _on_save(asked: Request, again: Callable[[Request], int]) -> int:
    """Build now and whenever a source is saved; what fails is told, and waits to be mended. Ends with Ctrl-C."""
    from mirage_py.workflow.watching import saved

    answers.never()
    for files in saved(asked.folder):
        if files:
            told = ", ".join(map(path_here, files[:MOST_SAVED])) + (" ..." if len(files) > MOST_SAVED else "")
            console.say(f"saved: {told}", event="saved", files=[path_here(one) for one in files])
        try:
            again(replace(asked, config=None))  # it is read again: it may be what was saved
        except MpyError as failed:
            console.error(failed)
        console.say("waiting for a source to be saved; Ctrl-C ends", event="waiting")
        sys.stdout.flush()
    return 0


MOST_SAVED = 3
"""Saved files that are named."""


def make(asked: Request, *, jobs: int | None = None, dev: bool = False, locked: bool = False, told: bool = True) -> int:
    """Build what is asked, and tell of the images where that is the answer; the code for what could not be built."""

    def tell(images: tuple[Built, ...]) -> None:
        tell_root(asked.folder)
        if told:
            tell_images(images)

    with console.working("configuring") as progress:
        done = build_all(
            asked,
            jobs=jobs,
            dev=dev,
            locked=locked,
            progress=progress,
            waiting=console.say,
            warn=console.warn,
            tell=tell,
        )
    tell(done.built)
    for failure in done.failures:
        console.error(failure)
    return max((failure.exit_code for failure in done.failures), default=0)


def _pull(asked: Request, mirrors: list[str] | None, *, offline: bool) -> None:
    """Only with --pull is there anything to connect for. A lock that is there is taken as it is, if it fits."""
    from mirage_py.cli import lock as locking
    from mirage_py.cli.pull import tell
    from mirage_py.workflow.lock import locked_first
    from mirage_py.workflow.pull import Where, pull
    from mirage_py.workflow.request import Wish

    where = Where(mirrors=tuple(mirrors or ()), offline=offline)
    with console.working("choosing versions") as progress:
        made = locked_first(asked, Wish(offline=offline), tell=progress)
    if made is not None:
        locking.tell(made)
    with console.working("fetching sources") as progress:
        done = pull(asked.folder, where, progress=progress, waiting=console.say, warn=console.warn)
    tell(done)


COMMAND = command(build, takes_keys=True)

"""`mpy run`: an image that was built, on its target's tender; the devices that it needs; a machine in software."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mirage_py.cli.command import argument, command, option
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import (
    CONFIG,
    File,
    Output,
    Prefixes,
    Switch,
    Targets,
    ToolchainFile,
    Unikernels,
    stated,
)
from mirage_py.dataclass import replace
from mirage_py.doors import terminal as console
from mirage_py.errors import UsageError
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.resolve import resolve_all

if TYPE_CHECKING:
    from mirage_py.model.toolchain import ToolchainChoice
    from mirage_py.runner.request import RunRequest
    from mirage_py.runner.setup import Ask, Made
    from mirage_py.workflow.request import Request


def run(
    line: Line,
    args: Annotated[list[str] | None, argument(metavar="[-- ARGS]...", help="boot arguments of the unikernel")] = None,
    file: File = CONFIG,
    target: Targets = None,
    unikernel: Unikernels = None,
    output: Output = None,
    net: Annotated[
        list[str] | None, option("--net", metavar="NAME=TAP", help="a tap device for a network interface")
    ] = None,
    block: Annotated[list[str] | None, option("--block", metavar="NAME=FILE", help="a file for a disk")] = None,
    mem: Annotated[int | None, option("--mem", metavar="MB", least=1, help="memory of the unikernel")] = None,
    timeout: Annotated[
        float | None, option("--timeout", metavar="SECONDS", least=0.1, help="end it when it runs longer")
    ] = None,
    emulate: Annotated[bool, option("--emulate", help="boot hvt, virtio or xen in a machine in software")] = False,
    build: Annotated[bool, option("--build", help="build the image first")] = False,
    show: Annotated[bool, option("--print", help="print the command, and run nothing")] = False,
    setup: Annotated[bool, option("--setup", help="make the devices that are missing, and run nothing")] = False,
    undo: Annotated[bool, option("--undo", help="with --setup: remove the devices that it made")] = False,
    size: Annotated[
        int | None, option("--size", metavar="MB", least=1, help="with --setup: size of a disk; default: 64")
    ] = None,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
) -> int | None:
    """Run an image that was built.

    It tells when sources or choices have changed since. What the unikernel writes goes to standard output, and its exit
    code is the command's. Without -t on the target that is configured.
    """
    from mirage_py.runner.checks import equipped
    from mirage_py.runner.devices import parse
    from mirage_py.runner.request import RunRequest
    from mirage_py.runner.setup import remember_devices

    asked = request(line, file=file, targets=target, unikernels=unikernel, output=output)
    _check_together(setup=setup, undo=undo, size=size, show=show)
    found = resolve_all(asked)
    if undo:
        return _undo(asked.folder, found)
    one = _single(found)
    tools = stated(toolchain, switch, solo5_prefix)
    image = asked.folder / "dist" / one.plan.image
    if (build or (not (setup or show) and _wants_it_built(image, one))) and (
        code := _build(replace(asked, toolchain=tools), one)
    ):
        return code
    if not setup:
        _tell_age(asked.folder, one)
    given = RunRequest(
        plan=one.plan,
        image=image,
        args=tuple(args or ()),
        nets=parse("--net", net or ()),
        blocks={name: Path(file) for name, file in parse("--block", block or ()).items()},
        mem=mem,
        timeout=timeout,
        emulate=emulate,
    )
    wanted = remember_devices(given, asked.folder)
    if setup:
        return _set_up(wanted, asked.folder, size)
    return _run(equipped(wanted, _tools(replace(asked, toolchain=tools), found)), asked.folder, show=show)


COMMAND = command(run)


def _build(asked: Request, one: Resolved) -> int:
    """Build the one image; what `build` ends with."""
    from mirage_py.cli.build import make

    named = replace(asked, config=one.config, targets=(one.info.target,), unikernels=(one.info.name,))
    return make(named, told=False)


def _wants_it_built(image: Path, one: Resolved) -> bool:
    """Whether an image that is not there shall be built first, as the person who waits for it says."""
    from mirage_py.runner.request import shown

    if image.exists():
        return False
    if os.environ.get("MPY_YES") == "1":
        return True
    question = f"{shown(image)} is not built. Build it for {one.info.target} now?"
    return _ask() is not None and _confirmed(question, default=True)


def _tools(asked: Request, found: tuple[Resolved, ...]) -> ToolchainChoice:
    """The toolchain whose tenders run an image: that with which it was built."""
    from mirage_py.model.toolchain import ToolchainChoice
    from mirage_py.project.choices import read_state
    from mirage_py.toolchain.discover import from_environment
    from mirage_py.workflow.tools import tools_of

    chosen = tools_of(asked, read_state(asked.mirage), [one.plan for one in found])
    return from_environment(chosen or ToolchainChoice())


def _tell_age(folder: Path, one: Resolved) -> None:
    """Say what has changed since the image was built, where one was."""
    from mirage_py.runner.request import shown
    from mirage_py.workflow.freshness import changed_since

    image = folder / "dist" / one.plan.image
    changed = changed_since(folder, one.plan) if image.is_file() else ()
    if changed:
        names = ", ".join(changed[:MOST]) + (f" and {len(changed) - MOST} more" if len(changed) > MOST else "")
        console.warn(f"{shown(image)} is older than {names}", hint="mpy run --build builds it first")


MOST = 3
"""Changed files that are named."""


def _check_together(*, setup: bool, undo: bool, size: int | None, show: bool) -> None:
    if (undo or size is not None) and not setup:
        raise UsageError(f"{'--undo' if undo else '--size'} belongs to --setup", hint="mpy run --setup --undo")
    if setup and show:
        raise UsageError("--print shows the command that runs an image, and --setup runs none", hint="leave one out")


def _single(found: tuple[Resolved, ...]) -> Resolved:
    """The one image to run: there is one terminal."""
    if len(found) == 1:
        return found[0]
    names = {one.info.name for one in found}
    ways = [f"mpy run{f' -u {one.info.name}' if len(names) > 1 else ''} -t {one.info.target}" for one in found]
    raise UsageError(
        "several images could be run",
        details=tuple(f"{one.info.output} for {one.info.target}" for one in found),
        hint="\n".join(ways),
    )


def _run(wanted: RunRequest, folder: Path, *, show: bool) -> int | None:
    from mirage_py.runner.session import Voice, command_line, start

    voice = Voice(console=_line, tender=console.warn, working=console.working)
    if show:
        console.result(command_line(wanted, folder, voice))
        return None
    sys.stdout.flush()  # what follows may be written past it, by the unikernel itself
    code = start(wanted, voice)
    facts = {"image": wanted.place, "target": wanted.plan.target, "exit_code": code}
    console.detail(f"{wanted.place} ended with {code}", event="ended", by="unikernel", **facts)
    return code


def _line(text: str) -> None:
    """A line of the unikernel's, at once: who watches a console waits for it."""
    console.result(f"{text}\n")
    sys.stdout.flush()


# ---------------------------------------------------------------------------------------------------------------------
# Devices


def _set_up(wanted: RunRequest, folder: Path, size: int | None) -> int | None:
    from mirage_py.runner import setup
    from mirage_py.runner.devices import again

    todo = setup.wanted(wanted, folder, size_mb=size or setup.DISK_MB)
    if not todo:
        console.say("every device is there", event="setup", devices=[])
        return None
    made = setup.set_up(folder, wanted.plan.name, todo, _ask())
    for thing, one in zip(todo, made, strict=True):
        told = f", with the address {thing.address} on this side" if thing.address else ""
        console.say(f"made {one.name} for {one.device}{told}", event="device", action="made", **_facts(one))
    console.outcome(f"run it: {again(wanted)}", event="setup", devices=[one.name for one in made])
    return None


def _undo(folder: Path, found: tuple[Resolved, ...]) -> int | None:
    from mirage_py.runner.setup import undo

    removed, kept = undo(folder, {one.info.name for one in found}, _ask())
    for one in removed:
        console.say(f"removed {one.name}", event="device", action="removed", **_facts(one))
    for one in kept:
        console.warn(f"{one.name} is another than the one that mpy made: left alone")
    if not removed:
        console.say("nothing to remove", event="setup", devices=[])
    return None


def _facts(one: Made) -> dict[str, str]:
    return {"kind": one.kind, "name": one.name, "device": one.device, "unikernel": one.unikernel}


def _ask() -> Ask | None:
    """A way to ask, where there is somebody to answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return _asked


def _asked(question: str) -> bool:
    return _confirmed(question, default=False)


def _confirmed(question: str, *, default: bool) -> bool:
    import typer

    try:
        return typer.confirm(question, default=default, err=True)
    except typer.Abort:  # Ctrl-C or Ctrl-D instead of an answer
        raise KeyboardInterrupt from None

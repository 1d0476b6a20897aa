"""From a request to the unikernel's exit code: everything is checked before anything is started."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from mirage_py.dataclass import dataclass
from mirage_py.doors.processes import Result, run, stream
from mirage_py.errors import ToolFailed
from mirage_py.model.command import Command
from mirage_py.runner.checks import check_machine, check_request
from mirage_py.runner.commands import command
from mirage_py.runner.devices import OWN_DEVICES
from mirage_py.runner.output import QEMU_SAYS, XL_SAYS, Console, Show, guest_status
from mirage_py.runner.request import RunRequest
from mirage_py.toolchain.kvm import probe

if TYPE_CHECKING:
    from mirage_py.runner.emulate.machine import Report

__all__ = ["Voice", "command_line", "start"]

EXITED: Final = 83
"""QEMU's exit code after Solo5 has written 41 to the exit device: 41 * 2 + 1."""

KEPT: Final = "mirage/machine/emulated"
"""Where a printed command finds what its machine boots from; a folder that is mpy's as a whole."""


@dataclass(frozen=True, kw_only=True)
class Voice:
    """Who is told what: `console` the unikernel's lines, `tender` the words of the program that runs it.

    `working` shows, as long as it is open, that something is being done, and gives a function that is told what.
    """

    console: Show
    tender: Show
    working: Callable[[str], AbstractContextManager[Callable[[str], None]]]


def start(request: RunRequest, voice: Voice) -> int:
    """Run the image until it ends: the unikernel's exit code, as a shell would tell it.

    Raises UnsupportedTarget, UsageError or MpyError for what cannot be run, ToolNotFound for what is not on this
    machine, and ToolFailed when it is not the unikernel that has ended.
    """
    check_request(request)
    check_machine(request)
    match request.plan.target:
        case "hvt" | "xen" if request.emulate:
            return _emulated(request, voice)
        case "virtio":
            return _in_qemu(request, voice)
        case "xen":
            return _on_xen(request, voice)
        case target:
            return _here(request, interactive=target in OWN_DEVICES)


def command_line(request: RunRequest, folder: Path, voice: Voice) -> str:
    """What `start` would run, to be pasted; what an emulated machine boots from is kept below `folder` for it."""
    check_request(request)
    if request.emulate and request.plan.target != "virtio":
        kept = folder / KEPT / request.plan.label
        kept.mkdir(parents=True, exist_ok=True)
        line = _prepared(request, kept, voice)
    else:
        line = command(request, accelerated=_accelerated(request))
    return f"cd {shlex.quote(str(line.cwd))} && {line}" if line.cwd else str(line)


# ---------------------------------------------------------------------------------------------------------------------
# While it runs


def _here(request: RunRequest, *, interactive: bool) -> int:
    """As a process of this machine, whose console is ours."""
    with _limited(request):
        result = stream(command(request), interactive=interactive, check=False)
    return _as_shell(result)


def _in_qemu(request: RunRequest, voice: Voice) -> int:
    console = Console(voice.console, QEMU_SAYS)
    with _limited(request):
        result = stream(command(request, accelerated=_accelerated(request)), on_line=console, check=False)
    if result.code != EXITED:
        raise _not_the_unikernel(request, result, console)
    return _told(request, console.status or 0, console, voice)


def _on_xen(request: RunRequest, voice: Voice) -> int:
    """A guest outlives its `xl`: what ends this run early has to end it too."""
    console = Console(voice.console, XL_SAYS)
    try:
        with _limited(request):
            result = stream(command(request), on_line=console, check=False)
    except BaseException:
        run(Command(argv=("xl", "destroy", request.plan.name), purpose="end the guest"), check=False)
        raise
    status = guest_status(console.said, console.status)
    if status is None:
        raise _not_the_unikernel(request, result, console)
    return _told(request, status, console, voice)


def _emulated(request: RunRequest, voice: Voice) -> int:
    """Inside a machine of QEMU's making, whose files are gone afterwards."""
    from mirage_py.runner.emulate.machine import read_report

    with TemporaryDirectory(prefix="mpy-run-") as folder, ExitStack() as booting:
        line = _prepared(request, Path(folder), voice)
        booting.enter_context(voice.working("booting a machine in software"))
        console = Console(voice.console, QEMU_SAYS, first=booting.close)
        result = stream(line, on_line=console, check=False)
        report = read_report(Path(folder))
    if report.timed_out:
        raise _too_long(request)
    guest = request.plan.target == "xen"
    status = guest_status(report.said, console.status) if guest else report.status
    if status is None:
        said = (*console.said, *report.said)
        raise _no_guest(request, report, said) if guest and report.status else _no_report(request, result, report, said)
    for words in (*console.said, *(() if guest else report.said)):
        voice.tender(words)
    return _told(request, status, console, voice) if guest else status


def _prepared(request: RunRequest, folder: Path, voice: Voice) -> Command:
    """The command for an emulated machine, with its files written into the folder."""
    from mirage_py.runner.emulate import hvt, xen
    from mirage_py.runner.emulate.pieces import fetch_pieces

    with voice.working("preparing a machine in software") as progress:
        if request.plan.target == "xen":
            return xen.prepare(request, fetch_pieces(xen.RECIPE, progress), folder)
        return hvt.prepare(request, fetch_pieces(hvt.RECIPE, progress), folder)


def _accelerated(request: RunRequest) -> bool:
    """Whether QEMU may use the machine's own virtualization."""
    return request.plan.target == "virtio" and not request.emulate and probe().state == "usable"


@contextmanager
def _limited(request: RunRequest) -> Iterator[None]:
    """Tell a unikernel whose time is over from a program that did not start."""
    began = time.monotonic()
    try:
        yield
    except ToolFailed:
        if request.timeout is not None and time.monotonic() - began >= request.timeout:
            raise _too_long(request) from None
        raise


# ---------------------------------------------------------------------------------------------------------------------
# How it ended


def _as_shell(result: Result) -> int:
    """An exit code; a signal's number with 128 added, as shells have it. Ctrl-C is meant for us too."""
    if result.code == -2:
        raise KeyboardInterrupt
    return result.code if result.code >= 0 else 128 - result.code


def _told(request: RunRequest, status: int, console: Console, voice: Voice) -> int:
    """The exit code, with a warning where nobody told it."""
    if status == 0 and console.status is None:
        voice.tender(f"{request.place} ended without a word on its exit code; it counts as 0")
    return status


def _too_long(request: RunRequest) -> ToolFailed:
    return ToolFailed(
        f"{request.place} still ran after {request.timeout:g} s, and was ended",
        hint="give it more time with --timeout, or leave that out to let it run",
    )


def _not_the_unikernel(request: RunRequest, result: Result, console: Console) -> ToolFailed:
    """What runs the unikernel has ended, and the unikernel had not."""
    return ToolFailed(
        f"{result.command.argv[0]} ended (code {result.code}) before the unikernel did",
        details=(f"the image is {request.place}",),
        hint=f"the command, to try it by hand: mpy run -t {request.plan.target} --print",
        output="\n".join(console.said),
    )


def _no_guest(request: RunRequest, report: Report, said: tuple[str, ...]) -> ToolFailed:
    """The emulated machine did what it should; xl did not."""
    return ToolFailed(
        f"xl could not run {request.place}: it ended with {report.status}",
        details=("it is Debian's, in an emulated machine",),
        hint="what it says stands below; --mem gives the guest more memory",
        output="\n".join(said),
    )


def _no_report(request: RunRequest, result: Result, report: Report, said: tuple[str, ...]) -> ToolFailed:
    return ToolFailed(
        f"the emulated machine ended (code {result.code}) before {request.place} did",
        details=(f"its last words: {report.last_words or 'none'}",),
        hint=f"mpy run -t {request.plan.target} --emulate --print gives the command; the log is boot.log in its folder",
        output="\n".join(said),
    )

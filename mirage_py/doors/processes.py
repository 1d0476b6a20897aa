"""The only door that starts processes: what a child writes, how it ends, and what that means to the user.

`subprocess` rather than `sh`: `sh` takes 80 ms to import where this takes 6, and a child has to be the leader of its
own process group, so that an interrupt reaches its own children and nothing is left behind.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from mirage_py.dataclass import dataclass
from mirage_py.doors import signals
from mirage_py.errors import ToolFailed, ToolNotFound
from mirage_py.model.command import Command

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = [
    "Result",
    "answering",
    "end_group",
    "failure",
    "missing_tool",
    "observe",
    "ready",
    "require",
    "run",
    "stream",
    "which",
]

GRACE: Final = 5.0
"""Seconds that an interrupted child has for its own cleaning up (dune removes half-written targets)."""

SOURCES: Final = {
    "dune": ("ocaml-dune", "dune"),
    "ocaml": ("ocaml-nox", "ocaml"),
    "ocamlc": ("ocaml-nox", "ocaml"),
    "ocamlfind": ("ocaml-findlib", "ocamlfind"),
    "ocamlopt": ("ocaml-nox", "ocaml"),
    "opam": ("opam", None),
    "pkg-config": ("pkg-config", None),
    "gcc": ("gcc", None),
    "cc": ("gcc", None),
    "ld": ("binutils", None),
    "nm": ("binutils", None),
    "ar": ("binutils", None),
    "objcopy": ("binutils", None),
    "strip": ("binutils", None),
    "make": ("make", None),
    "git": ("git", None),
    "ip": ("iproute2", None),
    "sudo": ("sudo", None),
    "dot": ("graphviz", None),
    "xl": ("xen-utils-common", None),
    "virsh": ("libvirt-clients", None),
    "qemu-img": ("qemu-utils", None),
    "qemu-system-x86_64": ("qemu-system-x86", None),
    "qemu-system-aarch64": ("qemu-system-arm", None),
    "ocaml-crunch": (None, "crunch"),
    "solo5-elftool": (None, "solo5"),
    "solo5-hvt": (None, "solo5"),
    "solo5-spt": (None, "solo5"),
    "solo5-virtio-mkimage": (None, "solo5"),
}
"""Where a tool comes from: the Debian package that has it, and the opam package."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a process ended. A negative `code` is the number of the signal that ended it, as in `subprocess`."""

    command: Command
    code: int
    stdout: str = ""
    stderr: str = ""

    @property
    def ok(self) -> bool:
        """True when the program says it succeeded."""
        return self.code == 0

    @property
    def output(self) -> str:
        """All that the program wrote, errors first: they are what one looks for."""
        return "\n".join(text for text in (self.stderr.rstrip("\n"), self.stdout.rstrip("\n")) if text)


_observers: list[Callable[[Command], None]] = []


def observe(observer: Callable[[Command], None]) -> None:
    """Have every command told to `observer` before it is started, for the rest of this process."""
    _observers.append(observer)


def which(tool: str, path: str | None = None) -> Path | None:
    """The program that a shell would start for this name, or None; `path` replaces the PATH of the environment."""
    if os.sep in tool:
        return Path(tool) if _executable(tool) else None
    folders = (os.environ.get("PATH", os.defpath) if path is None else path).split(os.pathsep)
    found = (os.path.join(folder, tool) for folder in folders if folder)
    return next((Path(file) for file in found if _executable(file)), None)


def require(tool: str, purpose: str = "") -> Path:
    """The program of this name; without it ToolNotFound, which says what brings it."""
    found = which(tool)
    if found is None:
        raise missing_tool(tool, purpose)
    return found


def missing_tool(tool: str, purpose: str = "") -> ToolNotFound:
    """The error for a tool that is not here, with the packages that bring it."""
    debian, opam = SOURCES.get(os.path.basename(tool), (None, None))
    ways = [f"apt install {debian}"] if debian else []
    ways += [f"opam install {opam}"] if opam else []
    return ToolNotFound(
        f"{tool} is not on this machine",
        details=(f"it is needed to {purpose}",) if purpose else (),
        hint=" or ".join(ways) or f"install {os.path.basename(tool)} and put it on PATH",
    )


def failure(result: Result) -> ToolFailed:
    """The error for a program that did not do what it was started for; its text comes along."""
    command = result.command
    return ToolFailed(
        f"{command.purpose}: {command.argv[0]} {_ending(result.code)}", output=result.output, details=(str(command),)
    )


def ready() -> None:
    """Import what starting a process takes, which is some milliseconds, while there is nothing else to do."""
    import subprocess  # noqa: F401


def run(command: Command, *, check: bool = True, stdin: str = "") -> Result:
    """What the command answers, as text; ToolNotFound without the tool, ToolFailed unless it succeeds (`check`)."""
    from subprocess import PIPE

    with _started(command, PIPE, PIPE, PIPE) as child:
        result = _answer(command, child, stdin)
    return _checked(result) if check else result


def answering(command: Command) -> AbstractContextManager[Popen[bytes]]:
    """A program that runs within the block, and writes to two pipes; it is ended when the block is cut short."""
    from subprocess import DEVNULL, PIPE

    return _started(command, DEVNULL, PIPE, PIPE)


def _answer(command: Command, child: Popen[bytes], stdin: str = "") -> Result:
    out, err = child.communicate(stdin.encode(), timeout=command.timeout)
    return Result(command=command, code=child.returncode, stdout=_text(out), stderr=_text(err))


def stream(
    command: Command,
    *,
    on_line: Callable[[str], None] | None = None,
    interactive: bool = False,
    check: bool = True,
) -> Result:
    """How the command ended, having shown its output while it ran; Ctrl-C ends it and every process it started.

    With `on_line` each line (errors too, without its end of line) goes there and all of them into `Result.stdout`;
    otherwise the child writes to our own output. An `interactive` child reads the terminal as well, and Ctrl-C goes to
    it alone: with `check=False` the caller sees code -2.
    """
    from subprocess import DEVNULL, PIPE, STDOUT

    stdin = None if interactive else DEVNULL
    out, err = (PIPE, STDOUT) if on_line else (None, None)
    with _started(command, stdin, out, err) as child, _terminal(child, interactive):
        text = _follow(child, on_line, command.timeout) if on_line else ""
        child.wait(timeout=command.timeout)
        if child.returncode < 0:
            _signal(child.pid, signal.SIGKILL)  # what the dead leader of the group may have left running
    result = Result(command=command, code=child.returncode, stdout=text)
    return _checked(result) if check else result


def _executable(file: str) -> bool:
    return os.access(file, os.X_OK) and not os.path.isdir(file)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _follow(child: Popen[bytes], on_line: Callable[[str], None], timeout: float | None) -> str:
    """All that the child writes, each line handed on as soon as it is there."""
    text = ""
    for raw in _lines(child, timeout):
        line = _text(raw)
        on_line(line.rstrip("\r"))
        text += line + "\n"
    return text


def _lines(child: Popen[bytes], timeout: float | None) -> Iterator[bytes]:
    """Whole lines, read with a deadline, which a blocking `readline` could not have."""
    import time

    until = None if timeout is None else time.monotonic() + timeout
    rest = b""
    while chunk := _read(child, until):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _read(child: Popen[bytes], until: float | None) -> bytes:
    import select
    import time
    from subprocess import TimeoutExpired

    assert child.stdout is not None
    left = None if until is None else max(0.0, until - time.monotonic())
    if not select.select([child.stdout], [], [], left)[0]:
        raise TimeoutExpired(child.args, 0)
    return os.read(child.stdout.fileno(), 65536)


@contextmanager
def _started(command: Command, stdin: int | None, stdout: int | None, stderr: int | None) -> Iterator[Popen[bytes]]:
    """A running child; when the block is cut short the child is ended, and so is every process of its group."""
    from subprocess import TimeoutExpired

    with signals.held() as holding:  # while the child is being started nobody could end it
        child = _start(command, stdin, stdout, stderr)
        try:
            holding.release()
            yield child
        except TimeoutExpired:
            _end(child)
            raise ToolFailed(
                f"{command.purpose}: {command.argv[0]} gave no answer within {command.timeout:g} s",
                details=(str(command),),
            ) from None
        except BaseException:
            _end(child)
            raise
        finally:
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()


def _start(command: Command, stdin: int | None, stdout: int | None, stderr: int | None) -> Popen[bytes]:
    from subprocess import Popen

    for observer in _observers:
        observer(command)
    try:
        return Popen(
            command.argv,
            cwd=command.cwd,
            env=_environment(command),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
        )
    except OSError as error:
        _explain(command, error)


def _environment(command: Command) -> dict[str, str]:
    merged = {**os.environ, **command.env}
    return {name: value for name, value in merged.items() if value is not None}


def _explain(command: Command, error: OSError) -> NoReturn:
    """Tell a missing tool from a missing folder (both are the same error to the kernel) and from a broken tool."""
    tool = command.argv[0]
    if command.cwd is not None and not command.cwd.is_dir():
        raise ToolFailed(
            f"{command.purpose}: the folder {command.cwd} is not there", details=(str(command),)
        ) from error
    if which(tool, _environment(command).get("PATH")) is None:
        raise missing_tool(tool, command.purpose) from error
    raise ToolFailed(
        f"{command.purpose}: {tool} cannot be started: {error.strerror or error}",
        details=(str(command),),
        hint="a script without its interpreter, or a program for another machine, gives this error",
    ) from error


def _checked(result: Result) -> Result:
    if result.ok:
        return result
    raise failure(result)


def _ending(code: int) -> str:
    if code >= 0:
        return f"failed with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _end(child: Popen[bytes]) -> None:
    """End the child's whole process group."""
    if child.returncode is None:
        end_group(child.pid)
    else:
        _signal(child.pid, signal.SIGKILL)
    child.wait()


def end_group(leader: int) -> None:
    """End the whole process group of a child that leads it: asked first, then without asking. It is left unreaped.

    The group's number stays ours until the child is reaped, so that the last signal cannot meet a stranger.
    """
    for ask, patience in ((signal.SIGINT, GRACE), (signal.SIGTERM, 1.0)):
        _signal(leader, ask)
        if _ended_within(leader, patience):
            break
    _signal(leader, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    # the group may be gone, or belong to root by now (sudo): nothing more that we may do then
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _ended_within(child: int, seconds: float) -> bool:
    """Whether the child ends in this time; it is left unreaped."""
    import time

    until = time.monotonic() + seconds
    while not _ended(child):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _ended(child: int) -> bool:
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


@contextmanager
def _terminal(child: Popen[bytes], interactive: bool) -> Iterator[None]:
    """Give an interactive child the terminal, Ctrl-C included: a background group that reads it would be stopped."""
    if not (interactive and os.isatty(0)):
        yield
        return
    ours = os.getpgrp()
    _foreground(child.pid)
    try:
        yield
    finally:
        _foreground(ours)


def _foreground(group: int) -> None:
    """Make the group the terminal's foreground one; we may be in the background ourselves, hence the blocked signal."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with suppress(OSError):  # the group has ended, or the terminal is gone
            os.tcsetpgrp(0, group)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

"""The command line: finds the command of a line and carries it out; every failure becomes a message and a code here.

**To add a command**, write a module `mirage_py/cli/NAME.py` and name it in `cli.commands`:

    def lock(line: Line, file: File = CONFIG, check: Annotated[bool, option("--check", help="...")] = False) -> int:
        \"\"\"One line, as it is there.

        What else one has to know, in paragraphs.
        \"\"\"
        ...

    COMMAND = command(lock, takes_keys=True)

Its parameters are the words of its line (`cli.command`: `option`, `argument`; `cli.options` has those that several
commands share); `-v`, `-q`, `-C` and the like come by themselves (`cli.everywhere`), and so do help, completion and
the reference page. `line: Line` is taken where the keys are wanted: `cli.line.request(line, file=file, ...)`. A
parameter whose default is `CONFIG` becomes the configuration that is here or above. A command that has commands of its
own is `COMMAND = group("...", show=command(show), export=command(export))`. What it returns is its exit code (None is
0); failures are raised as an `MpyError`. It prints through `doors.terminal` alone, and imports what is heavy inside
the function.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from mirage_py._version import __version__
from mirage_py.cli import meaning
from mirage_py.cli.line import Reading
from mirage_py.cli.settings import settle
from mirage_py.doors import signals, terminal as console
from mirage_py.errors import Location, MpyError

INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


def main(args: list[str] | None = None) -> int:
    """Run one command line (this process's own unless given) and tell its exit code."""
    line = sys.argv[1:] if args is None else args
    console.reset()
    if "_MPY_COMPLETE" in os.environ:
        from mirage_py.cli.completion import answer

        return answer(line)
    try:
        code = run(line, remembered=args is None)
        sys.stdout.flush()
    except MpyError as error:
        console.believe(line)
        console.error(error)
        return error.exit_code
    except KeyboardInterrupt as stopped:
        return ended(stopped)
    except BrokenPipeError:
        return _unread()
    except OSError as refused:
        console.error(_of_the_system(refused))
        return _told_nobody(MpyError.exit_code)
    except UnicodeEncodeError as error:
        console.error(_of_no_text(error))
        return MpyError.exit_code
    except MemoryError:
        console.error(MpyError("there is not enough memory for this", hint="close what else runs, or raise the limit"))
        return MpyError.exit_code
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback is thrown at a user
        console.bug(error, __version__)
        return console.Bug.exit_code
    return code


def ended(stopped: KeyboardInterrupt) -> int:
    """The exit code of a process that was told to end, which is told."""
    code = stopped.exit_code if isinstance(stopped, signals.Stopped) else INTERRUPTED
    console.interrupted(code)
    return code


def run(line: list[str], *, remembered: bool = False) -> int:
    """The exit code of a command line; failures are raised. `remembered`: what was read before is not read again."""
    asked = (meaning.recall(line) if remembered else None) or _read(line, remembered=remembered)
    if isinstance(asked, int):
        return asked
    settle(asked.everywhere)
    function = asked.function
    wants_line = function.__code__.co_varnames[:1] == ("line",)
    with signals.unwinding():
        return (function(asked.line, **asked.arguments) if wants_line else function(**asked.arguments)) or 0


def _read(line: list[str], *, remembered: bool) -> Reading | int:
    """What a line asks for; the exit code where that is told at once: help, and which mpy this is."""
    from mirage_py.cli.about import about, asking_for_help
    from mirage_py.cli.command import Command
    from mirage_py.cli.find import find
    from mirage_py.cli.reading import read

    found = find(asking_for_help(line))
    if not isinstance(found.what, Command):
        return about(found)
    reading = read(found.where, found.what, found.line)
    if reading.everywhere.get("help"):
        from mirage_py.cli.help import command_help

        settle(reading.everywhere)
        console.result(command_help(found.where, found.what, found.line))
        return 0
    if remembered:
        meaning.keep(line, reading)
    return reading


def _of_the_system(refused: OSError) -> MpyError:
    """What no door has put into words: a file or folder that was there and cannot be read, a limit that is reached."""
    named = refused.filename if isinstance(refused.filename, str | os.PathLike) else None
    return MpyError(
        f"the system refuses: {refused.strerror or refused}",
        location=Location.of(os.fspath(named)) if named is not None else None,
        hint="check the permissions, the space on the disk, and its health",
    )


def _of_no_text(error: UnicodeEncodeError) -> MpyError:
    place = repr(error.object[max(0, error.start - 20) : error.end + 20])
    return MpyError(
        "a name here is no UTF-8, and cannot be written where text is expected",
        details=(f"at {place}",),
        hint="give the file or folder another name",
    )


def _unread() -> int:
    """Nobody reads on: say nothing."""
    return _told_nobody(BROKEN_PIPE)


def _told_nobody(code: int) -> int:
    """Keep Python from telling, when it flushes, what could not be told before."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code

"""The typer app, and `main`, where the program ends: every failure becomes a message and an exit code here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import click
import typer
from typer.main import get_command

from mirage_py._version import __version__
from mirage_py.cli.command import SETTINGS, Group
from mirage_py.doors import terminal as console
from mirage_py.errors import MpyError, UsageError

COMMANDS: Final = {
    "init": "Begin a unikernel: write config.py and its sources.",
    "configure": "Choose targets and keys; generate the build files.",
    "build": "Build the images, into dist/.",
    "run": "Run an image that was built.",
    "describe": "Tell what a unikernel is made of, and who chose it so.",
    "query": "Tell one thing about the configuration.",
    "audit": "Tell whether libraries will run on a target, and why not.",
    "doctor": "Look at this machine's tools; tell how to mend them.",
    "toolchain": "Tell what compiles and links for a target.",
    "clean": "Remove what mpy generated and built, nothing else.",
    "completion": "Print the script for your shell's completion.",
}
"""Each command with the first line of its help, so that the list of commands imports none of them."""

INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


class LazyCommands(dict[str, click.Command]):
    """The commands by name; each module is imported when its command is asked for."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(COMMANDS))  # type: ignore[arg-type]  # replaced at the first look

    def __getitem__(self, name: str) -> click.Command:
        if name not in self:
            raise KeyError(name)
        module: Any = import_module(f"mirage_py.cli.{name.replace('-', '_')}")
        made: click.Command = module.COMMAND
        made.name = name
        return made

    def get(self, name: str, default: Any = None) -> Any:
        """The command of this name, or the default."""
        try:
            return self[name]
        except KeyError:
            return default

    def items(self) -> Any:  # any: dict's own view has no room for lazy values
        """Every command with its name: imports them all."""
        return [(name, self[name]) for name in self]

    def values(self) -> Any:  # any: see items
        """Every command: imports them all."""
        return [self[name] for name in self]


class Commands(Group):
    """The group of commands, which lists them without importing them."""

    def __init__(self, **kwargs: Any) -> None:  # any: what typer passes to click
        super().__init__(**kwargs)
        self.commands = LazyCommands()

    def summary(self, _ctx: click.Context, name: str) -> str:
        """From the table: no command is imported to be listed."""
        return COMMANDS[name]


app = typer.Typer(
    name="mpy",
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=dict(SETTINGS),
    suggest_commands=False,  # click's own error names what is near, apart from its message
)


@app.callback(invoke_without_command=True)
def mpy(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="print the version and end"),
) -> None:
    """Compose a MirageOS unikernel in Python, for several targets at once.

    `mpy COMMAND --help` tells about a command; beside a config.py it lists the keys of that configuration too.
    """
    if version:
        console.result(f"mpy {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        console.result(ctx.get_help())


def main(args: list[str] | None = None) -> int:
    """Run one command line (this process's own unless given) and tell its exit code."""
    words = sys.argv[1:] if args is None else args
    console.reset()
    if "_MPY_COMPLETE" in os.environ:
        from mirage_py.cli.completion import answer

        return answer(lambda: get_command(app))
    try:
        code = run(words)
        sys.stdout.flush()
    except MpyError as error:
        console.believe(words)
        console.error(error)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        console.result(error.ctx.get_help())
        return 0
    except click.UsageError as error:
        return _misused(error, words)
    except (KeyboardInterrupt, click.Abort):
        console.interrupted()
        return INTERRUPTED
    except BrokenPipeError:
        return _unread()
    except Exception as error:  # noqa: BLE001  # the last resort: no traceback is thrown at a user
        console.bug(error, __version__)
        return console.Bug.exit_code
    return code


def run(args: list[str]) -> int:
    """The exit code of a command line; failures are raised."""
    command = get_command(app)
    try:
        with command.make_context("mpy", list(args)) as context:
            code = command.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return code if isinstance(code, int) else 0


def _misused(error: click.UsageError, words: list[str]) -> int:
    """A command line that click could not read, in the form of all other errors."""
    console.believe(words)
    where = error.ctx.command_path if error.ctx else _command_of(words)
    console.error(UsageError(_said(error, where), hint="\n".join(_next_steps(error, where))))
    return UsageError.exit_code


def _command_of(words: list[str]) -> str:
    """The command of a line that click gave up before it said which."""
    return next((f"mpy {word}" for word in words if word in COMMANDS), "mpy")


def _said(error: click.UsageError, where: str) -> str:
    match error:
        case click.NoSuchOption():
            return f"{where} has no option {error.option_name}"
        case click.exceptions.NoSuchCommand():
            return f"{where} has no command {error.command_name!r}"
        case click.MissingParameter(param=click.Parameter() as missing):
            return f"{where} wants {missing.make_metavar(click.Context(click.Command(where)))}"
        case click.BadParameter(param=click.Parameter() as bad):
            return f"{max(bad.opts, key=len)}: {_lowered(error.message)}"
        case _:
            return _lowered(error.format_message())


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _next_steps(error: click.UsageError, where: str) -> Iterator[str]:
    near = getattr(error, "possibilities", None)
    if near:
        yield f"did you mean {near[0]}?"
    yield f"{where} --help tells what there is"


def _unread() -> int:
    """Nobody reads on: say nothing, and keep Python from saying it when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE

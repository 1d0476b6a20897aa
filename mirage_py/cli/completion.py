"""`mpy completion SHELL`: the script that lets a shell complete; and the answers to what that script asks."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Final, Literal

import click
import typer

from mirage_py.cli.command import command
from mirage_py.doors import terminal as console

Shell = Literal["bash", "zsh", "fish"]
VARIABLE: Final = "_MPY_COMPLETE"
"""Set by the script, to `bash_complete` and the like, when it asks what could come next."""


def completion(shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="your shell")]) -> None:
    """Print the script for your shell's completion.

    It completes commands, options, targets and the keys of the config.py here.

    \b
    bash: eval "$(mpy completion bash)"    in ~/.bashrc
    zsh:  eval "$(mpy completion zsh)"     in ~/.zshrc
    fish: mpy completion fish > ~/.config/fish/completions/mpy.fish
    """  # noqa: D301  # click wants the character, before lines that it must not wrap
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(click.Command("mpy"), {}, "mpy", VARIABLE)
    console.result(script.source_template % script.source_vars())


COMMAND = command(completion)


def answer(root: Callable[[], click.Command]) -> int:
    """Print what could come next. A failure is no answer: a shell has nowhere to show it."""
    from click.shell_completion import get_completion_class

    shell, _, instruction = os.environ[VARIABLE].partition("_")
    kind = get_completion_class(shell)
    if kind is None or instruction != "complete":
        return 1
    with suppress(Exception):
        console.result(kind(root(), {}, "mpy", VARIABLE).complete())
    return 0

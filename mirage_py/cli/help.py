"""What `--help` tells: the text of a command, its options, the keys of the configuration, what every command has."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from shutil import get_terminal_size
from typing import Any, Final

from mirage_py.cli import keys
from mirage_py.cli.command import Command, Parameter
from mirage_py.cli.everywhere import EVERYWHERE
from mirage_py.errors import MpyError

WIDEST: Final = 98
NARROWEST: Final = 50
FIRST_COLUMN: Final = 30
"""What a name with its placeholder may take before its meaning goes to the next line."""

_WORDS: Final[Any] = {"break_long_words": False, "break_on_hyphens": False}  # any: keywords of textwrap

Rows = Iterable[tuple[str, str]]


def command_help(where: str, command: Command, line: Sequence[str]) -> str:
    """Everything about one command; where it takes keys, those of the configuration that is here."""
    own = command.parameters
    return _page(
        usage(where, own),
        command.help,
        ("Options", map(option_row, (one for one in own if one.names))),
        *(_keys(list(line)) if command.takes_keys else ()),
    )


def group_help(where: str, text: str, commands: Mapping[str, str], options: Sequence[Parameter] = ()) -> str:
    """The commands of a command, each with the first line of its help."""
    usage = f"{where} [OPTIONS] {'[COMMAND]' if options else 'COMMAND'} [ARGS]..."
    return _page(usage, text, ("Commands", commands.items()), ("Options", map(option_row, options)))


def usage(where: str, own: Sequence[Parameter]) -> str:
    """How a line of the command looks."""
    return " ".join([where, "[OPTIONS]", *(_place(one) for one in own if not one.names)])


def option_row(one: Parameter) -> tuple[str, str]:
    """An option as one types it, and what it does."""
    names = " / ".join(filter(None, [", ".join(one.names), one.off]))
    return f"{names} {one.placeholder}".rstrip(), one.mark.help


def _place(one: Parameter) -> str:
    return one.placeholder if one.required or one.placeholder.startswith("[") else f"[{one.placeholder}]"


def _keys(line: list[str]) -> Iterator[tuple[str, Rows | str]]:
    """A section with the keys, or with the reason why there are none to show."""
    from mirage_py.cli.where import here_or_above
    from mirage_py.project.loader import load

    file = keys.named_file(line) or here_or_above()
    if not file.exists():
        return
    try:
        yield f"Keys of {file}", [keys.row(key) for key in keys.keys_of(load(file)).values()]
    except MpyError as error:
        yield "Keys", f"{error}; its keys would be listed here"


def _page(usage: str, text: str, *sections: tuple[str, Rows | str]) -> str:
    columns = max(min(get_terminal_size().columns - 2, WIDEST), NARROWEST)
    return "\n".join(
        [
            *textwrap.wrap(f"Usage: {usage}", columns, subsequent_indent=" " * 7, **_WORDS),
            "",
            *_prose(text, columns),
            *(line for title, rows in sections for line in _section(title, rows, columns)),
            *_section("Everywhere", map(option_row, EVERYWHERE), columns),
        ]
    )


def _prose(text: str, columns: int) -> Iterator[str]:
    """Paragraphs, filled; one that begins with a backspace stays as it is."""
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield from textwrap.indent(paragraph.removeprefix("\b\n"), "  ").splitlines()
        else:
            yield from textwrap.wrap(paragraph, columns, initial_indent="  ", subsequent_indent="  ", **_WORDS)
        yield ""


def _section(title: str, rows: Rows | str, columns: int) -> Iterator[str]:
    if isinstance(rows, str):
        body = textwrap.wrap(rows, columns, initial_indent="  ", subsequent_indent="  ", **_WORDS)
    else:
        body = list(_table(list(rows), columns))
    if body:
        yield from [f"{title}:", *body]
        if title != "Everywhere":
            yield ""


def _table(rows: list[tuple[str, str]], columns: int) -> Iterator[str]:
    """Two columns; the second is filled, and goes below a first that is too wide."""
    first = min(max((len(name) for name, _ in rows), default=0), FIRST_COLUMN) + 2
    indent = " " * (first + 2)
    for name, meaning in rows:
        lines = textwrap.wrap(meaning, max(columns - len(indent), 10), **_WORDS) or [""]
        if len(name) <= first - 2:
            lines[0] = f"  {name:<{first}}{lines[0]}".rstrip()
            yield lines[0]
            yield from (indent + line for line in lines[1:])
        else:
            yield f"  {name}"
            yield from (indent + line for line in lines)

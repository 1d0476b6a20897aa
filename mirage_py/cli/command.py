"""What every command has: the global options, before or after its name; and the keys of config.py where it reads one.

typer makes a command from a function; these classes add what no signature can say.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from mirage_py.doors import terminal as console
from mirage_py.errors import MpyError

if TYPE_CHECKING:
    from mirage_py.dsl.config import Config
    from mirage_py.dsl.key import Key
    from mirage_py.model.command import Command as StartedCommand
    from mirage_py.model.toolchain import Link, ToolchainChoice
    from mirage_py.workflow.request import Request

SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_KEYS: Final = "mirage_py.keys"
_FLAGS: Final = "mirage_py.flags"
_CONFIG: Final = "mirage_py.config"
_TROUBLE: Final = "mirage_py.trouble"

Handler = Callable[..., int | None]


class Command(TyperCommand):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # any: what typer passes to click
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *global_options()]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own options, the keys, then what every command has."""
        _format_parameters(self, ctx, formatter, lambda: self.format_keys(ctx, formatter))

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """`--help`, in our words."""
        return _in_our_words(super().get_help_option(ctx))

    def format_keys(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The keys of the configuration here; none for a command that reads none."""


class Group(TyperGroup):
    """A command that has commands of its own; in their order, each with the first line of its help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # any: what typer passes to click
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *global_options()]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands first: they are what one looks for."""
        self.format_commands(ctx, formatter)
        _format_parameters(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with the first line of its help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.summary(ctx, name)) for name in self.list_commands(ctx)])

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """`--help`, in our words."""
        return _in_our_words(super().get_help_option(ctx))

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order in which one uses them; none is imported for it."""
        return list(self.commands)

    def summary(self, ctx: click.Context, name: str) -> str:
        """What one command does, in one line."""
        found = self.get_command(ctx, name)
        return found.get_short_help_str(limit=100) if found else ""


class ConfigCommand(Command):
    """A command that reads config.py: the keys of the configuration are options of the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Learn the keys only when a word needs them: to read config.py for nothing would cost its time twice."""
        known = {name for one in self.get_params(ctx) for name in (*one.opts, *one.secondary_opts)}
        if ctx.resilient_parsing or _helps(args):
            _learn_if_possible(ctx, _file(args))
        elif any(word.partition("=")[0] not in known for word in _long_options(args)):
            _learn(ctx, _file(args))
        keys: Mapping[str, Key[Any]] = ctx.meta.get(_KEYS, {})
        return super().parse_args(ctx, list(_spelled_out(args, keys)))

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options of the command, then one for each key that is known by now."""
        return [*super().get_params(ctx), *(KeyOption(key) for key in ctx.meta.get(_KEYS, {}).values())]

    def format_keys(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A section with the keys, or with the reason why there are none to show."""
        trouble: MpyError | None = ctx.meta.get(_TROUBLE)
        if trouble is not None:
            with formatter.section("Keys"):
                formatter.write_text(f"{trouble}; its keys would be listed here")
        options: list[click.Option] = [one for one in self.get_params(ctx) if isinstance(one, KeyOption)]
        config: Config | None = ctx.meta.get(_CONFIG)
        if config is not None:
            _section(formatter, f"Keys of {config.file}", ctx, options)


class KeyOption(click.Option):
    """A key of the configuration as an option; its words go into the request as they are."""

    def __init__(self, key: Key[Any]) -> None:
        super().__init__(
            [f"--{key.name}", f"key_{key.name.replace('-', '_')}"],
            multiple=True,
            expose_value=False,
            type=KeyType(key),
            callback=_remember,
            help=key.doc or "no description",
        )
        self.key = key

    def get_help_record(self, _ctx: click.Context) -> tuple[str, str]:
        """The option with what it takes, what it means, and what it is when it is not given."""
        return f"--{self.key.name}{_takes(self.key)}", f"{self.help}  [{'; '.join(_facts(self.key))}]"


class KeyType(click.ParamType[str]):
    """The words of a key: left to the key to judge; the shell completes them."""

    name = "key"

    def __init__(self, key: Key[Any]) -> None:
        self.key = key

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
        """The words of an enumeration that begin so. Any: click's item type is not worth its import here."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(word) for word in self.key.choices if word.startswith(incomplete)]


def command(function: Handler, *, reads_config: bool = False) -> click.Command:
    """The command that a function describes with its signature and docstring."""
    one = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    one.command(cls=ConfigCommand if reads_config else Command, context_settings=dict(SETTINGS))(function)
    return get_command(one)


def group(name: str, summary: str, *commands: click.Command) -> click.Command:
    """A command that has commands of its own."""
    made = Group(
        name=name, help=summary, context_settings=dict(SETTINGS), rich_markup_mode=None, suggest_commands=False
    )
    for one in commands:
        made.add_command(one)
    return made


def request(
    ctx: click.Context,
    *,
    file: Path,
    targets: list[str] | None,
    unikernels: list[str] | None,
    output: str | None = None,
    link: Link | None = None,
    toolchain: ToolchainChoice | None = None,
    reset: bool = False,
) -> Request:
    """What the command line asks of the workflow."""
    from mirage_py.workflow.request import Request

    return Request(
        file=file,
        config=ctx.meta.get(_CONFIG),
        targets=tuple(targets or ()),
        unikernels=tuple(unikernels or ()),
        output=output,
        link=link,
        toolchain=toolchain,
        flags=ctx.meta.get(_FLAGS, {}),
        environment=dict(os.environ),
        reset=reset,
    )


# ---------------------------------------------------------------------------------------------------------------------
# Global options


def global_options() -> list[click.Option]:
    """The options that stand before a command or after it."""
    return [
        click.Option(
            ["-v", "--verbose"],
            count=True,
            expose_value=False,
            callback=_set_verbose,
            help="tell the files, and the commands that are started",
        ),
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_set_quiet,
            help="tell errors and results only",
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            expose_value=False,
            callback=_set_color,
            help="colours: auto on a terminal, unless NO_COLOR is set",
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            expose_value=False,
            callback=_set_log_format,
            help="messages as text, or as one JSON object a line",
        ),
    ]


def _set_verbose(_ctx: click.Context, _param: click.Parameter, value: int) -> None:
    if value and console.settings.verbosity <= 0:
        from mirage_py.doors.processes import observe

        console.settings.verbosity = value
        observe(_tell_command)


def _tell_command(command: StartedCommand) -> None:
    """As one could type it; an observer outlives its command line only in tests, hence the question."""
    if console.settings.verbosity > 0:
        console.detail(f"$ {command}", event="command", purpose=command.purpose)


def _set_quiet(_ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        console.settings.verbosity = -1


def _set_color(_ctx: click.Context, _param: click.Parameter, value: console.Color | None) -> None:
    console.settings.color = value or console.settings.color


def _set_log_format(_ctx: click.Context, _param: click.Parameter, value: console.LogFormat | None) -> None:
    console.settings.log_format = value or console.settings.log_format


def _in_our_words(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.help = "tell this, and end"
    return option


# ---------------------------------------------------------------------------------------------------------------------
# Keys


def _learn(ctx: click.Context, file: Path) -> None:
    from mirage_py.project.loader import load
    from mirage_py.workflow.resolve import known_keys

    ctx.meta[_CONFIG] = config = load(file)
    ctx.meta[_KEYS] = {name: key for name, key in known_keys(config).items() if name != "target"}


def _learn_if_possible(ctx: click.Context, file: Path) -> None:
    """For help and completion: a configuration that does not load has no keys, and is no reason to fail."""
    if not file.exists():
        return
    try:
        _learn(ctx, file)
    except MpyError as error:
        ctx.meta[_TROUBLE] = error


def _remember(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> None:
    if value:
        assert isinstance(param, KeyOption)
        ctx.meta.setdefault(_FLAGS, {})[param.key.name] = value


def _spelled_out(args: list[str], keys: Mapping[str, Key[Any]]) -> Iterator[str]:
    """The words with every flag given its value, so that the word after a flag is not taken for it."""
    flags = {f"--{name}" for name, key in keys.items() if key.kind == "flag"}
    ours = _ours(args)
    yield from (f"{word}=true" if word in flags else word for word in ours)
    yield from args[len(ours) :]


def _long_options(args: list[str]) -> list[str]:
    return [word for word in _ours(args) if word.startswith("--")]


def _ours(args: list[str]) -> list[str]:
    """The words before `--`: what follows is the unikernel's."""
    return args[: args.index("--")] if "--" in args else args


def _helps(args: list[str]) -> bool:
    return any(word in {"-h", "--help"} for word in _ours(args))


def _file(args: list[str]) -> Path:
    """The configuration that the words name, found before they are parsed: parsing needs its keys."""
    for word, following in zip(_ours(args), [*args[1:], ""], strict=False):
        if word in {"-f", "--file"}:
            return Path(following)
        if word.startswith("--file="):
            return Path(word.removeprefix("--file="))
        if word.startswith("-f") and not word.startswith("--"):
            return Path(word[2:])
    return Path("config.py")


def _takes(key: Key[Any]) -> str:
    match key.kind:
        case "flag":
            return ""
        case "enum":
            return f" {'|'.join(key.choices)}"
        case "strings":
            return f" {key.docv} ..."
        case _:
            return f" {key.docv}"


def _facts(key: Key[Any]) -> Iterator[str]:
    if key.required:
        yield "required"
    elif key.default not in (None, (), False):
        yield f"default: {key.show(key.default)}"
    yield f"env: {key.environment}"


def _format_parameters(
    command: click.Command,
    ctx: click.Context,
    formatter: click.HelpFormatter,
    between: Callable[[], None] = lambda: None,
) -> None:
    """The command's own options, whatever comes between, and the options that every command has.

    What an argument means stands in the text above: typer 0.20 loses its help on the way to click 8.5.
    """
    shared = {name for option in global_options() for name in option.opts} | {"--help"}
    options = [one for one in command.get_params(ctx) if isinstance(one, click.Option)]
    own = [one for one in options if not isinstance(one, KeyOption)]
    _section(formatter, "Options", ctx, [one for one in own if not shared & {*one.opts}])
    between()
    _section(formatter, "Everywhere", ctx, [one for one in own if shared & {*one.opts}])


def _section(formatter: click.HelpFormatter, title: str, ctx: click.Context, options: Sequence[click.Option]) -> None:
    records = [record for one in options if (record := _record(one, ctx)) is not None]
    if records:
        with formatter.section(title):
            formatter.write_dl(records)


def _record(option: click.Option, ctx: click.Context) -> tuple[str, str] | None:
    """An option with its help; typer's own way of telling imports rich, 100 ms."""
    if isinstance(option, KeyOption):
        return option.get_help_record(ctx)
    return click.Option.get_help_record(option, ctx)

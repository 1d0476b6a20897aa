"""How a command is declared: a function with a signature, whose annotations say what each of its words means.

What stands here is data: the words of a line are read from it (`words`), and so are help, completion and the reference.
typer makes its own parameters from it (`judge`), when a line is not as plain as most are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

from mirage_py.dataclass import dataclass, field
from mirage_py.errors import UsageError

Kind = Literal["flag", "count", "text", "path", "whole", "number"]


class Mark(NamedTuple):
    """What stands in `Annotated` behind the type of a parameter."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    least: float | None = None
    counts: bool = False
    words: tuple[str, ...] = ()
    folder: bool = False


def option(  # the rest is said in prose
    *names: str,
    help: str,
    metavar: str | None = None,
    least: float | None = None,
    count: bool = False,
    words: tuple[str, ...] = (),
) -> Mark:
    """An option: `option("-o", "--output", metavar="NAME", help="name of the image")`.

    The type says whether it takes a word (`bool` takes none) and may be given several times (a list). A name with a
    slash, `--dev/--release`, turns a flag on and off. `least` is the smallest number that is taken, `count` counts how
    often it is given, and `words` are what the shell offers where any word is allowed.
    """
    return Mark(names=names, help=help, metavar=metavar, least=least, counts=count, words=words)


def argument(*, metavar: str, help: str, words: tuple[str, ...] = (), folder: bool = False) -> Mark:
    """A word with a place instead of a name; one without a default must be given. `folder`: it names a folder."""
    return Mark(names=(), help=help, metavar=metavar, words=words, folder=folder)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a command, as the command line has it."""

    name: str
    names: tuple[str, ...]
    off: str | None
    kind: Kind
    many: bool
    choices: tuple[str, ...]
    default: Any  # any: whatever its type is
    required: bool
    mark: Mark

    @property
    def takes_word(self) -> bool:
        """Whether a word follows its name."""
        return self.kind not in {"flag", "count"}

    @property
    def placeholder(self) -> str:
        """What stands for its word in a usage line."""
        if not self.takes_word:
            return ""
        return self.mark.metavar or (f"[{'|'.join(self.choices)}]" if self.choices else self.kind.upper())


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command: what carries it out, and what its line may say."""

    function: Callable[..., int | None]
    takes_keys: bool = False
    extra: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def help(self) -> str:
        """The docstring of its function."""
        from inspect import cleandoc

        return cleandoc(self.function.__doc__ or "")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its own, in the order of the signature, and the second spelling of "in JSON"."""
        own = parameters(self.function)
        return (*own, *_other_json(own))


@dataclass(frozen=True, kw_only=True)
class Group:
    """A command that has commands of its own."""

    summary: str
    commands: Mapping[str, Command]


def command(function: Callable[..., int | None], *, takes_keys: bool = False) -> Command:
    """The command that a function describes with its signature and docstring.

    With `takes_keys` the keys of the configuration are options too; the function has them in its `line`.
    """
    return Command(function=function, takes_keys=takes_keys)


def group(summary: str, **commands: Command) -> Group:
    """A command that has commands of its own, by name."""
    return Group(summary=summary, commands=commands)


def parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The parameters of a function that are words of its command line: those with a mark."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    defaults = dict(zip(reversed(names), reversed(function.__defaults__ or ()), strict=False))
    hints = get_type_hints(function, include_extras=True)
    marked = ((name, hints[name]) for name in names if get_origin(hints[name]) is Annotated)
    return tuple(_parameter(name, hint, defaults.get(name, ...)) for name, hint in marked)


def _parameter(name: str, hint: Any, default: Any) -> Parameter:  # any: annotations, and values of any type
    bare, mark = get_args(hint)
    (kept, *_) = [one for one in get_args(bare) if one is not type(None)] if type(None) in get_args(bare) else [bare]
    many = get_origin(kept) is list
    one = get_args(kept)[0] if many else kept
    choices = get_args(one) if get_origin(one) is Literal else ()
    return Parameter(
        name=name,
        names=tuple(word.partition("/")[0] for word in mark.names),
        off=next((word.partition("/")[2] for word in mark.names if "/" in word), None),
        kind="count" if mark.counts else "text" if choices else _KINDS[one],
        many=many,
        choices=choices,
        default=default,
        required=default is ...,
        mark=mark,
    )


_KINDS: Final[Mapping[type, Kind]] = {bool: "flag", str: "text", Path: "path", int: "whole", float: "number"}


# ---------------------------------------------------------------------------------------------------------------------
# Two spellings of one wish


def _other_json(own: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """`--json` where there is `--format json`, and the other way round."""
    names = {one.name: one for one in own}
    if "as_json" in names and "form" not in names:
        return parameters(_with_format)
    if "json" in (names["form"].choices if "form" in names else ()):
        return parameters(_with_json)
    return ()


def _with_format(
    form: Annotated[Literal["text", "json"], option("--format", help="json is the same as --json")] = "text",
) -> None: ...


def _with_json(as_json: Annotated[bool, option("--json", help="the same as --format json")] = False) -> None: ...


def one_json(command: Command, given: dict[str, Any]) -> dict[str, Any]:  # any: values of any type
    """The arguments of the function alone: the second spelling said in its own."""
    own = {one.name for one in parameters(command.function)}
    if "form" in given and "form" not in own:
        given["as_json"] = given.get("as_json", False) or given["form"] == "json"
    if given.get("as_json") and "as_json" not in own:
        if given.get("form", "json") != "json":
            raise UsageError(f"--json and --format {given['form']} ask for two forms", hint="leave one out")
        given["form"] = "json"
    return {name: value for name, value in given.items() if name in own}

"""The options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import click
import typer

from mirage_py.dsl.key import TARGETS
from mirage_py.errors import UsageError, suggestion

if TYPE_CHECKING:
    from mirage_py.model.toolchain import ToolchainChoice


class TargetType(click.ParamType[str]):
    """The name of a target; the workflow judges it, the shell completes it."""

    name = "target"

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
        """The targets that begin so. Any: click's item type is not worth its import here."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in TARGETS if name.startswith(incomplete)]


class CountType(click.ParamType[int]):
    """A whole number from 1."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; a usage error for anything else."""
        text = str(value)
        if not text.isdecimal() or int(text) < 1:
            self.fail(f"{text!r} is not a whole number from 1", param, ctx)
        return int(text)


CONFIG = Path("config.py")

File = Annotated[
    Path, typer.Option("-f", "--file", metavar="FILE", help="the configuration; default: config.py", show_default=False)
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "-t", "--target", metavar="TARGET", click_type=TargetType(), help="a target; may be given several times"
    ),
]
Unikernels = Annotated[
    list[str] | None,
    typer.Option("-u", "--unikernel", metavar="NAME", help="one of several unikernels; may be given several times"),
]
Output = Annotated[str | None, typer.Option("-o", "--output", metavar="NAME", help="name of the image")]
Json = Annotated[bool, typer.Option("--json", help="answer in JSON, one object a line")]

ToolchainFile = Annotated[
    Path | None, typer.Option("--toolchain", metavar="FILE", help="a TOML file that describes the toolchain")
]
Switch = Annotated[str | None, typer.Option("--switch", metavar="NAME", help="the opam switch to build with")]
Prefixes = Annotated[
    list[Path] | None,
    typer.Option("--solo5-prefix", metavar="DIR", help="where Solo5 is installed; may be given several times"),
]
LinkWay = Literal["cross", "pkg-config"]
Link = Annotated[
    LinkWay | None, typer.Option("--link", help="which generation of toolchains links a freestanding image")
]


def stated(toolchain: Path | None, switch: str | None, prefixes: list[Path] | None) -> ToolchainChoice | None:
    """What the command line alone says about the toolchain; None when it says nothing."""
    if toolchain is None and switch is None and not prefixes:
        return None
    from mirage_py.model.toolchain import ToolchainChoice

    return ToolchainChoice(description=toolchain, switch=switch, prefixes=tuple(prefixes or ()))


def choice(
    toolchain: Path | None, switch: str | None, prefixes: list[Path] | None, link: LinkWay | None
) -> ToolchainChoice:
    """What the command line and then the environment say about the toolchain."""
    from dataclasses import replace

    from mirage_py.model.toolchain import ToolchainChoice
    from mirage_py.toolchain.discover import from_environment

    return from_environment(replace(stated(toolchain, switch, prefixes) or ToolchainChoice(), link=link))


def checked_targets(targets: list[str] | None) -> tuple[str, ...]:
    """The targets, each once; a usage error for one that does not exist."""
    for target in targets or ():
        if target not in TARGETS:
            raise UsageError(
                f"no target {target!r}", hint=suggestion(target, TARGETS) or f"there is {', '.join(TARGETS)}"
            )
    return tuple(dict.fromkeys(targets or ()))

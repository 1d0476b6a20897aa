"""The options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import click
import typer

from mirage_py.dsl.key import TARGETS


class TargetType(click.ParamType):
    """The name of a target; the workflow judges it, the shell completes it."""

    name = "target"

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
        """The targets that begin so. Any: click's item type is not worth its import here."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in TARGETS if name.startswith(incomplete)]


CONFIG = Path("config.py")

File = Annotated[Path, typer.Option("-f", "--file", metavar="FILE", help="the configuration; default: config.py", show_default=False)]
Targets = Annotated[
    list[str] | None,
    typer.Option("-t", "--target", metavar="TARGET", click_type=TargetType(), help="a target; may be given several times"),
]
Unikernels = Annotated[
    list[str] | None,
    typer.Option("-u", "--unikernel", metavar="NAME", help="one of several unikernels; may be given several times"),
]
Output = Annotated[str | None, typer.Option("-o", "--output", metavar="NAME", help="name of the image")]
Json = Annotated[bool, typer.Option("--json", help="answer in JSON, one object a line")]

"""`mpy describe`: a unikernel as a text to read, as a picture, or as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

from mirage_py.cli.command import command, option
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import CONFIG, File, Targets, Unikernels
from mirage_py.doors import terminal as console
from mirage_py.errors import Location, UsageError, WouldOverwrite
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.request import Request

Format = Literal["text", "svg", "html", "dot", "mermaid", "json"]
SUFFIXES: Final[dict[Format, tuple[str, ...]]] = {
    "text": (".txt", ".md"),
    "dot": (".dot", ".gv"),
    "mermaid": (".mmd", ".mermaid", ".md"),
    "json": (".json",),
    "svg": (".svg",),
    "html": (".html", ".htm"),
}
"""What a file of each format is called: one that is called otherwise is hardly an older picture, so it stays."""


def describe(
    line: Line,
    file: File = CONFIG,
    target: Targets = None,
    unikernel: Unikernels = None,
    form: Annotated[Format, option("--format", help="a text, a picture, or data")] = "text",
    output: Annotated[Path | None, option("-o", "--output", metavar="FILE", help="write it to a file")] = None,
) -> None:
    """Tell what a unikernel is made of, and who chose it so.

    Without -t for every configured target, or the default one. A picture is of one unikernel on one target; html is a
    page with all of them side by side.
    """
    asked = request(line, file=file, targets=target, unikernels=unikernel)
    with console.working("resolving"):
        text = _rendered(asked, form, to_file=output is not None)
    if output is None:
        console.result(text)
    else:
        _write(output, text, form)


COMMAND = command(describe, takes_keys=True)


def _rendered(asked: Request, form: Format, *, to_file: bool) -> str:
    from mirage_py.describe import pictures
    from mirage_py.describe.data import description
    from mirage_py.describe.text import describe_text
    from mirage_py.workflow.describe import described
    from mirage_py.workflow.resolve import resolve_all

    match form:
        case "text":
            paint = console.plain if to_file else console.painter()
            columns = None if to_file else console.width()
            return "\n".join(
                describe_text(one.resolved, one.served, one.sources, paint, columns) for one in described(asked)
            )
        case "json":
            data = (description(one.resolved, one.served, one.sources) for one in described(asked))
            return "\n".join(json.dumps(one, ensure_ascii=False) for one in data)
        case "dot":
            return pictures.dot(_single(resolve_all(asked)))
        case "mermaid":
            return pictures.mermaid(_single(resolve_all(asked)))
        case "svg":
            from mirage_py.describe.svg import svg

            return svg(_drawable(_single(resolve_all(asked))))
        case "html":
            from mirage_py.describe.page import page

            return page([_drawable(one) for one in resolve_all(asked)])


def _single(found: tuple[Resolved, ...]) -> Resolved:
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{one.info.output} for {one.info.target}" for one in found)
    raise UsageError(
        "a picture is of one unikernel on one target", details=(f"there is {there}",), hint="choose with -u and -t"
    )


MOST_DRAWN: Final = 2000
"""Devices of a picture: more of them nobody can look at, and no layout takes a second."""


def _drawable(one: Resolved) -> Resolved:
    if len(one.graph.nodes) > MOST_DRAWN:
        raise UsageError(
            f"{one.info.output} has {len(one.graph.nodes)} devices, and a picture takes {MOST_DRAWN}",
            hint="mpy describe tells them as text, --format json as data",
        )
    return one


def _write(path: Path, text: str, form: Format) -> None:
    if path.exists() and path.suffix not in SUFFIXES[form]:
        raise WouldOverwrite(
            f"{path} is there, and is not called like a {form} file",
            location=Location.of(path),
            hint=f"name it {path.stem}{SUFFIXES[form][0]}, or delete it",
        )
    from mirage_py.doors.files import write_whole

    write_whole(path, text if text.endswith("\n") else f"{text}\n")
    console.say(f"wrote {path}", event="file", action="wrote", path=str(path))

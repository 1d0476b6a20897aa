"""`mpy query KIND`: one thing about the configuration, as text to read or as JSON to use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from mirage_py.cli.command import argument, command
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import (
    CONFIG,
    File,
    Json,
    Link,
    Output,
    Prefixes,
    Switch,
    Targets,
    ToolchainFile,
    Unikernels,
    stated,
)
from mirage_py.describe import KINDS
from mirage_py.doors import terminal as console
from mirage_py.errors import MpyError, UnsupportedTarget, UsageError, suggestion

if TYPE_CHECKING:
    from mirage_py.describe.queries import Answer
    from mirage_py.workflow.request import Request


def query(
    line: Line,
    kind: Annotated[str, argument(metavar="KIND", words=KINDS, help=", ".join(KINDS))],
    as_json: Json = False,
    file: File = CONFIG,
    target: Targets = None,
    unikernel: Unikernels = None,
    output: Output = None,
    link: Link = None,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
) -> int | None:
    """Tell one thing about the configuration.

    KIND is name, packages, opam, files, main, dune, libraries, keys, runtime-args, plan, graph, cflags or ldflags.
    Nothing is written. Without -t for every configured target, or the default one. Several answers are headed with the
    unikernel and target each is for; as JSON they are one object a line.
    """
    if kind not in KINDS:
        raise UsageError(f"query knows no {kind!r}", hint=suggestion(kind, KINDS) or f"ask for {', '.join(KINDS)}")
    tools = stated(toolchain, switch, solo5_prefix)
    asked = request(line, file=file, targets=target, unikernels=unikernel, output=output, link=link, toolchain=tools)
    if kind == "name":
        _tell_names(asked, as_json=as_json)
        return None
    try:
        with console.working("resolving"):
            found = _answers(kind, asked)
    except MpyError as refusal:
        if not (as_json and kind == "graph" and refusal.exit_code == UnsupportedTarget.exit_code):
            raise
        console.result(_refused(refusal))
        return refusal.exit_code
    for one in found:
        heading = f"# {one.heading}\n" if len(found) > 1 else ""
        console.result(json.dumps(one.data, ensure_ascii=False) if as_json else heading + one.text)
    if kind == "libraries":
        _tell_waiting(asked)
    return None


COMMAND = command(query, takes_keys=True)


def _tell_names(asked: Request, *, as_json: bool) -> None:
    """The names alone: nothing has to be resolved for them."""
    from mirage_py.workflow.resolve import chosen_unikernels

    for unikernel in chosen_unikernels(asked):
        console.result(json.dumps({"name": unikernel.name}) if as_json else unikernel.name)


def _tell_waiting(asked: Request) -> None:
    """What a lock that is not pulled keeps to itself: the libraries of its packages."""
    from mirage_py.packages.held import held

    found = held(asked.folder)
    if found is not None and found.waiting:
        text = f"{len(found.waiting)} sources of mpy.lock are not pulled, and what they link is not known: mpy pull"
        console.say(text, event="waiting", folders=sorted(found.waiting))


def _answers(kind: str, asked: Request) -> tuple[Answer, ...]:
    from mirage_py.workflow.query import query as ask

    return ask(kind, asked)


def _refused(refusal: MpyError) -> str:
    place: Any = str(refusal.location) if refusal.location else None
    return json.dumps({"accepted": False, "why": refusal.message, "location": place}, ensure_ascii=False)

"""`mpy configure`: resolve, generate, remember the choices."""

from __future__ import annotations

from typing import Annotated, Final

from mirage_py.cli.command import command, option
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import (
    CONFIG,
    File,
    Link,
    Output,
    Prefixes,
    Switch,
    Targets,
    ToolchainFile,
    Unikernels,
    stated,
)
from mirage_py.doors import terminal as console
from mirage_py.doors.files import Written
from mirage_py.errors import UsageError
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.configure import Configured, configure as configure_all, drop as drop_targets
from mirage_py.workflow.request import Request


def configure(
    line: Line,
    file: File = CONFIG,
    target: Targets = None,
    unikernel: Unikernels = None,
    output: Output = None,
    link: Link = None,
    dry_run: Annotated[bool, option("--dry-run", help="tell what would be written, and write nothing")] = False,
    reset: Annotated[bool, option("--reset", help="forget the choices that were saved")] = False,
    drop: Annotated[bool, option("--drop", help="take the targets that -t names away")] = False,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
) -> None:
    """Choose targets and keys; generate the build files.

    They go below mirage/. The choices are saved for each unikernel and target: the next configure and build start from
    them. --reset forgets those of the targets that -t names, or all. --drop takes targets away; their images stay.
    """
    tools = stated(toolchain, switch, solo5_prefix)
    asked = request(
        line,
        file=file,
        targets=target,
        unikernels=unikernel,
        output=output,
        link=link,
        toolchain=tools,
        reset=reset,
    )
    if drop:
        _drop(asked, alone=not (dry_run or reset))
        return
    with console.working("configuring"):
        done = configure_all(asked, dry_run=dry_run, waiting=console.say)
    for one in done.resolved:
        _tell(one)
    _tell_files(done, dry_run=dry_run)


COMMAND = command(configure, takes_keys=True)


def _drop(asked: Request, *, alone: bool) -> None:
    if not (asked.targets and alone):
        raise UsageError("--drop takes away the targets that -t names, and does nothing else", hint="--drop -t hvt")
    done = drop_targets(asked, waiting=console.say)
    for folder in done.dropped:
        console.say(f"dropped {folder}/", event="dropped", folder=folder)


def _tell(one: Resolved) -> None:
    choices = {
        name: {"value": one.info.keys[name].show(chosen.value), "source": chosen.source}
        for name, chosen in one.context.chosen.items()
        if name != "target"
    }
    keys = one.info.keys
    shown = "".join(
        f" {' '.join(keys[name].options(chosen.value))} ({chosen.source})"
        for name, chosen in one.context.chosen.items()
        if name != "target" and keys[name].options(chosen.value)
    )
    console.say(
        f"{one.info.output} for {one.info.target}{':' if shown else ''}{shown}",
        event="resolved",
        name=one.info.name,
        target=one.info.target,
        output=one.info.output,
        choices=choices,
    )


NAMED: Final = 11
"""Folders that are named, one unikernel's for every target; hundreds of unikernels have thousands."""


def _tell_files(done: Configured, *, dry_run: bool) -> None:
    written = done.written
    verbs = ("would create", "would change", "would remove") if dry_run else ("created", "changed", "removed")
    for verb, paths in zip(verbs, (written.created, written.changed, written.removed), strict=True):
        for path in paths:
            (console.say if dry_run else console.detail)(f"  {verb} {path}", event="file", action=verb, path=path)
    labels = [one.plan.label for one in done.resolved]
    folders = ", ".join(f"mirage/{label}/" for label in labels[:NAMED])
    more = f" and {len(labels) - NAMED:,} more" if len(labels) > NAMED else ""
    console.say(f"{_sum(written, dry_run=dry_run)}: {folders}{more}", event="configured", **_counts(written))
    if not dry_run and (written.created or written.changed):
        console.say("next: mpy build")


def _counts(written: Written) -> dict[str, int]:
    return {
        "created": len(written.created),
        "changed": len(written.changed),
        "removed": len(written.removed),
        "unchanged": len(written.unchanged),
    }


def _sum(written: Written, *, dry_run: bool) -> str:
    told = ", ".join(
        f"{count} {'file' if count == 1 else 'files'} {what}"
        for what, count in _counts(written).items()
        if count and what != "unchanged"
    )
    if not told:
        return "up to date"
    return f"dry run: {told}" if dry_run else told

"""`mpy doctor`: what this machine has for building and running, and the line that mends what it has not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from mirage_py.cli.command import command
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import (
    CONFIG,
    File,
    Json,
    Link,
    Prefixes,
    Switch,
    Targets,
    ToolchainFile,
    checked_targets,
    choice,
)
from mirage_py.doors import terminal as console
from mirage_py.doors.terminal import Row, Style
from mirage_py.model.toolchain import Finding, Status

MARKS: dict[Status, tuple[str, Style]] = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "problem": ("problem", "red"),
}
NOT_FIT = 5
"""As for a tool that is missing: that is what a build would say."""


def doctor(
    line: Line,
    target: Targets = None,
    as_json: Json = False,
    file: File = CONFIG,
    toolchain: ToolchainFile = None,
    switch: Switch = None,
    solo5_prefix: Prefixes = None,
    link: Link = None,
) -> int:
    """Look at this machine's tools; tell how to mend them.

    Where a configuration is, also at the libraries of its images: a problem is what a build would end with. Without -t
    for the targets that are configured here, or unix. Ends with 5 when something is missing.
    """
    from mirage_py.workflow.doctor import examine

    tools = choice(toolchain, switch, solo5_prefix, link)
    targets = list(checked_targets(target) or _configured(file.absolute().parent))
    asked = request(line, file=file, targets=targets, unikernels=None, link=link, toolchain=tools)
    with console.working("looking at this machine"):
        findings = examine(asked)
    console.result("".join(f"{json.dumps(asdict(one))}\n" for one in findings) if as_json else _text(findings))
    return NOT_FIT if any(one.status == "problem" for one in findings) else 0


COMMAND = command(doctor)


def _configured(folder: Path) -> tuple[str, ...]:
    from mirage_py.project.choices import read_state

    saved = read_state(folder / "mirage")
    return tuple(dict.fromkeys(target for of_unikernel in saved.values() for target in of_unikernel))


def _text(findings: tuple[Finding, ...]) -> str:
    rows = (row for one in findings for row in _rows(one))
    return "\n".join([*console.table(rows, console.painter(), console.width()), "", _sum(findings)])


def _rows(one: Finding) -> Iterator[Row]:
    yield MARKS[one.status], (one.subject, None), (one.text, None)
    for line in (one.fix or "").splitlines():
        yield ("", None), ("", None), (f"-> {line}", "cyan")


def _sum(findings: tuple[Finding, ...]) -> str:
    problems, warnings = (sum(one.status == status for one in findings) for status in ("problem", "warning"))
    also = [f"{warnings} {'warning' if warnings == 1 else 'warnings'}"] if warnings else []
    return ", ".join([f"{problems} to mend before a build" if problems else "all that a build needs is here", *also])

"""`mpy audit`: will it run on this target?"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from mirage_py.cli.command import argument, command, option
from mirage_py.cli.line import Line, request
from mirage_py.cli.options import CONFIG, File, Targets, Unikernels
from mirage_py.doors import terminal as console
from mirage_py.errors import UsageError
from mirage_py.model.audit import DEFAULT_FAIL_ON, AuditReport, FailOn
from mirage_py.workflow.audit import audit as audit_all

Format = Literal["text", "json", "sarif", "markdown"]


def audit(
    line: Line,
    libraries: Annotated[
        list[str] | None, argument(metavar="[LIBRARY]...", help="libraries; without any: the configuration")
    ] = None,
    file: File = CONFIG,
    target: Targets = None,
    unikernel: Unikernels = None,
    opam: Annotated[
        list[str] | None, option("--opam", metavar="PACKAGE", help="judge a package from opam's metadata alone")
    ] = None,
    form: Annotated[Format, option("--format", help="how to tell it; text unless given")] = "text",
    fail_on: Annotated[
        list[FailOn] | None,
        option(
            "--fail-on",
            help="what makes it end with 8; missing, aborts and unsure unless given",
        ),
    ] = None,
    explain: Annotated[str | None, option("--explain", metavar="LIBRARY", help="tell all about one library")] = None,
) -> int:
    """Tell whether libraries will run on a target, and why not.

    Judges what the configuration here links, or each LIBRARY that is named, installed or vendored. Ends with 8 when
    something will not run.
    """
    asked = request(line, file=file, targets=target, unikernels=unikernel)
    with console.working("reading libraries"):
        report = audit_all(
            asked, libraries=tuple(libraries or ()), opam=tuple(opam or ()), fail_on=_fail_on(fail_on or [])
        )
    console.result(_rendered(report, form, explain))
    return report.exit_code


COMMAND = command(audit, takes_keys=True)


def _fail_on(words: list[FailOn]) -> tuple[FailOn, ...]:
    return tuple(one for one in get_args(FailOn) if one in words) or DEFAULT_FAIL_ON


def _rendered(report: AuditReport, form: Format, explain: str | None) -> str:
    from mirage_py.audit import render_json, render_markdown, render_sarif, render_text

    if explain is not None and form != "text":
        raise UsageError("--explain tells it as text", hint="leave --format out")
    match form:
        case "text":
            return render_text(report, explain=explain)
        case "json":
            return render_json(report)
        case "sarif":
            return render_sarif(report)
        case "markdown":
            return render_markdown(report)

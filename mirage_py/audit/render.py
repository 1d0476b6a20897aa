"""An audit as text to read at a glance, as a page, as JSON and as SARIF."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from mirage_py.audit.gaps import to_fill
from mirage_py.model.audit import OTHER_VERSION, SEVERITIES, VERDICT_WORDS, AuditReport, Finding, LibraryAudit, Severity

SCHEMA: Final = 1
"""The version of the JSON; raised when a field changes its meaning."""

LEVELS: Final[Mapping[Severity, str]] = {
    "note": "none",
    "noop": "note",
    "later": "note",
    "recompile": "note",
    "gaps": "note",
    "unsure": "warning",
    "aborts": "error",
    "missing": "error",
    "unix": "error",
}
SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
PLACE: Final = re.compile(r"(?P<file>[^\s():]+):(?P<line>\d+)")


def render_text(report: AuditReport, *, explain: str | None = None, details: bool = True) -> str:
    """The table, the details of what will not simply run, a line for each that may bite, and one that sums up.

    `explain` names one library: then its whole chain and all its findings are shown instead.
    """
    if explain is not None:
        return "\n".join(_explained(report, explain)) + "\n"
    blocks = ["\n".join(_table(targets, rows)) for targets, rows in _by_targets(report)]
    blocks += ["\n".join(lines)] if (lines := [*dict.fromkeys((*_sure(report), *_not_judged(report)))]) else []
    if details:
        blocks += [detail for _, rows in _by_targets(report) for detail in _details(rows)]
        bites = dict.fromkeys(line for _, rows in _by_targets(report) for line in _bites(rows))
        blocks += ["\n".join(bites)] if bites else []
        blocks += [line for line in (to_fill(report),) if line]
    blocks += ["\n".join(_problems(report))] if report.problems else []
    return "\n\n".join([*blocks, _sum(report)]) + "\n"


def _by_targets(report: AuditReport) -> list[tuple[tuple[str, ...], tuple[LibraryAudit, ...]]]:
    """The verdicts, targets with equal ones put together."""
    groups: dict[tuple[object, ...], list[str]] = {}
    rows: dict[str, tuple[LibraryAudit, ...]] = {}
    for target in dict.fromkeys(library.target for library in report.libraries):
        rows[target] = tuple(library for library in report.libraries if library.target == target)
        key = tuple((one.library, one.verdict, one.findings, one.allowed) for one in rows[target])
        groups.setdefault(key, []).append(target)
    return [(tuple(targets), rows[targets[0]]) for targets in groups.values()]


def _table(targets: tuple[str, ...], rows: tuple[LibraryAudit, ...]) -> Iterator[str]:
    """The roots, then what does not simply run below them."""
    shown = [row for row in rows if row.root] + [row for row in rows if not row.root and row.verdict != "runs"]
    cells = [(_indent(row), row.version or "", _words(row), _because(row)) for row in shown]
    head = ("library", "version", f"on {', '.join(targets)}", "because of")
    widths = [max(len(line[column]) for line in (head, *cells)) for column in range(3)]
    for line in (head, *cells):
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[3]]).rstrip()
    quiet = len(rows) - len(shown)
    if quiet:
        what = "library that runs" if quiet == 1 else "libraries that run"
        yield f"and {quiet} more {what} below them"


def _sure(report: AuditReport) -> Iterator[str]:
    """A line for each root that is judged by what was built and run elsewhere."""
    for row in report.libraries:
        tried = next((one for one in row.findings if one.rule == "tried"), None)
        if row.root and tried is not None and row.verdict == "runs":
            joint = "" if tried.message.startswith("(") else "; "
            yield f"{row.library}: {_words(row)}{joint or ' '}{tried.message}"


def _not_judged(report: AuditReport) -> Iterator[str]:
    """A line for each library that is here in a version that no build would take."""
    for row in report.libraries:
        for one in row.findings:
            if one.rule == OTHER_VERSION:
                yield f"{row.library} {one.message}: that one is not judged ({one.remedy} brings another)"


def _indent(row: LibraryAudit) -> str:
    return row.library if row.root else f"  {row.library}"


def _words(row: LibraryAudit) -> str:
    return VERDICT_WORDS[row.verdict] + (" (allowed)" if row.allowed is not None else "")


def _because(row: LibraryAudit) -> str:
    """The chain to the library that decides, or the first symbol or place that does."""
    if row.verdict == "runs":
        return ""
    if row.because:
        return " -> ".join(row.because[1:])
    decisive = decisive_finding(row)
    return "" if decisive is None else decisive.symbol if decisive.rule in SYMBOL_RULES else decisive.place


SYMBOL_RULES: Final = (
    "libc-missing",
    "libc-gap",
    "libc-abort",
    "undefined",
    "external-undefined",
    "system-library",
    "unit-missing",
)


def decisive_finding(row: LibraryAudit) -> Finding | None:
    """The finding that forces a library's verdict; None when nothing does, or another library's finding does."""
    return next((finding for finding in row.findings if finding.severity == row.verdict), None)


def _details(rows: tuple[LibraryAudit, ...]) -> Iterator[str]:
    """One block for each library that does not simply run, and has evidence of its own."""
    for row in rows:
        if row.verdict == "runs":
            continue
        findings = heaviest_first(finding for finding in row.findings if finding.severity != "note")
        if findings:
            yield "\n".join([f"{row.library}: {_words(row)}", *_way(row), *_evidence(findings, 5)])


def _bites(rows: Iterable[LibraryAudit]) -> Iterator[str]:
    """A line for each library that runs, and has functions that a unikernel should not call."""
    for row in rows:
        findings = heaviest_first(one for one in row.findings if one.severity != "note")
        if findings and row.verdict == "runs":
            more = f", and {len(findings) - 1} more" if findings[1:] else ""
            yield f"may bite: {row.library}: {findings[0].message}{more} (--explain {row.library})"


def heaviest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order in which they decide, equals as they were found."""
    return sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))


def _way(row: LibraryAudit) -> Iterator[str]:
    way = f": {' -> '.join(row.path)}" if len(row.path) > 1 else ""
    yield f"  asked for by {row.asked_by}{way}"
    if row.because:
        yield f"  because of {' -> '.join(row.because)}"
    if row.allowed is not None:
        yield f"  allowed: {row.allowed}"


def _evidence(findings: Iterable[Finding], most: int | None = None) -> Iterator[str]:
    """Findings with their places; what to do stands once for those that share it."""
    listed = list(findings)
    for finding in listed[:most]:
        place = f"{finding.place}: " if finding.place else ""
        yield f"  - {place}{finding.message}"
    if most is not None and len(listed) > most:
        yield f"  - and {len(listed) - most} more: --explain shows all"
    yield from (f"  next: {remedy}" for remedy in dict.fromkeys(one.remedy for one in listed[:most] if one.remedy))


def _explained(report: AuditReport, name: str) -> Iterator[str]:
    """Everything about one library, the chain to what decides included."""
    rows = [row for row in report.libraries if row.library == name]
    if not rows:
        yield f"{name} is not in the closure"
    for row in rows:
        yield f"{row.library} {row.version or ''} on {row.target}: {_words(row)}".replace("  ", " ")
        yield from _way(row)
        yield f"  judged from: {', '.join(row.sources)}"
        yield from _chain(report, row)
        yield from _evidence(heaviest_first(row.findings))


def _chain(report: AuditReport, row: LibraryAudit) -> Iterator[str]:
    for depth, name in enumerate(row.because[1:], start=1):
        culprit = next(one for one in report.libraries if one.library == name and one.target == row.target)
        yield f"{'  ' * (depth + 1)}needs {name}: {_words(culprit)}"
        if name == row.because[-1]:
            yield from (f"{'  ' * (depth + 1)}{line.strip()}" for line in _evidence(heaviest_first(culprit.findings)))


def _problems(report: AuditReport) -> Iterator[str]:
    for problem in report.problems:
        yield f"error: {problem}" + (f"\nhint:  {problem.hint}" if problem.hint else "")


def _sum(report: AuditReport) -> str:
    roots = [row for row in report.libraries if row.root]
    counts = Counter(VERDICT_WORDS[row.verdict] for row in roots)
    told = ", ".join(f"{count} {words}" for words, count in sorted(counts.items())) or "nothing audited"
    return f"{told} (libc: {report.libc})" if report.libc else told


def render_json(report: AuditReport) -> str:
    """The whole report; the fields are those of `mirage_py.model.audit`."""
    libraries = [{**vars(row), "fails": report.fails(row)} for row in report.libraries]
    value = {
        "schema": SCHEMA,
        "exit_code": report.exit_code,
        "targets": report.targets,
        "libc": report.libc,
        "fail_on": report.fail_on,
        "libraries": libraries,
        "problems": report.problems,
    }
    return json.dumps(value, indent=2, default=vars) + "\n"


def render_sarif(report: AuditReport) -> str:
    """SARIF 2.1.0, as code hosts show it beside the configuration."""
    rules = dict.fromkeys(finding.rule for row in report.libraries for finding in row.findings)
    driver = {"name": "mpy audit", "rules": [{"id": rule} for rule in sorted(rules)]}
    results = [
        _result(row, finding) for row in report.libraries for finding in row.findings if finding.severity != "note"
    ]
    notes = [{"level": "error", "message": {"text": str(problem)}} for problem in report.problems]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": results,
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(row: LibraryAudit, finding: Finding) -> dict[str, Any]:
    """One finding; the place is the line of the configuration that asked, where that is known."""
    logical = [{"fullyQualifiedName": " -> ".join(row.path), "kind": "module"}]
    location: dict[str, Any] = {"logicalLocations": logical}
    place = PLACE.search(row.asked_by)
    if place:
        region = {"startLine": int(place["line"])}
        location["physicalLocation"] = {"artifactLocation": {"uri": place["file"]}, "region": region}
    result = {
        "ruleId": finding.rule,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{row.library} on {row.target}: {finding.message}"},
        "locations": [location],
        "properties": {"symbol": finding.symbol, "place": finding.place, "remedy": finding.remedy},
    }
    if row.allowed is not None:
        result["suppressions"] = [{"kind": "external", "justification": row.allowed}]
    return result


def render_markdown(report: AuditReport) -> str:
    """A table for a page or a pull request: the roots, the verdict on each target, what decides."""
    lines = ["| library | version | " + " | ".join(report.targets) + " | because of |"]
    lines.append("|" + " --- |" * (len(report.targets) + 3))
    for name in dict.fromkeys(row.library for row in report.libraries if row.root):
        rows = {row.target: row for row in report.libraries if row.library == name and row.root}
        any_row = next(iter(rows.values()))
        verdicts = [_words(rows[target]) if target in rows else "" for target in report.targets]
        worst = next((row for row in rows.values() if row.verdict != "runs"), any_row)
        cells = [f"`{name}`", any_row.version or "", *verdicts, _markdown_reason(report, worst)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, *_markdown_problems(report)]) + "\n"


def _markdown_reason(report: AuditReport, row: LibraryAudit) -> str:
    """What decides, in one cell: the chain where there is one, and the finding at its end."""
    culprit = row
    if row.because:
        ends = (one for one in report.libraries if one.library == row.because[-1] and one.target == row.target)
        culprit = next(ends)
    decisive = decisive_finding(culprit)
    chain = f"`{' -> '.join(row.because)}`: " if row.because else ""
    return chain + (decisive.message if decisive else "")


def _markdown_problems(report: AuditReport) -> list[str]:
    return ["", *(f"- {problem}" for problem in report.problems)] if report.problems else []

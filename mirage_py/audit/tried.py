"""What was found out by building and running: the table of verdicts that comes with mpy.

A row says what became of a library, built from source in one version, on one target: `make verdicts` makes it. It holds
for the series of its version (`v0.17`, `3`, `0.9`), so far as a series has one interface; a port (`1.13+dune+mirage`)
speaks for itself alone, unless dune is all that it was ported to.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, cast

from mirage_py.audit.rules import UNIKRAFT, UNIX, XEN
from mirage_py.dataclass import dataclass
from mirage_py.model.audit import VERDICT_WORDS, VERDICTS, Finding, Severity, Verdict
from mirage_py.model.bounds import ANY, Bounds
from mirage_py.model.version import fits, version_key

__all__ = ["COLUMNS", "Tried", "how_sure", "libraries_of", "row_of", "series_of", "table", "tried", "verdict_told"]

COLUMNS: Final = ("library", "version", "from", "below", "ocaml", "target", "verdict", "stubs", "how", "date", "reason")
DATA: Final = "verdicts.csv"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A library that was tried: the version, the range of versions it speaks for, on what, and what came of it.

    `stubs` says that C stubs of it, or of what it needs, were compiled from source; `reason` what the tools said.
    """

    library: str
    version: str
    since: str
    below: str
    ocaml: str
    target: str
    verdict: Verdict
    stubs: bool
    how: str
    date: str
    reason: str = ""

    @property
    def package(self) -> str:
        """The package that has the library."""
        return self.library.partition(".")[0]

    def covers(self, version: str) -> bool:
        """Whether it speaks for a version."""
        if _port(version) != _port(self.version):
            return False
        return fits(version.partition("+")[0], self.since, self.below)


def series_of(version: str) -> tuple[str, str]:
    """The bounds of the releases that have one interface: `v0.17` and `v0.18`, or `3` and `4`."""
    letter = "v" if version.startswith("v") else ""
    parts = version.removeprefix("v").partition("+")[0].partition("~")[0].split(".")
    kept = parts[:2] if parts[0] == "0" and parts[1:] else parts[:1]
    if not all(part.isdigit() for part in kept):
        return version, f"{version}~~"
    following = [*kept[:-1], str(int(kept[-1]) + 1)]
    return f"{letter}{'.'.join(kept)}", f"{letter}{'.'.join(following)}"


def _port(version: str) -> str:
    """What makes a port another program than its release: dune alone does not."""
    return version.partition("+")[2].replace("dune", "").strip("+.0123456789")


@cache
def table() -> Mapping[str, tuple[Tried, ...]]:
    """The rows by library, newest version first."""
    text = files("mirage_py.audit").joinpath("data", DATA).read_text("utf-8")
    found: dict[str, list[Tried]] = {}
    for row in rows_in(text.splitlines()):
        found.setdefault(row.library, []).append(row)
    return {name: tuple(sorted(rows, key=_newest_last, reverse=True)) for name, rows in found.items()}


def rows_in(lines: Iterable[str]) -> Iterator[Tried]:
    """The rows of a table as it is kept."""
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        assert row["verdict"] in VERDICTS, row
        yield Tried(
            library=row["library"],
            version=row["version"],
            since=row["from"],
            below=row["below"],
            ocaml=row["ocaml"],
            target=row["target"],
            verdict=cast("Verdict", row["verdict"]),
            stubs=row["stubs"] == "yes",
            how=row["how"],
            date=row["date"],
            reason=row["reason"],
        )


def row_of(one: Tried) -> tuple[str, ...]:
    """A row as it is kept."""
    stubs = "yes" if one.stubs else ""
    kept = (one.library, one.version, one.since, one.below, one.ocaml, one.target, one.verdict, stubs)
    return (*kept, one.how, one.date, one.reason)


def _newest_last(row: Tried) -> tuple[object, ...]:
    return version_key(row.version), version_key(row.ocaml)


def tried_on(target: str) -> str | None:
    """The target whose rows speak for this one: Solo5's and Xen's have one libc and are compiled alike."""
    return None if target in UNIKRAFT else "unix" if target in UNIX else "spt"


OF_HYPERVISOR: Final = re.compile(r"xen|qubes|solo5")
"""Libraries that are for one side only: what became of them on Solo5 says nothing of Xen."""


def tried(
    library: str, target: str, *, version: str | None = None, ocaml: str | None = None, bounds: Bounds = ANY
) -> Tried | None:
    """The row for a library in this version (None: the newest within the bounds), of this OCaml where one is."""
    if target in XEN and OF_HYPERVISOR.search(library):
        return None
    rows = [row for row in table().get(library, ()) if row.target == tried_on(target)]
    rows = [row for row in rows if bounds.admit(row.version) if version is None or row.covers(version)]
    alike = [row for row in rows if ocaml is not None and row.ocaml.split(".")[0] == ocaml.split(".")[0]]
    return next(iter(alike or rows), None)


def libraries_of(
    package: str, target: str, *, version: str | None = None, ocaml: str | None = None, bounds: Bounds = ANY
) -> tuple[Tried, ...]:
    """The rows of all libraries of a package, its main one first."""
    names = sorted(name for name in table() if name.partition(".")[0] == package)
    found = (tried(name, target, version=version, ocaml=ocaml, bounds=bounds) for name in names)
    return tuple(row for row in found if row is not None)


def how_sure(row: Tried) -> str:
    """What the row rests on: `stubs compiled from source (v0.17, OCaml 5.3, spt, built and run)`."""
    made = "stubs compiled from source " if row.stubs else ""
    ocaml = ".".join(row.ocaml.split(".")[:2])
    why = f": {row.reason}" if row.reason else ""
    return f"{made}({row.version}, OCaml {ocaml}, {row.target}, {row.how}){why}"


def verdict_told(row: Tried) -> str:
    """The verdict, and what it rests on: `runs; stubs compiled from source (v0.17, OCaml 5.3, spt, built and run)`."""
    return f"{VERDICT_WORDS[row.verdict]}{'; ' if row.stubs else ' '}{how_sure(row)}"


def severity_of(verdict: Verdict) -> Severity:
    """How much a row weighs: what was compiled from source needs no recompiling."""
    match verdict:
        case "runs" | "recompile":
            return "note"
        case worse:
            return worse


def finding_of(row: Tried) -> Finding:
    """The row as evidence."""
    severity = severity_of(row.verdict)
    remedy = "" if severity == "note" else "use another part of the package, or another package"
    if severity == "gaps":
        remedy = f"in config.py: main(..., {row.reason})"
    return Finding(
        rule="tried", severity=severity, message=how_sure(row), definer="mpy's table of verdicts", remedy=remedy
    )

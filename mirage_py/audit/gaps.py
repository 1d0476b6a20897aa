"""What the target's C library lacks and mpy can fill: as findings, and as the line of config.py that fills it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mirage_py.audit.libc import Libc
from mirage_py.audit.names import source_names
from mirage_py.audit.runtime import WORDS
from mirage_py.audit.vendored import INCLUDE
from mirage_py.dataclass import dataclass, replace
from mirage_py.libraries.gaps import compiled_with, headers
from mirage_py.model.audit import AuditReport, Finding
from mirage_py.model.gaps import CONSTANTS, FUNCTIONS, HEADERS, OFFERED, closed

__all__ = ["Gaps", "to_fill"]

RULE = "libc-gap"


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """The functions and error numbers that the configuration fills (None: whatever can be), over those of the libc.

    `present` are the functions that the libc really has, not those that are there in name only.
    """

    filled: tuple[str, ...] | None = None
    present: frozenset[str] = frozenset()

    @classmethod
    def over(cls, libc: Libc, filled: tuple[str, ...] | None) -> Gaps:
        """What is filled of this libc."""
        return cls(filled=filled, present=libc.present - libc.aborts - libc.noop)

    def closed(self, libc: Libc) -> Libc:
        """The libc as programs find it: what is filled takes the place of what was there in name only."""
        brought = closed(set(FUNCTIONS) - {WORDS} if self.filled is None else self.filled)
        return replace(libc, aborts=libc.aborts.difference(brought), noop=libc.noop.difference(brought))

    def offered(self, name: str) -> bool:
        """Whether mpy can fill it."""
        return name in OFFERED

    def words(self, name: str) -> tuple[str, str, str]:
        """Message, who would define it, and what to do."""
        return f"the freestanding libc has no {name}, and {self._who(name)}", "nolibc", self._remedy(name)

    def _who(self, name: str) -> str:
        return "config.py fills it" if self._by_config(name) else "mpy can fill it"

    def _remedy(self, name: str) -> str:
        return "" if self._by_config(name) else f'in config.py: main(..., libc_gaps=fill("{name}"))'

    def _by_config(self, name: str) -> bool:
        return self.filled is not None and name in closed(self.filled)

    def told(self, finding: Finding, stub: str) -> Finding:
        """A finding of what ends the program by this stub, with what mpy can do about it."""
        name = self._function(stub)
        if not name:
            return finding
        if finding.severity == "later":
            return replace(finding, remedy=f"{finding.remedy}, or {self._remedy(name)}")
        if name == WORDS:  # what fails at start would then raise, and end the program all the same where nobody catches
            return finding
        return replace(finding, rule=RULE, symbol=name, remedy=self._remedy(name))

    def instead(self, finding: Finding, stub: str) -> Iterator[Finding]:
        """What a finding becomes where the stub that it is about is filled; a call stays one as long as nothing is."""
        if finding.severity == "later":
            yield from (self.told(finding, stub),) if self.filled is None else ()
            return
        name = self._function(stub)
        message = f"{what_is_called(finding)}: a stub that aborts, and {self._who(name)}"
        yield replace(finding, rule=RULE, severity="gaps", symbol=name, message=message, remedy=self._remedy(name))

    def _function(self, stub: str) -> str:
        """The function that can be filled behind a name, which may be what the host's headers make of it."""
        names = source_names(stub) or (stub,)
        return next((name for name in names if name in FUNCTIONS), "")

    def weighed(self, finding: Finding) -> Finding:
        """The finding of a gap; one that the configuration leaves open keeps its image from being linked."""
        is_open = self.filled is not None and finding.symbol not in (*self.filled, *closed(self.filled))
        return replace(finding, severity="missing") if is_open else finding

    def compiled_with(self, folder: Path) -> tuple[str, ...]:
        """What a compiler is told, so that whatever can be filled is declared; headers are written below the folder."""
        texts = headers(sorted(OFFERED), self.present)
        place = folder / "gaps"
        for name, text in texts.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, "utf-8")
        return compiled_with(place) if texts else ()

    def behind(self, file: Path, text: str, read: str) -> Iterator[Finding]:
        """The numbers that a source speaks of, and the headers of the gaps that it `read`: no symbol tells of them.

        Of a header that comes with functions which the source does not call, any of these brings it.
        """
        numbers = set(re.findall(r"\b[A-Z_]+\b", text)) & set(CONSTANTS)
        words = set(re.findall(r"\w+", text))
        bringing = {gap.header: name for name, gap in sorted(FUNCTIONS.items(), reverse=True)}
        called = {gap.header for name, gap in FUNCTIONS.items() if name in words}
        asked = (bringing.keys() & INCLUDE.findall(text)) - called
        brought = {bringing[one] for one in asked if _is_of_gaps_alone(one, read)}
        for name in sorted({*numbers, *brought, *(name for name in HEADERS if f"gaps/{name}" in read)}):
            message, definer, remedy = self.words(name)
            found = Finding(rule=RULE, severity="gaps", message=message, symbol=name, definer=definer, remedy=remedy)
            yield self.weighed(replace(found, archive=file.parent.name, member=file.name))


def _is_of_gaps_alone(header: str, read: str) -> bool:
    """Whether a source read a header that the C library has not; others take the library's own in."""
    places = re.findall(rf"(\S*)/{re.escape(header)}(?!\S)", read)
    return bool(places) and all(one.endswith("gaps") for one in places)


def what_is_called(finding: Finding) -> str:
    """What a finding says of a call at start, without what would become of it."""
    return re.split(r": |, where ", finding.message, maxsplit=1)[0]


def to_fill(report: AuditReport) -> str:
    """The words of config.py that fill all gaps of a report; empty where none is, or filling them would not help."""
    helped = (row for row in report.libraries if row.verdict != "unix")
    names = sorted({one.symbol for row in helped for one in row.findings if one.rule == RULE})
    listed = ", ".join(f'"{name}"' for name in names)
    return f"in config.py: main(..., libc_gaps=fill({listed}))" if names else ""

"""What the target's C library lacks and mpy can fill: as findings, and as the line of config.py that fills it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mirage_py.libraries.gaps import compiled_with, headers
from mirage_py.model.audit import AuditReport, Finding
from mirage_py.model.gaps import CONSTANTS, HEADERS, OFFERED

__all__ = ["Gaps", "to_fill"]

RULE = "libc-gap"


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """The functions and error numbers that the configuration fills (None: whatever can be), over those of the libc."""

    filled: tuple[str, ...] | None = None
    present: frozenset[str] = frozenset()

    def offered(self, name: str) -> bool:
        """Whether mpy can fill it."""
        return name in OFFERED

    def words(self, name: str) -> tuple[str, str, str]:
        """Message, who would define it, and what to do."""
        by_config = self.filled is not None and name in self.filled
        message = f"the freestanding libc has no {name}, and {'config.py fills it' if by_config else 'mpy can fill it'}"
        return message, "nolibc", "" if by_config else f'in config.py: main(..., libc_gaps=fill("{name}"))'

    def weighed(self, finding: Finding) -> Finding:
        """The finding of a gap; one that the configuration leaves open keeps its image from being linked."""
        is_open = self.filled is not None and finding.symbol not in self.filled
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
        """The numbers that a source speaks of, and the headers of the gaps that it `read`: no symbol tells of them."""
        numbers = set(re.findall(r"\b[A-Z_]+\b", text)) & set(CONSTANTS)
        for name in sorted({*numbers, *(name for name in HEADERS if f"gaps/{name}" in read)}):
            message, definer, remedy = self.words(name)
            found = Finding(rule=RULE, severity="gaps", message=message, symbol=name, definer=definer, remedy=remedy)
            yield self.weighed(replace(found, archive=file.parent.name, member=file.name))


def to_fill(report: AuditReport) -> str:
    """The words of config.py that fill all gaps of a report; empty where none is, or filling them would not help."""
    helped = (row for row in report.libraries if row.verdict != "unix")
    names = sorted({one.symbol for row in helped for one in row.findings if one.rule == RULE})
    listed = ", ".join(f'"{name}"' for name in names)
    return f"in config.py: main(..., libc_gaps=fill({listed}))" if names else ""

"""The table of benchmarks/figures.md: its rows, and where a part of it is recorded anew."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure import machine

__all__ = ["HEAD", "RECORD", "Figure", "record"]

RECORD: Final = Path(__file__).with_name("figures.md")
MARK: Final = "<!-- figures -->"
HEAD: Final = ("| What | Median | Bound | `mirage` |", "| --- | --- | --- | --- |")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table: what was measured, what came out, what it should stay under, what the OCaml tool takes."""

    what: str
    value: str
    bound: str = ""
    mirage: str = ""

    def row(self) -> str:
        return f"| {self.what} | {self.value} | {self.bound} | {self.mirage} |"


def record(figures: list[Figure], *, whole: bool) -> None:
    """Write the figures; where only a part was taken, in their places, and the others stay."""
    kept, _, table = RECORD.read_text(encoding="utf-8").partition(MARK)
    before = [] if whole else [line for line in table.splitlines() if line.startswith("| ") and line not in HEAD]
    load = f"{os.getloadavg()[1]:.1f} processes at work or waiting"
    text = "\n".join([f"{kept}{MARK}", "", f"Taken last on {machine()}, {load}.", "", *HEAD, *_merged(before, figures)])
    RECORD.write_text(f"{text}\n", encoding="utf-8")


def _merged(rows: list[str], figures: list[Figure]) -> list[str]:
    """The rows with these figures in the place of those of the same name; a new one behind the one before it."""
    names, merged = [row.split(" | ")[0].removeprefix("| ") for row in rows], [*rows]
    at = next((names.index(figure.what) for figure in figures if figure.what in names), len(rows))
    for figure in figures:
        if figure.what in names:
            at = names.index(figure.what)
            merged[at] = figure.row()
        else:
            names.insert(at, figure.what)
            merged.insert(at, figure.row())
        at += 1
    return merged

"""What a verdict said of a library, and what became of it: whether the two agree, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mirage_py.model.audit import VERDICT_WORDS, Verdict

State = Literal["runs", "ends", "does not link", "is not all here"]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What became of a library, in the words of the tool that said so."""

    state: State
    text: str = ""
    by_signal: bool = False
    host_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """A library, the verdict on it, what became of it, and whether the two agree."""

    library: str
    verdict: Verdict
    truth: Truth
    judgement: Literal["agrees", "false: runs", "false: does not run", "unsure"]


def judge(verdict: Verdict, truth: Truth) -> Literal["agrees", "false: runs", "false: does not run", "unsure"]:
    """Whether a verdict is what happened."""
    if verdict == "unsure":
        return "agrees" if truth.state == "is not all here" else "unsure"
    if verdict == "recompile":
        agrees = truth.state == "runs" or truth.by_signal or truth.host_only
        return "agrees" if agrees else "false: runs"
    if verdict == "runs":
        return "agrees" if truth.state == "runs" else "false: runs"
    return "false: does not run" if truth.state == "runs" else "agrees"


def table(rows: list[Row]) -> Iterator[str]:
    """The table of agreement, then each verdict that does not agree, and each that is not sure."""
    count = Counter((row.verdict, row.truth.state) for row in rows)
    states: tuple[State, ...] = ("runs", "ends", "does not link", "is not all here")
    yield f"{len(rows)} libraries.\n"
    yield "| verdict | " + " | ".join(states) + " |"
    yield "| --- |" + " --- |" * len(states)
    for verdict in dict.fromkeys(row.verdict for row in sorted(rows, key=lambda row: row.verdict)):
        cells = " | ".join(str(count[verdict, state] or "") for state in states)
        yield f"| {VERDICT_WORDS[verdict]} | {cells} |"
    judged = Counter(row.judgement for row in rows)
    yield f'\nFalse "runs": {judged["false: runs"]}. False "does not run": {judged["false: does not run"]}.'
    yield f"Unsure: {judged['unsure']}, {100 * judged['unsure'] / max(1, len(rows)):.1f} of a hundred.\n"
    for row in rows:
        if row.judgement != "agrees":
            text = " ".join(row.truth.text.split())[:120]
            yield f"- `{row.library}`: {VERDICT_WORDS[row.verdict]}; it {row.truth.state} {text}".rstrip()

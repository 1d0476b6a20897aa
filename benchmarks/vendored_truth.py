"""What became of vendored libraries that `make verdicts` built and ran, beside the audit's verdicts on their sources.

A folder that `benchmarks.verdicts --work` has filled holds the sources (`duniverse/`) and what became of each library
(`outcomes.json`). A library that a tool of the build kept from being built tells nothing, and is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.agreement import Row, Truth, judge
from benchmarks.probes import Outcome
from mirage_py.audit import audit, with_toolchain
from mirage_py.model.audit import AuditRequest, Root
from mirage_py.model.toolchain import Toolchain


def rows_of(work: Path, toolchain: Toolchain, path: tuple[Path, ...]) -> Iterator[Row]:
    """A row for each library of the folder of which something is known on spt."""
    found = [Outcome(**one) for one in json.loads((work / "outcomes.json").read_text("utf-8"))]
    with TemporaryDirectory(prefix="mpy-truth-") as cache:
        for one in found:
            truth = truth_of(one) if one.target == "spt" else None
            if truth is not None:
                request = AuditRequest(
                    roots=(Root(library=one.library),),
                    targets=("spt",),
                    path=path,
                    vendored=((work / "duniverse").absolute(),),
                    cache=Path(cache),
                )
                report = audit(with_toolchain(request, toolchain))
                verdict = next((row.verdict for row in report.libraries if row.library == one.library), None)
                if verdict is not None:
                    yield Row(library=one.library, verdict=verdict, truth=truth, judgement=judge(verdict, truth))


def truth_of(one: Outcome) -> Truth | None:
    """An outcome as a truth; None for one that says nothing of the library."""
    match one.state:
        case "runs" | "ends" | "does not link" | "is not all here":
            return Truth(state=one.state, text=one.text)
        case "is of the host":
            return Truth(state="does not link", text=one.text, host_only=True)
        case "does not build" if re.search(r'Library "(?:unix|threads[^"]*)"', one.text):
            return Truth(state="does not link", text=one.text)
        case "does not build" if re.search(r'Library "[^"]+" not found', one.text):
            return Truth(state="is not all here", text=one.text)
        case "does not build" if "error:" in one.text:  # of the C compiler
            return Truth(state="does not link", text=one.text)
        case "does not build":
            return None

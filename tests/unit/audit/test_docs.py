"""The outputs in docs/explanation are the tool's own; `pytest --update-golden` writes them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from mirage_py.audit import audit, render_text
from mirage_py.audit.render import decisive_finding
from mirage_py.libraries.findlib import Findlib
from mirage_py.model.audit import VERDICT_WORDS, AuditReport, AuditRequest, LibraryAudit, Root
from tests.conftest import Mpy
from tests.sources import lay_sources

pytestmark = pytest.mark.ocaml

DOCS = Path(__file__).parents[3] / "docs" / "explanation"
REPOSITORY = Path(__file__).parent / "opam-repository"
BLOCK = re.compile(r"<!-- mpy audit (?P<words>.*?) -->\n(?:\n```text\n(?P<output>.*?)```\n)?", re.DOTALL)
TABLE = re.compile(r"<!-- table -->\n(?P<rows>(?:\n?\|[^\n]*\n)*)")
GENERATIONS = ("ocaml-solo5 0.8", "ocaml-solo5 1")

FORTY = [
    "angstrom",
    "astring",
    "base",
    "base64",
    "batteries",
    "bigstringaf",
    "bin_prot",
    "bitstring",
    "bz2",
    "calendar",
    "cohttp",
    "cpu",
    "cryptokit",
    "csv",
    "cstruct",
    "ctypes",
    "curl",
    "domain-name",
    "eqaf",
    "expat",
    "extunix",
    "fmt",
    "inotify",
    "integers",
    "ipaddr",
    "logs",
    "luv",
    "lwt",
    "lwt.unix",
    "mirage-crypto",
    "mirage-crypto-pk",
    "mtime",
    "mtime.clock.os",
    "num",
    "parmap",
    "postgresql",
    "ptime",
    "re",
    "sexplib",
    "sha",
    "sqlite3",
    "ssl",
    "str",
    "uri",
    "x509",
    "yojson",
    "zarith",
    "zip",
]


@cache
def path() -> tuple[Path, ...]:
    return Findlib.discover().path


def run(words: str, sources: Callable[[], Path]) -> AuditReport:
    """The report of a command line as the page shows it."""
    names = [word for word in shlex.split(words.partition(" -t ")[0]) if not word.startswith("--")]
    roots = tuple(Root(library=name) for name in names)
    if "--opam" in words:
        return audit(AuditRequest(opam=roots, opam_repositories=(REPOSITORY,), generation=GENERATIONS[0]))
    vendored = (sources(),) if "--vendored" in words else ()
    return audit(AuditRequest(roots=roots, path=path(), vendored=vendored, generation=GENERATIONS[0]))


def blocks() -> list[str]:
    return [found["words"] for found in BLOCK.finditer((DOCS / "c-stubs.md").read_text())]


@pytest.mark.parametrize("words", blocks())
def test_page_shows_what_the_tool_says(words: str, request: pytest.FixtureRequest, tmp_path: Path, mpy: Mpy) -> None:
    def sources() -> Path:
        (tmp_path / "config.py").write_text("")
        lay_sources(tmp_path, "digestif", mpy)
        return tmp_path / "mirage/duniverse"

    page = DOCS / "c-stubs.md"
    report = run(words, sources)
    output = f"$ mpy audit {words}\n{render_text(report)}"
    shown = next(found["output"] for found in BLOCK.finditer(page.read_text()) if found["words"] == words)
    if request.config.getoption("--update-golden"):
        text = page.read_text()
        page.write_text(BLOCK.sub(replaced(words, output), text))
        return
    if report.problems or not same_versions(shown or "", report):
        pytest.skip(f"other versions than the page's are installed: {words}")
    assert shown == output


def replaced(words: str, output: str) -> Callable[[re.Match[str]], str]:
    return lambda found: (
        f"<!-- mpy audit {words} -->\n\n```text\n{output}```\n" if found["words"] == words else found.group()
    )


def same_versions(shown: str, report: AuditReport) -> bool:
    return all(row.version is None or row.version in shown for row in report.libraries if row.root)


def test_table_is_what_the_tool_says(request: pytest.FixtureRequest) -> None:
    page = DOCS / "audit-table.md"
    found = TABLE.search(page.read_text())
    assert found is not None
    rows = {name: table_row(name) for name in FORTY}
    if request.config.getoption("--update-golden"):
        head = ["| library | version | OCaml 4 | OCaml 5 | because of |", "| --- | --- | --- | --- | --- |"]
        table = "\n".join([*head, *(row for row in rows.values() if row)])
        page.write_text(page.read_text().replace(found.group(), f"<!-- table -->\n\n{table}\n"))
        return
    shown = {line.split("`")[1]: line for line in found["rows"].splitlines() if "`" in line}
    assert len(shown) >= 40
    compared = [name for name, row in rows.items() if row and row.split("|")[2] == shown[name].split("|")[2]]
    if not compared:
        pytest.skip("none of these libraries is installed in the version of the page")
    for name in compared:
        assert shown[name] == rows[name]


def table_row(name: str) -> str | None:
    """A library's line, or None where it, or something below it, is not installed."""
    reports = [audit(AuditRequest(roots=(Root(library=name),), path=path(), generation=one)) for one in GENERATIONS]
    if any(report.problems for report in reports):
        return None
    roots = [next(row for row in report.libraries if row.root) for report in reports]
    verdicts = [VERDICT_WORDS[row.verdict] for row in roots]
    cells = (f"`{name}`", roots[0].version or "", *verdicts, reason(reports, roots))
    return "| " + " | ".join(cells) + " |"


def reason(reports: list[AuditReport], roots: list[LibraryAudit]) -> str:
    """What decides in the first generation, or in the second where the first has nothing against it."""
    for report, root in zip(reports, roots, strict=True):
        culprit = next(row for row in report.libraries if row.library == (root.because or (root.library,))[-1])
        decisive = decisive_finding(culprit)
        if decisive is not None:
            chain = f"`{' -> '.join(root.because)}`: " if root.because else ""
            return chain + decisive.message.replace("|", "\\|")
    return ""


def test_no_page_names_a_path_of_a_machine() -> None:
    for page in ("c-stubs.md", "audit-table.md"):
        assert not re.search(r"(?<![\w.])/(?:usr|home|work|opt|root|tmp)/", (DOCS / page).read_text())

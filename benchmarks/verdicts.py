"""`make verdicts`: the table of verdicts that comes with mpy, made by building and running.

Every library of the given sources is linked whole into a program for each target, which is run; what becomes of it goes
into `mirage_py/audit/data/verdicts.csv`, in the place of the row for the same library, series, OCaml and target. A
library that lacks another one, or a tool of the build, tells nothing and makes no row.

With `--fill` those functions of the C library are filled, as a unikernel's `libc_gaps=fill(...)` does: what runs so on
spt is kept as "runs with these gaps filled".

    python -m benchmarks.verdicts --sources FOLDER --versions REPOSITORY [--work FOLDER] [--target spt]
        [--fill NAME]... [LIBRARY]...
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.probes import Outcome, Probes, fill_of, outcomes
from mirage_py.audit.tried import COLUMNS, Tried, row_of, rows_in, series_of
from mirage_py.libraries.vendored import Vendored
from mirage_py.model.audit import Verdict
from mirage_py.model.library import Library
from mirage_py.model.version import version_key
from mirage_py.packages.linked import Folder

TABLE: Final = Path(__file__).parent.parent / "mirage_py/audit/data/verdicts.csv"
HEAD: Final = "# Made by `make verdicts`: what became of libraries that were built from source, linked whole and run.\n"
LACKING: Final = re.compile(
    r'Library "(?!unix"|threads)[^"]+" not found|Program \S+ not found|File unavailable|implementation "'
)


def main() -> None:
    """Build, run, and renew the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sources", type=Path, required=True, help="a folder with a folder of sources for each project"
    )
    parser.add_argument("--versions", type=Path, help="an opam repository that says the versions of the sources")
    parser.add_argument("--work", type=Path, help="where to build, and to find what is built already")
    parser.add_argument("--target", action="append", choices=("spt", "unix"), help="spt and unix unless given")
    parser.add_argument("--fill", action="append", default=[], help="a function, error number or header to fill on spt")
    parser.add_argument("--found", type=Path, help="outcomes of an earlier run, in place of a new one")
    parser.add_argument("libraries", nargs="*", metavar="LIBRARY")
    given = parser.parse_args()
    found = _found(given.found) if given.found else _tried(given)
    rows = tuple(_rows(found, given.sources, given.versions, tuple(given.fill)))
    TABLE.write_text(text_of(renewed(rows_in(TABLE.read_text("utf-8").splitlines()), rows)), "utf-8")
    print(f"{len(rows)} of {len(found)} libraries made a row of {TABLE.name}")


def _found(file: Path) -> list[Outcome]:
    return [Outcome(**one) for one in json.loads(file.read_text("utf-8"))]


def _tried(given: argparse.Namespace) -> list[Outcome]:
    with tempfile.TemporaryDirectory(prefix="mpy-verdicts-") as place:
        folder = (given.work or Path(place)).absolute()
        probes = Probes(folder, sorted(given.sources.absolute().iterdir()), given.fill)
        names = [name for name in probes.libraries() if not given.libraries or name in given.libraries]
        probes.prepare()
        found: list[Outcome] = []
        for target in given.target or ("spt", "unix"):
            for one in outcomes(probes, names, target):
                print(f"{one.library} on {one.target}: {one.state} {one.text}".rstrip(), flush=True)
                found.append(one)
        (folder / "outcomes.json").write_text(json.dumps([asdict(one) for one in found], indent=1), "utf-8")
        return found


def _rows(
    found: Iterable[Outcome], sources: Path, versions: Path | None, filled: tuple[str, ...] = ()
) -> Iterator[Tried]:
    """The rows of what was tried in a version that is known."""
    ocaml = subprocess.run(("ocamlopt", "-version"), capture_output=True, text=True, check=True).stdout.strip()
    libraries = Vendored((sources.absolute(),)).libraries
    stated = {name: one.version for name, one in libraries.items()}
    known = Folder(folder=versions) if versions else None
    for one in found:
        package = one.library.partition(".")[0]
        named = sorted(known.versions(package), key=version_key) if known else []
        version = named[-1] if named else stated.get(one.library)
        verdict = verdict_of(one, filled)
        if verdict == "unix" and not _needs_unix(one.library, libraries):
            continue  # a tool of its build does, or what this machine has installed
        if version and verdict:
            yield row_from(one, version, ocaml, verdict, filled)


def _needs_unix(name: str, libraries: Mapping[str, Library]) -> bool:
    """Whether the library unix, or threads, is behind a library, as its sources say."""
    queue = dict.fromkeys((name,))
    for here in (walk := list(queue)):  # grows while it is walked
        fresh = [need for need in libraries[here].requires if need not in queue] if here in libraries else []
        queue |= dict.fromkeys(fresh)
        walk += fresh
    return not queue.keys().isdisjoint(("unix", "threads", "threads.posix"))


def row_from(one: Outcome, version: str, ocaml: str, verdict: Verdict, filled: tuple[str, ...] = ()) -> Tried:
    """What an outcome says, as a row."""
    since, below = series_of(version)
    built = verdict in ("runs", "gaps", "aborts")
    return Tried(
        library=one.library,
        version=version,
        since=since,
        below=below,
        ocaml=ocaml,
        target=one.target,
        verdict=verdict,
        stubs=one.stubs and built,
        how="built and run" if built else "built",
        date=datetime.now(UTC).date().isoformat(),
        reason="" if verdict == "runs" else f"libc_gaps={fill_of(filled)}" if verdict == "gaps" else _reason(one),
    )


def _reason(one: Outcome) -> str:
    """What the tools said, without the paths of a machine."""
    found = re.search(r'Library "([\w.]+)"', one.text)
    if found:
        return f"it needs the library {found[1]}"
    undefined = re.search(r"undefined reference to `([^']+)", one.text)
    if undefined:
        return f"nobody defines {undefined[1]}"
    missing = re.search(r'following modules: "?(\w+)', one.text)
    return f"it needs the module {missing[1]}" if missing else re.sub(r"\s*\(?/\S+|\S*_build\S*", "", one.text).strip()


def verdict_of(one: Outcome, filled: tuple[str, ...] = ()) -> Verdict | None:
    """What an outcome says of a library, with these gaps filled; None where something else was lacking."""
    match one.state:
        case "runs" if filled and one.target == "spt":
            return "gaps"
        case "runs":
            return "runs"
        case "ends":
            return "aborts"
        case "does not link" | "does not build" if re.search(r'Library "(?:unix|threads)', one.text):
            return "unix"
        case "does not link":
            return "missing"
        case _:
            return None


def renewed(old: Iterable[Tried], new: Iterable[Tried]) -> list[Tried]:
    """The rows with the new ones in the places of those that they renew, sorted."""
    rows = {(one.library, one.since, one.ocaml, one.target): one for one in (*old, *new)}
    return [rows[key] for key in sorted(rows)]


def text_of(rows: Iterable[Tried]) -> str:
    """The table as it is kept."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row_of(one) for one in rows)
    return HEAD + text.getvalue()


if __name__ == "__main__":
    main()

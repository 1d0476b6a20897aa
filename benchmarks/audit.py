"""`python benchmarks/audit.py`: the audit of two hundred libraries, without and with its cache.

The libraries are those that are installed here; with fewer than two hundred the table says how many there were. Times
are of whole processes, the start of Python included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from mirage_py.audit.closure import closure_of
from mirage_py.audit.sources import Sources
from mirage_py.libraries.findlib import Findlib
from mirage_py.model.audit import Root

COUNT: Final = 200
COLD: Final = 2.0
WARM: Final = 0.3

ONCE: Final = """
import sys
from pathlib import Path
from mirage_py.audit import audit, render_text
from mirage_py.model.audit import AuditRequest, Root
path, cache, *names = sys.argv[1:]
roots = tuple(Root(library=name) for name in names)
folders = tuple(Path(one) for one in path.split(":"))
report = audit(AuditRequest(roots=roots, path=folders, targets=("hvt", "xen"), cache=Path(cache)))
render_text(report)
print(len({one.library for one in report.libraries}), report.cached)
"""


def main() -> None:
    """Print the table; the exit code says whether both bounds were kept."""
    path, names = _libraries()
    with tempfile.TemporaryDirectory(prefix="mpy-bench-") as folder:
        cold = [_once(path, names, Path(folder) / str(number)) for number in range(5)]
        warm = [_once(path, names, Path(folder) / "0") for _ in range(9)]
    count = cold[0].output.split()[0]
    rows = [(f"audit of {count} libraries, nothing cached", cold, COLD), ("the same again", warm, WARM)]
    print("| What | Median | Processor | Bound |\n| --- | --- | --- | --- |")
    for what, times, bound in rows:
        wall, cpu = median(one.seconds for one in times), min(one.cpu for one in times)
        print(f"| {what} | {wall:.2f} s | {cpu:.2f} s | {bound} s |")
    raise SystemExit(any(median(one.seconds for one in times) > bound for _, times, bound in rows))


def _libraries() -> tuple[tuple[Path, ...], list[str]]:
    """Enough installed libraries for a closure of the size."""
    path = Findlib.discover().path
    sources = Sources(path)
    names: list[str] = []
    for name in sources.findlib.names():
        if not closure_of([Root(library=name)], sources).problems:
            names.append(name)
        if len(names) % 20 == 0 and len(closure_of([Root(library=one) for one in names], sources).nodes) >= COUNT:
            break
    return path, names


class Run(NamedTuple):
    """One process: from start to end, on the processors, what it printed."""

    seconds: float
    cpu: float
    output: str


def _once(path: tuple[Path, ...], names: list[str], cache: Path) -> Run:
    argv = (sys.executable, "-c", ONCE, ":".join(map(str, path)), str(cache), *names)
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(time.perf_counter() - start, cpu, done.stdout)


if __name__ == "__main__":
    main()

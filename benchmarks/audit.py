"""`python benchmarks/audit.py`: the audit of 220 libraries, without and with its cache.

The libraries are those that are installed here; with fewer than 220 the table says how many there were. Times are of
whole processes, the start of Python included; memory is the most that one of them took.
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

COUNT: Final = 220
COLD: Final = 1.5
WARM: Final = 0.25
LARGEST: Final = 120
"""Megabytes."""

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
    """Print the table; the exit code says whether all bounds were kept."""
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
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"| memory of the largest of them | {memory} MB |  | {LARGEST} MB |")
    slow = any(median(one.seconds for one in times) > bound for _, times, bound in rows)
    raise SystemExit(slow or memory > LARGEST)


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

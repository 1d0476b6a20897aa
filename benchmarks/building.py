"""How long builds take, beside the runs of dune that they make; images without an operating system among them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks.inputs import HELLO_ML, write_hello
from benchmarks.measure import Measured, interleaved, mpy, recorded, run
from benchmarks.table import Figure
from benchmarks.turns import PYTHON, as_times, bound_of, in_turns, ms, targets_of
from mirage_py.errors import MpyError
from mirage_py.model.toolchain import ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment

__all__ = ["FREESTANDING", "build", "freestanding"]

FREESTANDING: Final = ("spt", "hvt", "virtio", "muen")


def build(folder: Path) -> Iterator[Figure]:
    """`build` of hello with nothing to do, next to the dune run that it makes."""
    yield from _idle(folder / "one", ("unix",), "one target")
    if _toolchain():
        yield from _idle(folder / "five", ("unix", *FREESTANDING), "five targets")


def freestanding(folder: Path) -> Iterator[Figure]:
    """Images without an operating system: from clean, again, after an edit."""
    if not _toolchain():
        yield Figure(what="freestanding targets", value="no Solo5 toolchain on this machine")
        return
    hello = folder / "hello"

    def fresh() -> None:
        shutil.rmtree(hello, ignore_errors=True)
        write_hello(hello)

    edit = _edit_of(hello)
    fresh()
    one, four = _build(FREESTANDING[0]), _build(*FREESTANDING)
    figure, first = in_turns(
        f"hello for {FREESTANDING[0]} from clean", one, hello, runs=5, mirage="0.46 s", before=fresh
    )
    yield figure
    what = "the same, unikernel.ml edited: compile and link one image"
    yield in_turns(what, one, hello, bound=1000, before=edit)[0]
    figure, every = in_turns(f"hello for {', '.join(FREESTANDING)} from clean", four, hello, runs=5, before=fresh)
    yield figure
    further = (every.seconds - first.seconds) / 3
    yield Figure(what="each further target", value=f"{further:.2f} s", bound="0.3 s", mirage="0.46 s")
    for _ in range(3):
        run(four, hello)
    yield in_turns("all four, nothing changed", four, hello, bound=200, mirage="1.14 s for three")[0]
    what = "all four, unikernel.ml edited"
    yield in_turns(what, four, hello, bound=600, mirage="1.28 s for three", before=edit)[0]
    yield from _discovery(folder)


def _idle(folder: Path, targets: tuple[str, ...], what: str) -> Iterator[Figure]:
    """A build and the run of dune that it makes, in turns: with nothing to do, and after an edit.

    After that images without an operating system are linked by mpy, so that only one for unix is held against dune's.
    Each has a folder of its own: a build would take what another one's dune has left for a change.
    """
    command, ours, bare = _build(*targets), folder / "ours", folder / "bare"
    for place in (ours, bare):
        write_hello(place)
        run(command, place)
    argv, env = recorded("dune", command, bare)
    for _ in range(3):
        run(command, ours)
        time.sleep(0.1)
    yield from _more(Turn(ours, command), Turn(bare, argv, env), f"nothing to do, {what}", 40)
    turns = Turn(ours, command, before=_edit_of(ours)), Turn(bare, argv, env, _edit_of(bare))
    yield from _more(*turns, f"unikernel.ml edited, {what}", 60 if targets == ("unix",) else 0)


class Turn(NamedTuple):
    """A command that takes turns with others, each in a folder of its own."""

    folder: Path
    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    before: Callable[[], object] = lambda: None


def _more(ours: Turn, bare: Turn, what: str, bound: int) -> Iterator[Figure]:
    commands = {"python": PYTHON}
    for name, one in (("bare", bare), ("ours", ours)):
        argv = ("env", "-C", str(one.folder), *one.argv)
        commands[name] = Measured(argv=argv, env=one.env, before=one.before)
    taken = interleaved(commands, ours.folder, runs=11)
    python, extra = taken["python"], taken["ours"].seconds - taken["bare"].seconds
    yield Figure(what=f"bare `dune build` of hello, {what}", value=as_times(taken["bare"], python))
    value = f"{ms(taken['ours'])}, {extra / python.seconds:.1f} times python more"
    yield Figure(
        what=f"`mpy build`, {what}",
        value=value,
        bound=f"{bound_of(bound)} more" if bound else "",
        mirage="107 ms a target",
    )


def _edit_of(place: Path) -> Callable[[], object]:
    """Another text in the unikernel of a folder, each time."""
    edits = count()

    def write() -> None:
        text = HELLO_ML.replace('"hello"', f'"hello {next(edits)}"')
        (place / "unikernel.ml").write_text(text, encoding="utf-8")

    return write


def _build(*targets: str) -> tuple[str, ...]:
    return mpy("build", *targets_of(*targets))


def _toolchain() -> bool:
    try:
        discover(FREESTANDING[0], from_environment(ToolchainChoice()))
    except MpyError:
        return False
    return True


def _discovery(folder: Path) -> Iterator[Figure]:
    """Discovery alone, inside a process, without and with what an earlier one left in the cache."""
    script = (
        "import time\n"
        "from mirage_py.model.toolchain import ToolchainChoice\n"
        "from mirage_py.toolchain.discover import discover, from_environment\n"
        "start = time.perf_counter()\n"
        f"discover({FREESTANDING[0]!r}, from_environment(ToolchainChoice()))\n"
        "print(time.perf_counter() - start)\n"
    )
    for what, caches in (("first time", [f"cold-{number}" for number in range(7)]), ("cached", ["cold-0"] * 7)):
        seconds = [_printed(script, folder, folder / cache) for cache in caches]
        yield Figure(what=f"discovery of a toolchain, {what}", value=f"{median(seconds) * 1000:.0f} ms", bound="100 ms")


def _printed(script: str, folder: Path, cache: Path) -> float:
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    argv = (sys.executable, "-c", script)
    return float(subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=True).stdout)

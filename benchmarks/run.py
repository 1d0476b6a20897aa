"""`make bench`: the figures of benchmarks/figures.md, taken on this machine; `--record` writes them there.

Every figure is the median time of a whole process, from its start to its end, with warm file caches, and what
multiple of the bare interpreter's that is, which is started in turns with it. A bound in milliseconds is one on a
machine that starts the interpreter in 13; in brackets, the multiple. In the last column, where it is known: what the
OCaml tool takes for the same on a machine of the same size.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

import mirage_py
from benchmarks.building import FREESTANDING, build, freestanding
from benchmarks.inputs import (
    NETWORK_ML,
    write_chain,
    write_hello,
    write_ladder,
    write_many,
    write_network,
    write_vendored,
    write_wide,
)
from benchmarks.measure import (
    Measured,
    Sample,
    imports,
    interleaved,
    mpy,
    repeat,
    resident,
    run,
    slope,
)
from benchmarks.table import HEAD, RECORD, Figure, record
from benchmarks.turns import PYTHON, as_times, bound_of, in_turns, ms, targets_of

TARGETS: Final = (
    "unix", "macosx", "hvt", "spt", "virtio", "muen", "genode", "xen", "qubes", "unikraft-firecracker", "unikraft-qemu",
)  # fmt: skip
METADATA: Final = Path(__file__).parents[2] / "shared" / "opam"
LIBRARIES: Final = 200
SIZES: Final = [1000, 2000, 5000, 10000]
LARGE: Final = 100_000
UNIKERNELS: Final = 200


Benchmark = Callable[[Path], Iterator[Figure]]


def main() -> None:
    """Run the benchmarks that the command line names, print their table and, if asked, record it."""
    options = _options()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # set on some build machines: each start would compile all of mpy
    rows: list[Figure] = []
    print("\n".join(HEAD), flush=True)
    for benchmark in options.only or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="mpy-bench-") as folder:
            for figure in BENCHMARKS[benchmark](Path(folder)):
                rows.append(figure)
                print(figure.row(), flush=True)
    if options.record:
        record(rows, whole=not options.only)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("only", nargs="*", choices=[[], *BENCHMARKS], help="benchmarks to run; all of them by default")
    parser.add_argument("--record", action="store_true", help=f"write the table to {RECORD.name}")
    return parser.parse_args()


# ---------------------------------------------------------------------------------------------------------------------
# Starting, and small configurations


def start(folder: Path) -> Iterator[Figure]:
    """The interpreter alone, and the shortest command."""
    write_hello(folder)
    commands = {"python": PYTHON, "`mpy --version`": Measured(argv=mpy("--version"))}
    taken = interleaved(commands, folder, runs=41)
    yield Figure(what="`python -c pass`, for comparison", value=ms(taken["python"]))
    yield _against("`mpy --version`", taken, "1.5", "4 ms")


def _against(what: str, taken: dict[str, Sample], bound: str, mirage: str = "") -> Figure:
    return Figure(what=what, value=as_times(taken[what], taken["python"]), bound=f"{bound} times", mirage=mirage)


def configure(folder: Path) -> Iterator[Figure]:
    """`configure` of hello: the first time and after an edit; of many devices, for every target."""
    one, every = mpy("configure", "-t", "unix"), mpy("configure", *targets_of(*TARGETS))
    hello, many = folder / "hello", folder / "many"
    write_wide(many, MANY)
    edits = count()

    def fresh() -> None:
        shutil.rmtree(hello, ignore_errors=True)
        write_hello(hello)

    def edit(place: Path) -> Callable[[], object]:
        def append() -> None:
            with (place / "config.py").open("a", encoding="utf-8") as config:
                config.write(f"# edit {next(edits)}\n")

        return append

    fresh()
    rows = {
        "`configure` of hello, one target, first time": (one, hello, fresh, 85, "350 ms"),
        "the same, config.py edited": (one, hello, edit(hello), 85, "280 ms"),
        "the same, with a line that was never seen": (None, hello, edit(hello), 210, "350 ms"),
        "all eleven targets, first time": (every, hello, fresh, 0, ""),
        "all eleven, config.py edited": (every, hello, edit(hello), 120, "430 ms for five"),
        f"{MANY + 12} devices, all eleven, config.py edited": (every, many, edit(many), 180, "5.1 s"),
    }
    for what, (argv, place, before, bound, mirage) in rows.items():
        if argv is not None:
            run(argv, place)
        figure, _ = in_turns(what, argv or UNSEEN, place, runs=15, bound=bound, mirage=mirage, before=before)
        yield figure
    edit(hello)()
    value = f"{resident(one, hello) / 2**20:.0f} MB"
    yield Figure(what="memory of a `configure` of hello, config.py edited", value=value, bound="26 MB")


MANY: Final = 40
UNSEEN: Final = ("sh", "-c", f'exec {" ".join(map(shlex.quote, mpy("configure", "-t", "unix", "-o")))} "o$$"')
"""A line that is another one each time."""


def warm(folder: Path) -> Iterator[Figure]:
    """Commands that were answered before, in turns with the interpreter alone, and what starts import."""
    cache, folder = folder / "cache", folder / "hello"
    write_hello(folder)
    edits, config = count(), folder / "config.py"
    asked = {**os.environ, "XDG_CACHE_HOME": str(cache), "_MPY_COMPLETE": "bash"}
    plain = {name: value for name, value in asked.items() if name != "_MPY_COMPLETE"}

    def edit() -> None:
        with config.open("a", encoding="utf-8") as text:
            text.write(f"# edit {next(edits)}\n")

    rows = {
        "`configure`, nothing changed": (mpy("configure"), "39 ms"),
        "`describe`, answered before": (mpy("describe"), "44 ms"),
        "`query packages`, answered before": (mpy("query", "packages"), "36 ms"),
        "`configure --help` beside a configuration, answered before": (mpy("configure", "--help"), "41 ms"),
        "completion of a key, answered before": (mpy("configure", "--"), ""),
    }
    commands = {"python": PYTHON}
    for name, (argv, _) in rows.items():
        commands[name] = Measured(argv=argv, env=asked if "completion" in name else plain)
    for _ in range(3):  # until all is remembered
        interleaved(commands, folder, runs=1)
        time.sleep(0.1)
    taken = interleaved(commands, folder)
    for name, (_, mirage) in rows.items():
        yield _against(name, taken, "2.5", mirage)
    yield from _vendored(folder.parent / "vendored", plain)
    most = max(resident(one.argv, folder, one.env) for one in commands.values())
    yield Figure(what="memory of the largest of them", value=f"{most / 2**20:.0f} MB", bound="16 MB")
    yield from _imports("warm `query packages`", mpy("query", "packages"), folder)
    yield from _imports("`configure`, config.py edited", mpy("configure"), folder, edit)


def _vendored(folder: Path, env: Mapping[str, str]) -> Iterator[Figure]:
    """`describe` where thousands of files and folders are looked at for it."""
    write_vendored(folder, packages=70, files=100)
    command = Measured(argv=mpy("describe", "-t", "unix"), env=env)
    what = "`describe` with 70 vendored packages, answered before"
    for _ in range(3):
        run(command.argv, folder, env)
        time.sleep(0.1)
    yield _against(what, interleaved({"python": PYTHON, what: command}, folder), "2.5")


def unchanged() -> None:
    """Nothing is done before a run."""


def _imports(
    what: str, argv: tuple[str, ...], folder: Path, before: Callable[[], object] = unchanged
) -> Iterator[Figure]:
    repeat(argv, folder, runs=3)
    before()
    *dearest, every = imports(argv, folder, most=6, runs=3 if before is unchanged else 1)
    told = ", ".join(f"{name} {cost / 1000:.1f}" for name, cost in dearest)
    yield Figure(what=f"imports of {what}, and what they cost", value=f"{every[0]}, {every[1] / 1000:.0f} ms: {told}")


# ---------------------------------------------------------------------------------------------------------------------
# Large graphs


def graphs(folder: Path) -> Iterator[Figure]:
    """Chains, ladders and wide graphs, and how time and memory grow."""
    yield from _growth(folder, "chain", write_chain, {1000: (300, "1.3 to 2.8 s"), 10000: (500, "142 s")})
    empty, large = _graph(folder / "empty", write_chain, 1), _graph(folder / "large", write_chain, LARGE, runs=3)
    each = (large.memory - empty.memory) / LARGE / 1024
    value = f"{_of_processor(large)}; {each:.1f} KiB a device"
    yield Figure(what=f"{LARGE:,} devices, chain", value=value, bound=f"{bound_of(4000)}; 2.0 KiB")
    many = _graph(folder / "many", write_many, UNIKERNELS, runs=3, targets=TARGETS)
    yield Figure(what=f"{UNIKERNELS} unikernels, all eleven targets, first time", value=_of_processor(many))
    short = _graph(folder / "short", write_chain, 30)
    ladder = _graph(folder / "ladder", write_ladder, 30)
    yield Figure(what="chain of 30", value=_of_processor(short))
    yield Figure(what="ladder of 30 diamonds", value=_of_processor(ladder), bound="as the chain", mirage="222 s for 24")
    yield from _growth(folder, "side by side", write_wide, {10000: (2000, "3.4 s")})


def _growth(
    folder: Path, shape: str, write: Callable[[Path, int], None], bounds: dict[int, tuple[int, str]]
) -> Iterator[Figure]:
    empty = _graph(folder / f"{shape}-1", write, 1)
    samples = {size: _graph(folder / f"{shape}-{size}", write, size) for size in SIZES}
    for size, sample in samples.items():
        bound, mirage = bounds.get(size, (0, ""))
        yield Figure(
            what=f"{size:,} devices, {shape}", value=_of_processor(sample), bound=bound_of(bound), mirage=mirage
        )
    # The processor's time, and the least of it: other work on the machine bends a slope before it bends a median.
    seconds = slope(SIZES, [sample.cpu - empty.cpu for sample in samples.values()])
    memory = slope(SIZES, [float(sample.memory - empty.memory) for sample in samples.values()])
    each = (samples[SIZES[-1]].memory - empty.memory) / SIZES[-1] / 1024
    value = f"time n^{seconds:.2f}, memory n^{memory:.2f} ({each:.1f} KiB a device)"
    yield Figure(what=f"growth, {shape}, above a graph of one", value=value, bound="n^1")


def _of_processor(one: Sample, python: Sample | None = None) -> str:
    """What takes long meets other work on the machine: its time on the processor, over that of the interpreter."""
    python = python or repeat(PYTHON.argv, Path.cwd(), runs=7)
    return f"{ms(one)}, of the processor {one.cpu:.2f} s, {one.cpu / python.cpu:.0f} times python"


def _graph(
    folder: Path,
    write: Callable[[Path, int], None],
    size: int,
    *,
    runs: int = 7,
    targets: tuple[str, ...] = ("unix",),
) -> Sample:
    write(folder, size)

    gone = count()

    def unconfigured() -> None:
        """As if it were never configured; what was just deleted makes files slow on some file systems."""
        with suppress(FileNotFoundError):
            (folder / "mirage").rename(folder.with_name(f"{folder.name}-{next(gone)}"))

    command = mpy("configure", *targets_of(*targets))
    taken = repeat(command, folder, runs=runs, before=unconfigured)
    unconfigured()
    return replace(taken, memory=resident(command, folder))  # which a small process has started


def audit(folder: Path) -> Iterator[Figure]:
    """The audit of many installed libraries at once, without and with what an earlier one left in the cache."""
    asked = subprocess.run(("ocamlfind", "list"), capture_output=True, text=True, check=True).stdout
    names = tuple(line.split()[0] for line in asked.splitlines() if line)[:LIBRARIES]
    command = mpy("audit", *names, "-t", "hvt", "--format", "json")
    caches = count()
    env = {**os.environ}

    def forget() -> None:
        env["XDG_CACHE_HOME"] = str(folder / f"cache-{next(caches)}")

    what = f"audit of {len(names)} libraries, first time, by the time of the processor"
    taken = interleaved({"python": PYTHON, what: Measured(argv=command, before=forget, env=env)}, folder, runs=5)
    yield Figure(what=what, value=_of_processor(taken[what], taken["python"]), bound=bound_of(1500))
    forget()
    memory = f"{resident(command, folder, env) / 2**20:.0f} MB"
    yield Figure(what="memory of the first", value=memory, bound="120 MB")
    yield in_turns("the same audit, nothing changed", command, folder, bound=250, env=env)[0]


def dependencies(folder: Path) -> Iterator[Figure]:
    """Locking the largest template for five targets on the public metadata, where MPY_TEST_METADATA has it."""
    archives = sorted(Path(os.environ.get("MPY_TEST_METADATA") or METADATA).glob("opam-*.tar.xz"))
    if not archives:
        yield Figure(what="`mpy lock`", value="MPY_TEST_METADATA names no folder with the metadata")
        return
    web = Path(mirage_py.__file__).parent / "templates/init/web"
    shutil.copytree(web, folder / "web")
    (folder / "web/config.py").write_text((web / "config.py").read_text("utf-8").replace("@NAME@", "web"), "utf-8")
    sources = [word for archive in reversed(archives) for word in ("--repo", str(archive))]
    for_debian_13 = ("--ocaml", "5.3.0", "--dune", "3.20.2")
    command = mpy("lock", *targets_of("unix", *FREESTANDING), *sources, *for_debian_13)
    caches = count()
    env = {**os.environ}

    def forget() -> None:
        env["XDG_CACHE_HOME"] = str(folder / f"cache-{next(caches)}")
        again()

    def again() -> None:
        (folder / "web" / "mpy.lock").unlink(missing_ok=True)

    place, what = folder / "web", "`mpy lock` of a web server with TLS, five targets, metadata never read"
    yield in_turns(what, command, place, runs=5, bound=1000, mirage="6.7 s", before=forget, env=env)[0]
    yield in_turns("the same, metadata cached", command, place, bound=300, before=again, env=env)[0]
    checked = mpy("lock", "--check", *targets_of("unix", *FREESTANDING))
    yield in_turns("`mpy lock --check`", checked, place, bound=200, env=env)[0]


def conversion(folder: Path) -> Iterator[Figure]:
    """A config.ml of the OCaml tool: converted, and read in the place of a config.py."""
    (folder / "config.ml").write_text(NETWORK_ML, encoding="utf-8")
    checked = mpy("convert", "--check")
    yield in_turns("`mpy convert --check` of a network unikernel", checked, folder, bound=200)[0]
    edits = count()

    def edit() -> None:
        (folder / "config.ml").write_text(f"{NETWORK_ML}(* edit {next(edits)} *)\n", encoding="utf-8")
        write_network(folder, comment=f"# edit {next(edits)}")

    commands = {
        file: Measured(argv=mpy("configure", "-f", file, "-t", "unix"), before=edit)
        for file in ("config.py", "config.ml")
    }
    found = interleaved({"python": PYTHON, **commands}, folder, runs=15)
    extra = (found["config.ml"].seconds - found["config.py"].seconds) / found["python"].seconds
    value = f"{ms(found['config.ml'])}, {extra:.1f} times python more than the config.py"
    yield Figure(what="`configure -f config.ml` of the same, after an edit", value=value, bound=f"{bound_of(60)} more")


# ---------------------------------------------------------------------------------------------------------------------


BENCHMARKS: Final[dict[str, Benchmark]] = {
    "start": start,
    "warm": warm,
    "configure": configure,
    "graphs": graphs,
    "build": build,
    "freestanding": freestanding,
    "audit": audit,
    "dependencies": dependencies,
    "conversion": conversion,
}


if __name__ == "__main__":
    main()

"""Runs a command and says how long the whole process took and how much memory it and its children used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import median
from typing import Final

VERDICT_AGAINST: Final = 8
"""The exit code of an audit that found something: it did its work."""

BUDGET: Final = 8.0
"""Seconds after which a measurement is not repeated again."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One or several runs: seconds from start to end (median), of the processors (least), and resident bytes (most)."""

    seconds: float
    cpu: float
    memory: int
    runs: int


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A command among several; `before` prepares each run and is not measured."""

    argv: tuple[str, ...]
    before: Callable[[], object] = lambda: None
    env: Mapping[str, str] | None = None


def mpy(*args: str) -> tuple[str, ...]:
    """The command line of the mpy that belongs to this interpreter."""
    return (str(Path(sys.executable).with_name("mpy")), *args)


def run(argv: tuple[str, ...], folder: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run once; ends with the command's own output when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode not in {0, VERDICT_AGAINST}:
        raise SystemExit(f"$ {' '.join(argv)}\n{output.decode()}exit {process.returncode}")
    return Sample(seconds=seconds, cpu=usage.ru_utime + usage.ru_stime, memory=usage.ru_maxrss * 1024, runs=1)


_WATCHED: Final = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
_, _, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet), 0)
print(usage.ru_maxrss)
"""


def resident(argv: tuple[str, ...], folder: Path, env: Mapping[str, str] | None = None) -> int:
    """The most memory of a process, in bytes; started by a small one, for Linux counts what starts it as well."""
    started = (sys.executable, "-I", "-S", "-c", _WATCHED, *argv)
    told = subprocess.run(started, cwd=folder, env=env, capture_output=True, text=True, check=True).stdout
    return int(told) * 1024


def repeat(
    argv: tuple[str, ...],
    folder: Path,
    *,
    runs: int = 15,
    before: Callable[[], object] = lambda: None,
    env: Mapping[str, str] | None = None,
) -> Sample:
    """The median of several runs; `before` prepares each and is not measured."""
    return _summary(list(_samples(argv, folder, runs, before, env)))


def interleaved(commands: Mapping[str, Measured], folder: Path, *, runs: int = 21) -> dict[str, Sample]:
    """The median of several runs of each, taken in turns: what else the machine does meets them all alike."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, one in commands.items():
            one.before()
            samples[name].append(run(one.argv, folder, one.env))
    return {name: _summary(of) for name, of in samples.items()}


def imports(argv: tuple[str, ...], folder: Path, *, most: int, runs: int) -> list[tuple[str, int]]:
    """The modules that a command imports at the greatest cost of their own, with microseconds; at last their number."""
    env = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    told = ""
    for _ in range(runs):  # the first may be remembered by the others
        told = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=True).stderr
    lines = [line.removeprefix("import time:").split("|") for line in told.splitlines() if "|" in line]
    costs = [(name.strip(), int(own)) for own, _, name in lines if own.strip().isdecimal()]
    return [*sorted(costs, key=lambda one: -one[1])[:most], (f"{len(costs)} modules", sum(own for _, own in costs))]


def _samples(
    argv: tuple[str, ...], folder: Path, runs: int, before: Callable[[], object], env: Mapping[str, str] | None
) -> Iterator[Sample]:
    end = time.perf_counter() + BUDGET
    for count in range(runs):
        before()
        yield run(argv, folder, env)
        if time.perf_counter() > end and count >= 2:
            return


def _summary(samples: list[Sample]) -> Sample:
    return Sample(
        seconds=median(sample.seconds for sample in samples),
        cpu=min(sample.cpu for sample in samples),
        memory=max(sample.memory for sample in samples),
        runs=len(samples),
    )


def recorded(tool: str, argv: tuple[str, ...], folder: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """The words and the environment with which a command starts a tool, the last time that it does.

    A shell script of the tool's name goes before it on PATH, writes both down, and starts the tool.
    """
    real = shutil.which(tool)
    if real is None:
        raise SystemExit(f"{tool} is not on PATH")
    with tempfile.TemporaryDirectory() as before:
        log, script = Path(before, "log"), Path(before, tool)
        script.write_text(
            f'#!/bin/sh\ncase "$1" in build) {{ printf "%s\\0" {real} "$@"; printf "\\0"; env -0; }} >{log} ;; esac\n'
            f'exec {real} "$@"\n',
            encoding="utf-8",
        )
        script.chmod(0o755)
        path = os.environ.get("PATH", os.defpath)
        run(argv, folder, {**os.environ, "PATH": f"{before}{os.pathsep}{path}"})
        words, _, settings = log.read_text(encoding="utf-8").partition("\0\0")
    pairs = (setting.partition("=") for setting in settings.split("\0") if setting)
    return tuple(words.split("\0")), {name: value.replace(f"{before}{os.pathsep}", "") for name, _, value in pairs}


def slope(sizes: list[int], values: list[float]) -> float:
    """The exponent e of the power law n**e nearest to the values: 1 is linear, 2 quadratic."""
    xs, ys = [log(size) for size in sizes], [log(value) for value in values]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def machine() -> str:
    """What was measured on, in a line."""
    model = ""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{os.cpu_count()} cores ({model or 'unknown'}), Linux, CPython {version}"

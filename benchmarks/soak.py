"""`make soak`: mpy under kills, signals, parallel commands, hostile files and links, refused calls; with counts.

MINUTES=15 unless told. What is found is told with what was done and the number to repeat it by (SEED=...); nothing is
found where every count is 0. Two processes: one runs whole commands and ends them, one feeds hostile input.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.hostile import hostile_rounds

ROOT: Final = Path(__file__).parent.parent
FOUND: Final = ("lost", "outside", "mixed", "left over", "traceback", "bug", "hang", "wrong code", "stray")
"""lost: a file of the user's changed; outside: one beyond the project; mixed: half old, half new for several targets;
left over: of a command that was told to end; bug: exit 70; hang: over ten seconds; stray: a process that outlives."""

LONGEST: Final = 10
BUILDS: Final = 180
TARGETS: Final = ("unix", "hvt", "spt", "xen")
SIGNALS: Final = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GREETINGS: Final = ("english", "french")

CONFIG: Final = """from mirage_py import job, key, main, match_impl, register

greeting = key.enum("greeting", ["english", "french"], default="english")
english, french = main("Unikernel.English", job), main("Unikernel.French", job)
register("soak", [match_impl(greeting, {"french": french}, default=english)])
"""
SOURCE: Final = """module English = struct let start () = Lwt.return (print_endline "hello") end
module French = struct let start () = Lwt.return (print_endline "bonjour") end
"""
USERS: Final = {"config.py": CONFIG, "unikernel.ml": SOURCE, "notes/mine.txt": "mine", "mirage/notes.txt": "mine"}


@dataclass
class Tally:
    """What was done, how often; what was found, how often and on which occasions."""

    done: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.done += other.done
        self.found += other.found
        self.notes += other.notes

    def find(self, what: str, note: str) -> None:
        self.found[what] += 1
        self.notes.append(f"{what}: {note}")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command that has ended, or was."""

    code: int | None
    said: str
    seconds: float


class Sessions:
    """One project, in which whole commands run and are ended."""

    def __init__(self, base: Path, chance: random.Random, tally: Tally) -> None:
        self.folder = base / "project"
        self.beyond = base / "beyond"
        self.chance = chance
        self.tally = tally
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(base / "cache"), "PYTHONPATH": str(ROOT)}
        put(self.folder, USERS)
        put(self.beyond, {"docs/a.md": "beyond", "docs/dune": "beyond", "file": "beyond"})
        self.trees = [self._configured(greeting) for greeting in GREETINGS]
        self.expect("configure and build", self.run("build", "-t", "unix", limit=BUILDS), codes=(0,))

    def _configured(self, greeting: str) -> dict[str, str]:
        words = [word for target in TARGETS for word in ("-t", target)]
        self.expect("configure", self.run("configure", "--greeting", greeting, *words), codes=(0,))
        return generated(self.folder)

    # -----------------------------------------------------------------------------------------------------------------
    # Commands

    def start(self, *line: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "-m", "mirage_py", *line),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def end(self, running: subprocess.Popen[str], limit: float) -> Ended:
        begun = time.monotonic()
        try:
            said, _ = running.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            said, _ = running.communicate()
            return Ended(code=None, said=said, seconds=limit)
        return Ended(code=running.returncode, said=said, seconds=time.monotonic() - begun)

    def run(self, *line: str, limit: float = LONGEST) -> Ended:
        return self.end(self.start(*line), limit)

    def interrupted(self, number: int, after: float, *line: str) -> Ended:
        """A command that is told to end, or killed, after so many seconds."""
        running = self.start(*line)
        while running.poll() is None and not _listens(running.pid):
            time.sleep(0.002)  # Python itself starts
        time.sleep(after)
        running.send_signal(number)
        return self.end(running, LONGEST)

    def expect(self, what: str, ended: Ended, codes: tuple[int, ...] = tuple(range(9))) -> None:
        """Note what no command may do, whatever happens to it."""
        if ended.code is None:
            self.tally.find("hang", what)
        elif ended.code == 70:
            self.tally.find("bug", f"{what}\n{ended.said[-600:]}")
        elif ended.code not in codes:
            self.tally.find("wrong code", f"{what}: {ended.code}\n{ended.said[-600:]}")
        if "Traceback" in ended.said:
            self.tally.find("traceback", f"{what}\n{ended.said[-600:]}")
        for path, text in USERS.items():
            file = self.folder / path
            if not file.is_file() or file.read_text() != text:
                self.tally.find("lost", f"{what}: {path}")
                put(self.folder, {path: text})
        if texts(self.beyond) != {"docs/a.md": "beyond", "docs/dune": "beyond", "file": "beyond"}:
            self.tally.find("outside", what)
            put(self.beyond, {"docs/a.md": "beyond", "docs/dune": "beyond", "file": "beyond"})

    def whole(self, what: str) -> None:
        """Note a tree that is neither the one nor the other."""
        if generated(self.folder) not in self.trees:
            self.tally.find("mixed", what)

    def tidy(self, what: str) -> None:
        left = [*self.folder.glob(".mpy-*"), *(self.folder / "mirage").glob(".mpy-*")]
        if left:
            self.tally.find("left over", f"{what}: {[path.name for path in left]}")

    # -----------------------------------------------------------------------------------------------------------------
    # Rounds

    def kill_configure(self) -> None:
        number, after = self.chance.choice(SIGNALS), self.chance.uniform(0.02, 0.6)
        what = f"configure, ended by {number} after {after:.3f} s"
        line = ("configure", "--greeting", self.chance.choice(GREETINGS))
        ended = self.interrupted(number, after, *line)
        self.expect(what, ended, _codes(number))
        self.whole(what)
        if number != signal.SIGKILL:
            self.tidy(what)
        self.expect(f"the next one after {what}", self.run("configure"), codes=(0,))
        self.whole(f"the next one after {what}")
        self.tidy(f"the next one after {what}")

    def kill_build(self) -> None:
        number, after = self.chance.choice(SIGNALS), self.chance.uniform(0.02, 4)
        what = f"build, ended by {number} after {after:.3f} s"
        self.run("configure", "--greeting", self.chance.choice(GREETINGS))
        self.expect(what, self.interrupted(number, after, "build", "-t", "unix"), _codes(number))
        self.whole(what)
        strays = number != signal.SIGKILL and processes_in(self.folder)
        if strays:
            self.tally.find("stray", f"{what}: {strays}")
        image = self.folder / "dist/soak"
        if image.exists() and subprocess.run((image,), check=False, capture_output=True).returncode:
            self.tally.find("mixed", f"an image that does not run, after {what}")
        self.expect(f"the next one after {what}", self.run("build", "-t", "unix", limit=BUILDS), codes=(0,))
        self.tidy(f"the next one after {what}")
        if processes_in(self.folder):
            self.tally.find("stray", f"the next one after {what}: {processes_in(self.folder)}")

    def kill_clean(self) -> None:
        number, after = self.chance.choice(SIGNALS), self.chance.uniform(0.02, 0.4)
        what = f"clean, ended by {number} after {after:.3f} s"
        self.expect(what, self.interrupted(number, after, "clean"), _codes(number))
        self.expect(f"the next one after {what}", self.run("clean"), codes=(0,))
        left = texts(self.folder)
        if left != USERS:
            self.tally.find("left over", f"{what}: {sorted(left.keys() ^ USERS.keys())}")
        for greeting in GREETINGS:
            self._configured(greeting)

    def several_at_once(self) -> None:
        lines = (
            ("configure", "--greeting", "english"),
            ("configure", "--greeting", "french"),
            ("build", "-t", "unix"),
            ("describe",),
            ("configure", "--greeting", self.chance.choice(GREETINGS)),
            ("query", "packages"),
        )
        chosen = self.chance.sample(lines, k=4)
        running = [self.start(*line) for line in chosen]
        for line, one in zip(chosen, running, strict=True):
            self.expect(f"{line} at once with {chosen}", self.end(one, BUILDS), codes=(0,))
        self.whole(f"at once {chosen}")

    def linked(self) -> None:
        """Something below mirage/ or dist/ is a link that leads out."""
        there = [*(self.folder / "mirage").rglob("*"), *(self.folder / "dist").rglob("*")]
        victim = self.chance.choice([path for path in there if path.name != "notes.txt"])
        kept = self.folder.with_name("kept")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.folder, kept, symlinks=True)
        is_folder = victim.is_dir() and not victim.is_symlink()
        shutil.rmtree(victim) if is_folder else victim.unlink()
        victim.symlink_to(self.beyond / ("docs" if is_folder else "file"))
        where = victim.relative_to(self.folder)
        line = self.chance.choice((("build", "-t", "unix"), ("clean",), ("configure", "--greeting", "french")))
        self.expect(f"{line} with a link for {where}", self.run(*line, limit=BUILDS))
        shutil.rmtree(self.folder)
        kept.rename(self.folder)


def _listens(pid: int) -> bool:
    """Whether a process has taken SIGTERM: what is sent before is for Python, which has not come to mpy yet."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) & 1 << signal.SIGTERM - 1)


def _codes(number: int) -> tuple[int, ...]:
    """What a command that is told to end may end with: it may have been done, too."""
    return (-number, 0) if number == signal.SIGKILL else (128 + number, 0)


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def texts(folder: Path) -> dict[str, str]:
    """The files below a folder; nothing of Python's own."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def generated(folder: Path) -> dict[str, str]:
    """What mpy generated, for all targets."""
    places = [*(folder / "mirage").glob("soak-*/*"), folder / "mirage/choices.json"]
    return {str(path.relative_to(folder)): path.read_text() for path in places if path.is_file()}


def processes_in(folder: Path) -> list[str]:
    """The command lines of processes that work in a folder."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            if (one / "cwd").resolve().is_relative_to(folder):
                found.append((one / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:80])
        except OSError:
            continue
    return found


def session_rounds(base: Path, seed: int, until: float) -> Tally:
    """Whole commands, until it is time."""
    chance, tally = random.Random(seed), Tally()
    sessions = Sessions(base, chance, tally)
    rounds: dict[str, tuple[Callable[[], None], int]] = {
        "kills of configure": (sessions.kill_configure, 12),
        "kills of build": (sessions.kill_build, 2),
        "kills of clean": (sessions.kill_clean, 2),
        "four commands at once": (sessions.several_at_once, 2),
        "links": (sessions.linked, 3),
    }
    names, weights = [*rounds], [weight for _, weight in rounds.values()]
    while time.time() < until:
        name = chance.choices(names, weights)[0]
        rounds[name][0]()
        tally.done[name] += 1
    return tally


def input_rounds(base: Path, seed: int, until: float) -> Tally:
    """Hostile files and refused calls, until it is time."""
    tally = Tally()
    for kind, found, note in hostile_rounds(base, random.Random(seed), until, CONFIG):
        tally.done[kind] += 1
        if found:
            tally.find(found, note)
    return tally


def _report(tally: Tally) -> Iterator[str]:
    yield from (f"{count:8}  {name}" for name, count in sorted(tally.done.items()))
    yield ""
    yield from (f"{tally.found[name]:8}  {name}" for name in FOUND)
    yield from (f"\n{note}" for note in tally.notes[:40])


def main() -> int:
    """Soak for so many minutes; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    until = time.time() + 60 * given.minutes
    print(f"soaking for {given.minutes:g} minutes; SEED={given.seed} does the same again", flush=True)
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="mpy-soak-") as place:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            jobs = (session_rounds, input_rounds)
            bases = [Path(place) / job.__name__ for job in jobs]
            running = [pool.submit(job, base, given.seed, until) for job, base in zip(jobs, bases, strict=True)]
            for one in running:
                tally.add(one.result())
    print("\n".join(_report(tally)))
    return 1 if tally.found else 0


if __name__ == "__main__":
    sys.exit(main())

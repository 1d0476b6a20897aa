"""A line that was read before means what it meant, and is not read again; keys, help and errors always are."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mirage_py.cli import app, meaning
from mirage_py.cli.command import Command
from mirage_py.cli.find import command_named
from mirage_py.cli.line import Reading
from mirage_py.errors import MpyError
from tests.cli.test_sessions import HELLO, KEYS
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

START = "from mirage_py.__main__ import main; main()"
READ_BY = ("mirage_py.cli.everywhere", "mirage_py.cli.find", "mirage_py.cli.words", "typer")

COMMANDS = ("audit", "build", "clean", "configure", "describe", "doctor", "lock", "query", "run")
VALUES = ("unix", "hvt", "1", "+2", "0", "config.py", "json", "a=b", "--", "-", "nowhere", "auto", "ü", "\udcff", "")


def named(name: str) -> Command:
    found = command_named(name)
    assert isinstance(found, Command)
    return found


NAMES = sorted({word for name in COMMANDS for one in named(name).parameters for word in one.names})
OTHERS = ("-v", "-vv", "-q", "--color", "--log-format", "-C", "--strange", "--hello=2", "-h")
WORDS = st.one_of(st.sampled_from(VALUES), st.sampled_from([*NAMES, *OTHERS]))
LINES = st.tuples(st.sampled_from(COMMANDS), st.lists(WORDS, max_size=4)).map(lambda parts: [parts[0], *parts[1]])
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MPY_REMEMBER", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.py").write_text(KEYS)
    return tmp_path


def told(reading: Reading | None) -> object:
    if reading is None:
        return None
    return reading.line, reading.function, dict(reading.arguments), dict(reading.everywhere)


@QUICK
@given(line=LINES)
def test_a_line_means_what_it_meant(place: Path, line: list[str]) -> None:
    before = Path.cwd()
    known = meaning.recall(line)
    os.chdir(before)
    try:
        fresh = app._read(line, remembered=True)
    except MpyError:
        assert known is None, "what is refused is never remembered"
        return
    finally:
        os.chdir(before)
    if isinstance(fresh, int) or fresh.line.config is not None:
        assert meaning.recall(line) is None, "help and keys are read each time"
        return
    assert known is None or told(known) == told(fresh)
    assert told(meaning.recall(line)) == told(fresh)
    os.chdir(before)


def test_where_the_configuration_is_and_where_to_go_are_found_out_each_time(place: Path) -> None:
    line = ["-C", "below", "describe", "-t", "hvt"]
    (place / "below").mkdir()
    app._read(line, remembered=True)
    os.chdir(place)
    known = meaning.recall(line)
    assert known is not None
    assert known.arguments["file"] == Path.cwd().parent / "config.py"
    os.chdir(place)
    (place / "below" / "config.py").write_text(HELLO)
    again = meaning.recall(line)
    assert again is not None
    assert again.arguments["file"] == Path("config.py")
    os.chdir(place)
    (place / "below").rename(place / "gone")
    with pytest.raises(MpyError, match="-C below: no such file or directory"):
        meaning.recall(line)


def test_nothing_is_remembered_where_that_is_not_wanted(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["configure", "-t", "hvt"]
    app._read(line, remembered=True)
    assert meaning.recall(line) is not None
    monkeypatch.setenv("MPY_REMEMBER", "no")
    assert meaning.recall(line) is None


def test_mpys_own_code_is_part_of_what_a_line_means(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["configure", "-t", "hvt"]
    module = place / "reader.py"
    module.write_text("")
    monkeypatch.setattr(meaning, "_read_by", lambda: [str(module)])
    app._read(line, remembered=True)
    assert meaning.recall(line) is not None
    module.write_text("# another one\n")
    assert meaning.recall(line) is None


@pytest.mark.parametrize(
    ("line", "by_typer", "again"),
    [
        ("configure -t unix -q", False, False),
        ("pull --offline --jobs +2", True, False),
        ("configure --hello ho", False, True),
        ("configure --strange", False, True),
    ],
)
def test_only_what_was_never_seen_is_read(place: Path, line: str, *, by_typer: bool, again: bool) -> None:
    """A configuration that was edited is configured without what reads lines; keys and errors are read each time."""
    (place / "unikernel.ml").write_text("let start () = Lwt.return_unit\n")
    first, second = imported(place, line), imported(place, line)
    assert first >= set(READ_BY[:3])
    assert ("typer" in first) is by_typer
    assert second.isdisjoint(READ_BY) is not again


def imported(place: Path, line: str) -> set[str]:
    with (place / "config.py").open("a") as config:
        config.write("# an edit\n")
    done = subprocess.run(
        (sys.executable, "-X", "importtime", "-c", START, *shlex.split(line)),
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return {one.rpartition("|")[2].strip() for one in done.stderr.splitlines() if one.startswith("import time:")}

"""Told to end, mpy ends: with the signal's code, with nothing half done, and without a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mirage_py.doors import signals

pytestmark = pytest.mark.slow

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}

LOADING = "import time; print('here', flush=True); [time.sleep(0.1) for _ in range(300)]"
WORKING = """
import os, time
with signals.unwinding():
    try:
        print('here', flush=True); [time.sleep(0.1) for _ in range(300)]
    finally:
        time.sleep(0.3)
        print('taken back', flush=True)
"""
HOLDING = """
import time
try:
    with signals.held():
        print('here', flush=True)
        until = time.monotonic() + 0.5
        while time.monotonic() < until: pass
        print('whole', flush=True)
except signals.Stopped as stopped:
    raise SystemExit(stopped.exit_code)
"""


def told(code: str, *numbers: signal.Signals) -> tuple[int, str, str]:
    """What a program that has taken the signals does when it is told to end: its code, and what it wrote."""
    start = f"from mirage_py.doors import signals\nsignals.install()\n{code}"
    with subprocess.Popen((sys.executable, "-c", start), stdout=-1, stderr=-1, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        for number in numbers:
            child.send_signal(number)
            time.sleep(0.05)
        out, error = child.communicate(timeout=20)
    return child.returncode, out, error


@pytest.mark.parametrize("number", CODES)
def test_signal_ends_at_once_where_there_is_nothing_to_take_back(number: signal.Signals) -> None:
    assert told(LOADING, number) == (CODES[number], "", "interrupted\n")


def test_signal_while_working_takes_back_even_when_it_comes_twice() -> None:
    _, out, error = told(WORKING, signal.SIGTERM, signal.SIGTERM, signal.SIGINT)
    assert out == "taken back\n"
    assert "Stopped" in error


@pytest.mark.parametrize("number", CODES)
def test_signal_waits_where_it_must(number: signal.Signals) -> None:
    code, out, _ = told(HOLDING, number)
    assert (code, out) == (CODES[number], "whole\n")


def test_what_is_ignored_stays_ignored() -> None:
    start = (
        "import os, signal\nfrom mirage_py.doors import signals\nsignals.install()\nos.kill(os.getpid(), signal.SIGHUP)"
    )
    command = ("sh", "-c", 'trap "" HUP; exec "$0" -c "$1"', sys.executable, start)
    assert subprocess.run(command, timeout=20, check=False).returncode == 0


def test_handlers_of_others_come_back() -> None:
    before = [signal.getsignal(number) for number in CODES]
    with pytest.raises(signals.Stopped) as stopped, signals.unwinding():
        signal.raise_signal(signal.SIGTERM)
    assert stopped.value.exit_code == 143
    assert [signal.getsignal(number) for number in CODES] == before


CONFIG = """import time
open("here", "w").close()
while True:
    try:
        time.sleep(0.2)
    except BaseException:
        pass
"""


@pytest.mark.parametrize("words", [("--some-key", "x"), ()])
@pytest.mark.parametrize("number", CODES)
def test_command_ends_with_the_code_of_the_signal(
    number: signal.Signals, words: tuple[str, ...], tmp_path: Path
) -> None:
    """A config.py that takes its time, and catches whatever it can, is no reason to go on."""
    (tmp_path / "config.py").write_text(CONFIG, encoding="utf-8")
    command = (sys.executable, "-m", "mirage_py", "configure", "-t", "unix", *words)
    with subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True) as child:
        while not (tmp_path / "here").exists() and child.poll() is None:
            time.sleep(0.02)
        child.send_signal(number)
        _, error = child.communicate(timeout=20)
    assert (child.returncode, error) == (CODES[number], "interrupted\n")
    assert not (tmp_path / "mirage").exists()

"""Files are put on the disk beside everything else, and are waited for."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from mirage_py.doors.syncing import Syncing


def opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY)


@pytest.fixture
def alarm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_who_is_cut_short_while_waiting_can_wait_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow, go = opened(tmp_path), opened(tmp_path), Event()
    monkeypatch.setattr(os, "fsync", lambda descriptor: descriptor == quick or go.wait())

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits for ever"))
        signal.setitimer(signal.ITIMER_REAL, 10)
        go.set()
        raise KeyboardInterrupt

    syncing = Syncing()
    for descriptor in (quick, slow):
        syncing.begin(descriptor)
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with pytest.raises(KeyboardInterrupt):
        syncing.end()
    syncing.end()


def test_first_refusal_is_told_when_all_have_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    def refuse(descriptor: int) -> None:
        ended.append(descriptor)
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", refuse)
    syncing, descriptors = Syncing(), [opened(tmp_path), opened(tmp_path)]
    for descriptor in descriptors:
        syncing.begin(descriptor)
    with pytest.raises(OSError, match="full"):
        syncing.end()
    assert sorted(ended) == sorted(descriptors)
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


TOLD = """
import sys
from mirage_py.doors import syncing
from mirage_py.doors.watch import Watch

def start(call, arguments):  # as Python tells of it since 3.12
    sys.audit("_thread.start_new_thread", call, arguments, {})
    call(*arguments)

watch = Watch(b"")
syncing.start_new_thread = start
syncing.in_thread(print, "done")
print(watch.doubt or "no doubt")
start(print, ("theirs",))
print(watch.doubt)
"""


def test_a_thread_of_mpys_own_is_no_doubt() -> None:
    done = subprocess.run((sys.executable, "-c", TOLD), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["done", "no doubt", "theirs", "_thread.start_new_thread"]

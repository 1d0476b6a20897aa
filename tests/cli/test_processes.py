"""mpy among other processes: interrupted, piped into something that ends, two at once, on a disk that is full."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest

from tests.cli.terminal import environment, on_terminal
from tests.cli.test_sessions import HELLO
from tests.conftest import MakeProject, Mpy

pytestmark = pytest.mark.slow

SLOW = "import time\nprint('begun', flush=True)\nfor _ in range(300):\n    time.sleep(0.1)\n" + HELLO


def started(*args: str, folder: Path, before: Callable[[], None] | None = None, **pipes: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (sys.executable, "-m", "mirage_py", *args),
        cwd=folder,
        env=environment(),
        text=True,
        stdout=pipes.get("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        preexec_fn=before,  # noqa: PLW1509  # one thread, and nothing but a limit is set
    )


def ended(child: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = child.communicate(timeout=60)
    return child.returncode, out, err


def first_line(child: subprocess.Popen[str]) -> str:
    """What it says first on stderr; nothing when it says nothing for a long time."""
    assert child.stderr is not None
    ending = Timer(30, child.kill)
    ending.start()
    try:
        return child.stderr.readline()
    finally:
        ending.cancel()


def files(folder: Path) -> set[str]:
    """All but the lock, which says who is at work."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)) for path in found}


def test_an_interrupt_ends_it_with_130_and_leaves_nothing(project: MakeProject) -> None:
    folder = project({"config.py": SLOW})
    child = started("configure", folder=folder)
    assert first_line(child) == "begun\n"  # what config.py prints is no result: it goes to stderr
    child.send_signal(signal.SIGINT)
    code, out, err = ended(child)
    assert (code, out, err) == (130, "", "interrupted\n")
    assert files(folder) == {"config.py"}


def test_nobody_reads_on(project: MakeProject) -> None:
    """`mpy query main | head -1`: no message, no traceback."""
    folder = project({"config.py": HELLO})
    read, write = os.pipe()
    os.close(read)
    child = started("query", "main", folder=folder, stdout=write)
    os.close(write)
    _, err = child.communicate(timeout=60)
    assert err == ""
    assert child.returncode == 141


@pytest.fixture
def locked(project: MakeProject) -> Iterator[Path]:
    """A folder in which another mpy is at work."""
    folder = project({"config.py": HELLO})
    (folder / "mirage").mkdir()
    with (folder / "mirage/.lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def test_the_second_of_two_waits_and_says_so(locked: Path) -> None:
    child = started("configure", folder=locked)
    line = first_line(child)
    assert "another mpy (process 4711) is at work in this directory; waiting for it" in line
    assert child.poll() is None
    (locked / "mirage/.lock").unlink()
    child.kill()
    child.communicate()


def test_both_of_two_at_once_succeed(project: MakeProject) -> None:
    folder = project({"config.py": HELLO})
    children = [started("configure", "-t", target, folder=folder) for target in ("unix", "hvt", "spt", "xen")]
    assert [ended(child)[0] for child in children] == [0, 0, 0, 0]
    told = started("query", "files", folder=folder)
    code, out, _ = ended(told)
    assert code == 0
    for target in ("unix", "hvt", "spt", "xen"):
        assert f"# hello for {target}" in out
        assert (folder / f"mirage/hello-{target}/main.ml").is_file()


def test_a_full_disk_is_told_and_the_old_tree_stays(project: MakeProject, mpy: Mpy) -> None:
    """A limit on the size of files refuses a write as a full disk does."""
    folder = project({"config.py": HELLO})
    mpy("configure", code=0)
    before = {name: (folder / name).read_bytes() for name in files(folder)}

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    code, out, err = ended(started("configure", "-t", "hvt", folder=folder, before=limit))
    assert code == 1
    assert out == ""
    assert "cannot write: File too large" in err
    assert "hint:  check the permissions of the directory and the space on its disk" in err
    mpy("configure", code=0)
    after = {name: (folder / name).read_bytes() for name in files(folder)}
    assert {name: text for name, text in after.items() if name in before} == before


def test_a_read_only_directory_is_told(project: MakeProject) -> None:
    folder = project({"config.py": HELLO})
    done = in_read_only(folder, "configure")
    assert done.returncode == 1
    assert "error: mirage/.lock: cannot write: " in done.stderr or "error: mirage: cannot write: " in done.stderr
    assert "hint:  check the permissions of the directory" in done.stderr
    assert files(folder) == {"config.py"}


def test_a_query_needs_no_directory_to_write_to(project: MakeProject) -> None:
    folder = project({"config.py": HELLO})
    assert in_read_only(folder, "query", "name").stdout == "hello\n"


def in_read_only(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """mpy in a folder that cannot be written to: by its permissions, or for root by how it is mounted."""
    argv: tuple[str, ...] = (sys.executable, "-m", "mirage_py", *args)
    if os.geteuid() == 0:
        mount = 'mount --bind "$PWD" "$PWD" && mount -o remount,ro,bind "$PWD" && cd "$PWD" && exec "$@"'
        if subprocess.run(("unshare", "-m", "true"), capture_output=True, check=False).returncode:
            pytest.skip("root may write everywhere, and nothing can be mounted here")
        argv = ("unshare", "-m", "sh", "-c", mount, "sh", *argv)
    folder.chmod(0o555)
    try:
        env = environment({"PATH": os.environ["PATH"]})
        return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    finally:
        folder.chmod(0o755)


# ---------------------------------------------------------------------------------------------------------------------
# Progress


@pytest.fixture
def patient(project: MakeProject) -> Path:
    """A program that takes its time, and shows so through the console."""
    work = """
import sys, time
from mirage_py.doors import terminal as console
console.settings.log_format = sys.argv[1]
with console.working("building") as progress:
    time.sleep(float(sys.argv[2]))
    progress("linking")
    time.sleep(float(sys.argv[2]))
"""
    return project({"work.py": work})


def ran(folder: Path, form: str, seconds: float) -> str:
    done = subprocess.run(
        (sys.executable, "work.py", form, str(seconds)),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return done.stdout


def test_no_progress_where_nobody_watches(patient: Path) -> None:
    assert ran(patient, "text", 0.7) == ""


def test_progress_is_an_event(patient: Path) -> None:
    assert ran(patient, "json", 0) == '{"event": "progress", "message": "linking"}\n'


def test_progress_moves_after_a_second(patient: Path) -> None:
    """On a terminal: both texts are seen, and the line is gone at the end."""
    seen = watched(patient, 2.0)
    assert "building" in seen
    assert "linking" in seen
    assert seen.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")


def test_what_is_quick_shows_no_progress(patient: Path) -> None:
    assert watched(patient, 0.1) == ""


def watched(folder: Path, seconds: float) -> str:
    begun = time.monotonic()
    text, code = on_terminal(f"mpy text {seconds}", folder, program=["work.py"])
    assert code == 0
    assert time.monotonic() - begun >= 2 * seconds
    return text

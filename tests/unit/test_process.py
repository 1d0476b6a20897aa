"""The process door: what comes back, how failures are told, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mirage_py.doors import processes as process
from mirage_py.doors.processes import run, stream, which
from mirage_py.errors import ToolFailed, ToolNotFound
from mirage_py.model.command import Command


def shell(script: str, **more: object) -> Command:
    """A shell script as a command."""
    return Command(argv=("sh", "-c", script), purpose="try a script", **more)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds: a loaded machine may reap it late."""
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


def test_run_returns_both_streams_and_the_exit_code() -> None:
    result = run(shell("echo out; echo err >&2; exit 3"), check=False)
    assert (result.stdout, result.stderr, result.code, result.ok) == ("out\n", "err\n", 3, False)
    assert result.output == "err\nout"


def test_run_feeds_standard_input() -> None:
    assert run(Command(argv=("cat",), purpose="copy"), stdin="grüße").stdout == "grüße"


def test_output_that_is_no_utf8_is_still_text() -> None:
    assert run(shell(r"printf 'a\377b'")).stdout == "a\ufffdb"


def test_environment_is_laid_over_ours_and_none_removes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPY_A", "kept")
    monkeypatch.setenv("MPY_B", "dropped")
    command = shell('echo "$MPY_A-$MPY_B-$MPY_C"', env={"MPY_B": None, "MPY_C": "added"})
    assert run(command).stdout == "kept--added\n"


def test_run_takes_place_in_the_given_folder(tmp_path: Path) -> None:
    assert run(shell("pwd", cwd=tmp_path)).stdout.strip() == str(tmp_path.resolve())


def test_failure_carries_the_output_and_the_command() -> None:
    with pytest.raises(ToolFailed) as caught:
        run(shell("echo what went wrong >&2; exit 2"))
    assert caught.value.message == "try a script: sh failed with exit code 2"
    assert caught.value.output == "what went wrong"
    assert caught.value.details == ("sh -c 'echo what went wrong >&2; exit 2'",)


def test_death_by_a_signal_is_named() -> None:
    with pytest.raises(ToolFailed, match="sh was ended by SIGSEGV"):
        run(shell("kill -SEGV $$"))


def test_missing_tool_names_the_packages_that_bring_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolNotFound) as caught:
        run(Command(argv=("dune", "build"), purpose="build hello"))
    assert caught.value.message == "dune is not on this machine"
    assert caught.value.details == ("it is needed to build hello",)
    assert caught.value.hint == "apt install ocaml-dune or opam install dune"


def test_missing_folder_is_not_taken_for_a_missing_tool(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match=r"the folder .*/nowhere is not there"):
        run(shell("true", cwd=tmp_path / "nowhere"))


def test_script_without_its_interpreter_is_a_tool_that_cannot_start(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/no/such/interpreter\n")
    tool.chmod(0o755)
    with pytest.raises(ToolFailed, match="cannot be started") as caught:
        run(Command(argv=(str(tool),), purpose="try"))
    assert caught.value.hint


def test_timeout_ends_the_child_and_says_so(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(ToolFailed, match=r"sh gave no answer within 0\.3 s"):
        run(shell(f"sleep 60 & echo $! > {pid}; wait", timeout=0.3))
    assert gone(int(pid.read_text()))


def test_which_takes_the_first_executable_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, mode in (("plain", 0o644), ("first", 0o755), ("second", 0o755)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "tool").write_text("")
        (folder / "tool").chmod(mode)
    (tmp_path / "folder" / "tool").mkdir(parents=True)
    path = ":".join(str(tmp_path / name) for name in ("none", "folder", "plain", "first", "second"))
    monkeypatch.setenv("PATH", path)
    assert which("tool") == tmp_path / "first" / "tool"
    assert which("tool", path=str(tmp_path / "second")) == tmp_path / "second" / "tool"
    assert which("other") is None


def test_stream_hands_on_each_line_while_the_child_runs() -> None:
    seen: list[tuple[str, float]] = []
    started = time.monotonic()
    command = shell(r"echo one; sleep 0.5; printf 'two\r\n' >&2; printf three")
    result = stream(command, on_line=lambda line: seen.append((line, time.monotonic() - started)))
    assert [line for line, _ in seen] == ["one", "two", "three"]
    assert seen[0][1] < 0.4 <= seen[1][1]
    assert result.stdout == "one\ntwo\r\nthree\n"


def test_stream_without_a_listener_writes_to_our_own_output(capfd: pytest.CaptureFixture[str]) -> None:
    assert stream(shell("echo seen")).code == 0
    assert capfd.readouterr().out == "seen\n"


def test_stream_gives_no_terminal_to_a_child_that_is_not_interactive() -> None:
    assert stream(shell("read answer && exit 9; exit 0")).ok


def test_stream_keeps_the_output_for_the_error() -> None:
    with pytest.raises(ToolFailed) as caught:
        stream(shell("echo why; exit 1"), on_line=lambda _: None)
    assert caught.value.output == "why"


def test_stream_timeout_counts_while_lines_come() -> None:
    with pytest.raises(ToolFailed, match=r"within 0\.3 s"):
        stream(shell("while :; do echo x; sleep 0.05; done", timeout=0.3), on_line=lambda _: None)


def test_listener_that_fails_leaves_no_child_behind(tmp_path: Path) -> None:
    def refuse(_line: str) -> None:
        raise RuntimeError

    pid = tmp_path / "pid"
    with pytest.raises(RuntimeError):
        stream(shell(f"echo $$ > {pid}; echo go; sleep 60"), on_line=refuse)
    assert gone(int(pid.read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("ignored", ["", "trap '' INT TERM;"], ids=["polite", "stubborn"])
def test_interrupt_ends_the_child_and_its_children(tmp_path: Path, number: signal.Signals, ignored: str) -> None:
    script = f"{ignored} sleep 60 & echo $$ $! > {tmp_path}/pids.new; mv {tmp_path}/pids.new {tmp_path}/pids; wait"
    program = (
        "import sys; from mirage_py.doors import processes as process; from mirage_py.model.command import Command\n"
        "process.GRACE = 0.2\n"
        "try: process.stream(Command(argv=('sh', '-c', sys.argv[1]), purpose='wait'))\n"
        "except KeyboardInterrupt: sys.exit(130)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, script], start_new_session=True)
    while not (tmp_path / "pids").exists():
        time.sleep(0.01)
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    os.kill(parent.pid, number)
    assert parent.wait(timeout=10) == 130
    assert all(gone(pid) for pid in pids)


def test_leader_that_dies_by_a_signal_takes_its_children_along(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    result = stream(shell(f"sleep 60 & echo $! > {pid}; kill -KILL $$"), check=False)
    assert result.code == -signal.SIGKILL
    assert gone(int(pid.read_text()))


def test_hangup_ignored_from_outside_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(shell(f"kill -HUP {os.getpid()}; echo on")).stdout == "on\n"
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_every_known_tool_names_a_way_to_get_it() -> None:
    assert all(debian or opam for debian, opam in process.SOURCES.values())

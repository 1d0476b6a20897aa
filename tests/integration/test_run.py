"""`mpy run` on what was built: each target that this machine can run, natively or in a machine in software.

/dev/kvm is never opened: where it is emulated itself, a guest has been seen to hang the whole machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

from mirage_py.doors.memory import folder as cache_folder
from tests.conftest import ROOT, Finished, Mpy
from tests.sources import lay_sources

pytestmark = [pytest.mark.slow, pytest.mark.ocaml]

WORDS = {
    "config.py": """\
from mirage_py import job, main, package, register, runtime_arg

word, code = runtime_arg("Unikernel.word", option="word"), runtime_arg("Unikernel.code", option="code")

register("words", [main("Unikernel", job, packages=[package("duration")], runtime_args=[word, code])])
""",
    "unikernel.ml": """\
open Cmdliner
open Lwt.Infix

let word = Arg.(value & opt string "nothing" (info [ "word" ]))
let code = Arg.(value & opt int 0 (info [ "code" ]))

let start () word code =
  Logs.info (fun m -> m "the word is <%s>" word);
  if word = "wait" then Mirage_sleep.ns (Duration.of_sec 600) >>= fun () -> exit code else exit code
""",
}
"""Tells its word, and ends with its code."""

DEVICES = {
    "config.py": """\
from mirage_py import block, block_of_file, default_network, job, main, network, package, register

code = main("Unikernel.Main", network >> block >> job, packages=[package("io-page")])

register("devices", [code(default_network, block_of_file("storage"))])
""",
    "unikernel.ml": """\
open Lwt.Infix

(* IEEE 802 has it for local experiments. *)
let ethertype = 0x88b5

module Main (N : Mirage_net.S) (B : Mirage_block.S) = struct
  let page () = Io_page.(to_cstruct (get 1))

  let read disk =
    let buffer = page () in
    B.read disk 0L [ buffer ] >|= function
    | Ok () -> Cstruct.to_string ~len:5 buffer
    | Error _ -> failwith "cannot read"

  let write disk text =
    let buffer = page () in
    Cstruct.memset buffer 0;
    Cstruct.blit_from_string text 0 buffer 0 (String.length text);
    B.write disk 8L [ buffer ] >|= function Ok () -> () | Error _ -> failwith "cannot write"

  let send net text =
    let fill frame =
      Cstruct.memset frame 0;
      Cstruct.memset (Cstruct.sub frame 0 6) 0xff;
      Cstruct.blit_from_string (Macaddr.to_octets (N.mac net)) 0 frame 6 6;
      Cstruct.BE.set_uint16 frame 12 ethertype;
      Cstruct.blit_from_string text 0 frame 14 (String.length text);
      60
    in
    N.write net ~size:60 fill >|= function Ok () -> () | Error _ -> failwith "cannot send"

  let heard net =
    let answer, wake = Lwt.wait () in
    let hear frame =
      if Cstruct.length frame >= 19 && Cstruct.BE.get_uint16 frame 12 = ethertype && Lwt.is_sleeping answer then
        Lwt.wakeup_later wake (Cstruct.to_string ~off:14 ~len:5 frame);
      Lwt.return_unit
    in
    Lwt.async (fun () -> N.listen net ~header_size:14 hear >|= ignore);
    answer

  let start net disk =
    read disk >>= fun found ->
    Logs.info (fun m -> m "the disk says <%s>" found);
    let answer = heard net in
    let rec ask () =
      if Lwt.is_sleeping answer then send net "hello" >>= fun () -> Mirage_sleep.ns 100_000_000L >>= ask
      else Lwt.return_unit
    in
    Lwt.async ask;
    answer >>= fun text ->
    Logs.info (fun m -> m "the network says <%s>" text);
    write disk text >>= fun () -> exit 3
end
""",
}
"""Reads its disk, asks the network until it answers, writes the answer to the disk, and ends with 3."""

PEER = """\
import json, socket, subprocess, sys
from pathlib import Path

mpy, target, *more = json.loads(sys.argv[1])

def run(*words):
    return subprocess.run([*mpy, "run", "-t", target, *more, *words], capture_output=True, text=True)

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
refused, made = run(), run("--setup", "--size", "1")
with open("storage.img", "r+b") as disk:
    disk.write(b"block")
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5))
port.bind(("tap0", 0x88B5))
port.settimeout(100)
pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
unikernel = subprocess.Popen([*mpy, "run", "-t", target, *more], **pipes)
try:
    frame = port.recv(2000)
    port.send(frame[6:12] + bytes.fromhex("020000000001") + frame[12:14] + b"frame" + bytes(41))
finally:
    if not sys.exc_info()[0] is None:
        unikernel.terminate()
    out, err = unikernel.communicate(timeout=100)
    written = Path("storage.img").read_bytes()[512:].strip(bytes(1)).decode()
    undone = run("--setup", "--undo")
    left = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True).stdout
    steps = {"refused": refused, "made": made, "undone": undone}
    told = {name: [step.returncode, step.stdout + step.stderr] for name, step in steps.items()}
    print(json.dumps(told | {"code": unikernel.returncode, "out": out, "err": err, "written": written, "left": left}))
"""
"""The other end of the network, in a namespace of its own: has the devices made, runs, answers, has them removed."""


# ---------------------------------------------------------------------------------------------------------------------
# What this machine has


@cache
def why_no_namespace() -> str | None:
    """Why no network can be made for a test, or None."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "no unshare or no ip"
    line = ("unshare", "-rn", "ip", "tuntap", "add", "dev", "tap0", "mode", "tap")
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return f"no tap device in a namespace: {done.stderr.strip()}" if done.returncode else None


def skip_when(reason: str | None) -> None:
    if reason:
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def pieces(caches: Path) -> None:
    """What emulated machines boot from is too much to be fetched for each session: it is kept, with its digests."""
    kept, here = cache_folder() / "emulate", caches / "mpy" / "emulate"
    if not here.exists():
        kept.mkdir(parents=True, exist_ok=True)
        here.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another worker was faster
            here.symlink_to(kept)


def emulated(done: Finished) -> Finished:
    """What was run, unless there is nothing to boot from: a network is no condition of the tests."""
    if done.code in (5, 6) and ("apt" in done.stderr):
        pytest.skip(f"no packages for an emulated machine: {done.stderr.splitlines()[0]}")
    return done


# ---------------------------------------------------------------------------------------------------------------------
# Projects that are built once


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


Project = Callable[..., Path]


@pytest.fixture
def built(tmp_path_factory: pytest.TempPathFactory, mpy: Mpy) -> Project:
    """Gives the folder of a project whose image for a target is built, by whichever worker comes first."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def build(name: str, files: dict[str, str], *targets: str, sources: str = "") -> Path:
        folder = shared / f"run-{name}"
        with one_at_a_time(shared / f"run-{name}.lock"):
            if not folder.exists():
                folder.mkdir()
                for path, text in files.items():
                    (folder / path).write_text(text)
            if sources and not (folder / "mirage/duniverse").exists():
                lay_sources(folder, sources, mpy)
            if not all(list(folder.glob(f"dist/*{suffix(target)}")) for target in targets):
                mpy("build", *(word for target in targets for word in ("-t", target)), cwd=folder, code=0, timeout=600)
        return folder

    return build


def copied(folder: Path, into: Path) -> Path:
    """A project to spoil, as far as running needs it."""
    return shutil.copytree(folder, into / "copy", ignore=shutil.ignore_patterns("_build", "duniverse"))


def suffix(target: str) -> str:
    return "words" if target == "unix" else f".{target}"


# ---------------------------------------------------------------------------------------------------------------------
# Words in, words and a code out

ENDS = ("--", "--word", 'a "b" \\c', "--code", "7")
SAID = '<a "b" \\c>'


def test_unix_runs_with_words_and_a_code(built: Project, mpy: Mpy) -> None:
    done = mpy("run", "-t", "unix", *ENDS, cwd=built("unix", WORDS, "unix"), code=7)
    assert SAID in done.stderr


def test_json_tells_whose_code_it_is(built: Project, mpy: Mpy) -> None:
    folder = built("unix", WORDS, "unix")
    done = mpy("--log-format", "json", "run", "--", "--code", "5", cwd=folder, code=5)
    ended = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")][-1]
    assert (ended["event"], ended["by"], ended["exit_code"]) == ("ended", "unikernel", 5)
    failed = mpy("--log-format", "json", "run", "--mem", "5", cwd=folder, code=2)
    assert json.loads(failed.stderr)["event"] == "error"


@pytest.mark.solo5
def test_spt_runs_with_words_and_a_code(built: Project, mpy: Mpy) -> None:
    done = mpy("run", "-t", "spt", *ENDS, cwd=built("words", WORDS, "spt"), code=7)
    assert SAID in done.stdout
    assert done.stderr == ""


@pytest.mark.solo5
@pytest.mark.qemu
def test_virtio_runs_with_words_and_a_code(built: Project, mpy: Mpy) -> None:
    done = mpy("run", "-t", "virtio", "--emulate", *ENDS, cwd=built("words", WORDS, "virtio"), code=7)
    assert SAID in done.stdout
    assert "\r" not in done.stdout
    assert done.stderr == ""


@pytest.mark.solo5
@pytest.mark.qemu
def test_hvt_runs_in_a_machine_in_software(built: Project, mpy: Mpy) -> None:
    folder = built("words", WORDS, "hvt")
    done = emulated(mpy("run", "-t", "hvt", "--emulate", *ENDS, cwd=folder))
    assert (done.code, done.stderr) == (7, "")
    assert SAID in done.stdout
    assert done.stdout.endswith("Solo5: solo5_exit(7) called\n")


@pytest.mark.solo5
@pytest.mark.qemu
def test_xen_runs_in_a_machine_in_software(built: Project, mpy: Mpy) -> None:
    folder = built("xen", WORDS, "xen", sources="noop")
    done = emulated(mpy("run", "-t", "xen", "--emulate", *ENDS, cwd=folder))
    assert (done.code, done.stderr) == (7, "")
    assert SAID in done.stdout
    assert done.stdout.endswith("Solo5: solo5_exit(7) called\n")


@pytest.mark.solo5
def test_printed_command_can_be_pasted(built: Project, mpy: Mpy) -> None:
    folder = built("words", WORDS, "spt")
    line = mpy("run", "-t", "spt", "--print", *ENDS, cwd=folder, code=0).stdout
    done = subprocess.run(("sh", "-c", line), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 7
    assert SAID in done.stdout


@pytest.mark.solo5
def test_image_of_another_target_is_refused(built: Project, mpy: Mpy, tmp_path: Path) -> None:
    folder = copied(built("words", WORDS, "spt", "hvt"), tmp_path)
    (folder / "dist" / "words.hvt").unlink()
    shutil.copy(folder / "dist" / "words.spt", folder / "dist" / "words.hvt")
    done = mpy("run", "-t", "hvt", "--emulate", cwd=folder, code=4)
    assert "dist/words.hvt: the image is linked for spt" in done.stderr
    assert "mpy build -t hvt" in done.stderr


@pytest.mark.solo5
def test_image_that_is_cut_short_is_refused(built: Project, mpy: Mpy, tmp_path: Path) -> None:
    folder = copied(built("words", WORDS, "spt"), tmp_path)
    image = folder / "dist" / "words.spt"
    image.chmod(0o755)
    os.truncate(image, 3000)
    assert "has no abi that Solo5 could read" in mpy("run", "-t", "spt", cwd=folder, code=6).stderr


# ---------------------------------------------------------------------------------------------------------------------
# Ended from outside


def in_folder(folder: Path) -> list[str]:
    """The processes that work in a folder, or on what lies there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            if os.readlink(process / "cwd").startswith(str(folder)) or str(folder) in words:
                found.append(words)
        except OSError:
            continue
    return found


def started(folder: Path, *words: str, said: str, scratch: Path, caches: Path) -> subprocess.Popen[bytes]:
    """An mpy that runs a unikernel which has said so; its temporary files go to `scratch`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch), "XDG_CACHE_HOME": str(caches)}
    log = scratch.parent / "log"
    with log.open("wb") as output:
        line = (sys.executable, "-m", "mirage_py", "run", *words, "--", "--word", "wait")
        child = subprocess.Popen(line, cwd=folder, env=environment, stdout=output, stderr=output)
    until = time.monotonic() + 120
    while said not in log.read_text(errors="replace"):
        if child.poll() is not None or time.monotonic() > until:
            child.kill()
            pytest.fail(log.read_text(errors="replace"))
        time.sleep(0.05)
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("-t", "unix"), id="unix"),
        pytest.param(("-t", "spt"), id="spt", marks=pytest.mark.solo5),
        pytest.param(("-t", "virtio", "--emulate"), id="virtio", marks=[pytest.mark.solo5, pytest.mark.qemu]),
        pytest.param(("-t", "hvt", "--emulate"), id="hvt", marks=[pytest.mark.solo5, pytest.mark.qemu]),
    ],
)
def test_interrupt_leaves_nothing_behind(
    words: tuple[str, ...], number: signal.Signals, built: Project, tmp_path: Path, caches: Path
) -> None:
    folder = copied(built("unix" if "unix" in words else "words", WORDS, words[1]), tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    child = started(folder, *words, said="the word is <wait>", scratch=scratch, caches=caches)
    child.send_signal(number)
    assert child.wait(timeout=20) == 128 + number
    assert list(scratch.iterdir()) == []
    assert in_folder(tmp_path) == []


OWNS_TERMINAL = """\
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv = ["mpy", "run", "-t", sys.argv[1], "--", "--word", "wait"]
runpy.run_module("mirage_py", run_name="__main__")
"""


@pytest.mark.parametrize("target", ["unix", pytest.param("spt", marks=pytest.mark.solo5)])
def test_ctrl_c_at_a_terminal_ends_the_unikernel(target: str, built: Project, tmp_path: Path) -> None:
    folder = copied(built("unix" if target == "unix" else "words", WORDS, target), tmp_path)
    ours, terminal = pty.openpty()
    child = subprocess.Popen(
        (sys.executable, "-c", OWNS_TERMINAL, target),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    while b"<wait>" not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, b"\x03")
    assert child.wait(timeout=20) == 130
    assert in_folder(tmp_path) == []
    os.close(ours)


@pytest.mark.solo5
@pytest.mark.qemu
@pytest.mark.parametrize("words", [("spt",), ("virtio", "--emulate"), ("hvt", "--emulate")], ids=lambda words: words[0])
def test_unikernel_ends_when_its_time_is_over(words: tuple[str, ...], built: Project, mpy: Mpy) -> None:
    folder = built("words", WORDS, words[0])
    done = emulated(mpy("run", "-t", *words, "--timeout", "1", "--", "--word", "wait", cwd=folder))
    assert done.code == 6
    assert "still ran after 1 s, and was ended" in done.stderr


# ---------------------------------------------------------------------------------------------------------------------
# Devices


@pytest.mark.solo5
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("spt",), id="spt"),
        pytest.param(("virtio", "--emulate"), id="virtio", marks=pytest.mark.qemu),
        pytest.param(("hvt", "--emulate"), id="hvt", marks=pytest.mark.qemu),
        pytest.param(("xen", "--emulate"), id="xen", marks=pytest.mark.qemu),
    ],
)
def test_network_and_disk_are_made_used_and_removed(
    words: tuple[str, ...], built: Project, tmp_path: Path, caches: Path
) -> None:
    skip_when(why_no_namespace())
    needed = "devices-xen" if words[0] == "xen" else "devices"
    there = built(needed, DEVICES, words[0], sources=needed)
    folder = copied(there, tmp_path)
    line = ("unshare", "-rn", sys.executable, "-c", PEER, json.dumps([[sys.executable, "-m", "mirage_py"], *words]))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(caches)}
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert told["refused"][0] == 2
    assert "needs devices that were not given" in told["refused"][1]
    assert told["made"][0] == 0, told["made"][1]
    assert "<block>" in told["out"], told["err"]
    assert "<frame>" in told["out"], told["out"]
    assert (told["code"], told["written"]) == (3, "frame")
    assert told["undone"][0] == 0
    assert "tap0" not in told["left"]
    assert not (folder / "storage.img").exists()
    assert not (folder / "mirage" / "devices.json").exists()


# ---------------------------------------------------------------------------------------------------------------------
# What a machine has not


@pytest.mark.solo5
def test_hvt_without_virtualization_names_the_other_ways(built: Project, mpy: Mpy) -> None:
    from mirage_py.toolchain.kvm import probe

    if probe().state in ("usable", "unknown"):
        pytest.skip("this machine has virtualization")
    done = mpy("run", "-t", "hvt", cwd=built("words", WORDS, "hvt"), code=5)
    assert "needs hardware virtualization" in done.stderr
    assert "--emulate" in done.stderr


def test_what_was_not_built_is_told(built: Project, mpy: Mpy) -> None:
    done = mpy("run", "-t", "muen", cwd=built("unix", WORDS, "unix"), code=4)
    assert "subject of a Muen system" in done.stderr
    done = mpy("run", "-t", "spt", cwd=built("unix", WORDS, "unix"), code=1)
    assert "mpy build -t spt" in done.stderr

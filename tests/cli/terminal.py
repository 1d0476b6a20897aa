"""mpy as a person at a terminal sees it: 80 columns, colours, and every command with what it answered."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Iterable, Mapping
from pathlib import Path

from mirage_py import __version__
from tests.conftest import ROOT

COLUMNS = 80


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of a machine without any tool, so that what is told is the same on all."""
    fixed = {
        "PATH": "/nowhere",
        "HOME": "/nowhere",
        "LANG": "C.UTF-8",
        "COLUMNS": str(COLUMNS),
        "PYTHONPATH": str(ROOT),
    }
    return {**fixed, "XDG_CACHE_HOME": "/nowhere", "TERM": "xterm-256color", **(given or {})}


def transcript(lines: Iterable[str], folder: Path, *, terminal: bool = False) -> str:
    """What each command line says, as one would see it after typing them one after the other."""
    return "\n".join(_told(line, folder, terminal) for line in lines)


def _told(line: str, folder: Path, terminal: bool) -> str:
    output, code = (on_terminal if terminal else piped)(line, folder)
    end = f"exit {code}\n" if code else ""
    text = output if output.endswith("\n") or not output else f"{output}\n"
    return f"$ {line}\n{_steady(text, folder)}{end}"


def _steady(text: str, folder: Path) -> str:
    """Without what differs from machine to machine, or from release to release."""
    return text.replace(str(folder), "FOLDER").replace(__version__, "VERSION").replace("\x1b", "ESC")


MPY = ("-m", "mirage_py")


def words(line: str, program: Iterable[str] = MPY) -> tuple[list[str], dict[str, str]]:
    """A command line as argv, and the variables that stand before it; `program` is what `mpy` stands for."""
    parts = shlex.split(line)
    variables = {}
    while re.fullmatch(r"[A-Z_]+=.*", parts[0]):
        name, _, value = parts.pop(0).partition("=")
        variables[name] = value
    assert parts.pop(0) == "mpy"
    return [sys.executable, *program, *parts], variables


def piped(line: str, folder: Path) -> tuple[str, int]:
    """The output of a command whose output is no terminal, and its exit code."""
    argv, variables = words(line)
    done = subprocess.run(
        argv,
        cwd=folder,
        env=environment(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.stdout, done.returncode


def on_terminal(line: str, folder: Path, *, columns: int = COLUMNS, program: Iterable[str] = MPY) -> tuple[str, int]:
    """The same on a terminal."""
    argv, variables = words(line, program)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = environment(variables)
    del env["COLUMNS"]
    child = subprocess.Popen(argv, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return text.decode().replace("\r\n", "\n"), child.wait()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed: that is how a terminal ends
        return b""

"""Files that are no configuration, or a strange one: a line and a code, never a traceback, and no file half written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mirage_py.cli.app import main

REGISTER = b'let () = register "x" [ main "Unikernel.Main" job ]\n'

REFUSED = {
    "not OCaml": (b"this is not OCaml {{{", "config.ml:1: syntax error"),
    "half a file": (b'open Mirage\nlet () = register "x" [ ma', "config.ml:2: syntax error"),
    "a hundred thousand lines": (b"let x = 1\n" * 100_000, "KiB long, and a configuration has 256 at most"),
    "binary": (b"open Mirage\n\0\1\2\xff", "this is not text"),
}

TAKEN = {
    "ten thousand parentheses": b"open Mirage\nlet x = " + b"(" * 10_000 + b"1" + b")" * 10_000 + b"\n" + REGISTER,
    "CRLF": b"open Mirage\r\n" + REGISTER.replace(b"\n", b"\r\n"),
    "BOM": b"\xef\xbb\xbfopen Mirage\n" + REGISTER,
    "Latin-1": b"open Mirage\n(* caf\xe9 *)\n" + REGISTER,
    "five thousand definitions": b"open Mirage\n"
    + b"".join(b"let x%d = %d\n" % (n, n) for n in range(5_000))
    + REGISTER,
}

UNDONE = {
    "a value made of itself": (
        b'open Mirage\nlet rec x = package "a" :: x\nlet () = register "x" [ main ~packages:x "U" job ]\n',
        "a value that is made of itself",
    ),
    "a label twice": (
        b'open Mirage\nlet p = package ~min:"1" ~min:"2" "p"\nlet () = register "x" [ main ~packages:[ p ] "U" job ]\n',
        "~min is given twice",
    ),
    "a key without its argument": (
        b'open Mirage\nlet k = Key.create "k"\nlet () = register "x" [ foreign ~keys:[ Key.v k ] "U" job ]\n',
        "a key of this form",
    ),
    "a module of the user's": (b'open Mirage\nlet () = register "x" [ Helper.main ]\n', "Helper.main is of a module"),
}

Config = Callable[[bytes], Path]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)

    def written(content: bytes) -> Path:
        (tmp_path / "config.ml").write_bytes(content)
        return tmp_path

    return written


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_its_line(config: Config, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, said = REFUSED[name]
    folder = config(content)
    assert main(["convert"]) == 3
    assert said in capsys.readouterr().err
    assert main(["configure", "-t", "unix"]) == 3
    assert said in capsys.readouterr().err
    assert os.listdir(folder) == ["config.ml"]


@pytest.mark.parametrize("name", TAKEN)
def test_taken_as_ocaml_takes_it(config: Config, name: str) -> None:
    folder = config(TAKEN[name])
    assert main(["convert"]) == 0
    assert 'register("x", [' in (folder / "config.py").read_text()


@pytest.mark.parametrize("name", UNDONE)
def test_left_undone_is_named_with_its_line(config: Config, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, said = UNDONE[name]
    folder = config(content)
    assert main(["convert"]) == 1
    assert said in capsys.readouterr().err
    assert "# TODO(mpy): " in (folder / "config.py").read_text()
    (folder / "config.py").unlink()
    assert main(["configure", "-t", "unix"]) == 3
    assert said in capsys.readouterr().err


def test_endless_function_ends_at_its_line(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    config(b'open Mirage\nlet rec f x = f x\nlet () = register "x" [ f 1 ]\n')
    assert main(["configure", "-t", "unix"]) == 3
    assert "config.ml:2: RecursionError" in capsys.readouterr().err
    assert main(["convert"]) == 1
    assert "config.ml:2: RecursionError" in capsys.readouterr().err


def test_config_that_is_there_is_replaced_with_force_only(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    folder = config(b"open Mirage\n" + REGISTER)
    (folder / "config.py").write_text("mine\n")
    assert main(["convert"]) == 7
    assert "--force replaces it" in capsys.readouterr().err
    assert (folder / "config.py").read_text() == "mine\n"
    assert main(["convert", "--force"]) == 0
    assert (folder / "config.py").read_text() != "mine\n"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_refused_at_once(
    make: Callable[[str], None], config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    config(b"").joinpath("config.ml").unlink()
    make("config.ml")
    assert main(["convert"]) == 3
    assert "error: config.ml: " in capsys.readouterr().err

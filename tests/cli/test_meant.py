"""A word that a command does not have is answered by what was meant: by it, by another command, when booting."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirage_py.cli.app import main
from mirage_py.errors import misspelt, suggestion

CONFIG = """\
from mirage_py import *

unikernel = main("Unikernel", stackv4v6 >> job, runtime_args=[runtime_arg("Unikernel.whom")])
register("hello", [unikernel(generic_stackv4v6(default_network))])
"""

UNIKERNEL = """\
let whom = Mirage_runtime.register_arg Cmdliner.Arg.(value & opt string "you" (info [ "whom" ]))
let start _ _ = Lwt.return_unit
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.py").write_text(CONFIG)
    (tmp_path / "unikernel.ml").write_text(UNIKERNEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run --whom Bob", "boot arguments stand behind --: mpy run -- --whom Bob"),
        ("run -t hvt --logs=*:debug --mem 32 x", "mpy run -t hvt --mem 32 -- '--logs=*:debug' x"),
        ("run -l debug", "mpy run -- -l debug"),
        ("run --emulat", "did you mean --emulate?"),
        ("run --memory 3", "did you mean --mem?"),
        ("run --no-dhcp", "it is chosen when configuring: mpy configure --no-dhcp"),
        ("build --whom Bob", "--whom is told when the unikernel boots: mpy run -- --whom ..."),
        ("configure --logs debug", "--logs is told when the unikernel boots: mpy run -- --logs ..."),
        ("configure --ipv4 10.0.0.2/24", "--ipv4 is told when the unikernel boots: mpy run -- --ipv4 ..."),
        ("configure --dhcp", "it is so unless --no-dhcp is given; --no-dhcp=false takes that back"),
        ("configure --no-utcp", "it is so unless --utcp is given; --utcp=false takes that back"),
        ("configure --utpc", "did you mean --utcp?"),
        ("configure --no_dhcp", "names of keys are written with dashes: --no-dhcp"),
        ("build --setup", "mpy run has it"),
        ("build --ouput x", "did you mean --output?"),
        ("build --out x", "did you mean --output?"),
        ("build --no-color", "did you mean --color never?"),
        ("build --parallel 2", "did you mean --jobs?"),
        ("make", "did you mean build?"),
        ("start", "did you mean run?"),
        ("rnu", "did you mean run?"),
        ("upgrade", "did you mean lock --update?"),
        ("--verbos", "did you mean --verbose?"),
        ("build -t htv", "did you mean hvt?"),
        ("build -t qemu", "did you mean unikraft-qemu?"),
    ],
)
def test_meaning_is_told(line: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "not_said"),
    [
        ("run --logs", "--color"),
        ("run --hello", "mean --help"),
        ("build --logs x", "--color"),
        ("compile", "completion"),
        ("build --whom Bob", "did you mean"),
    ],
)
def test_letters_in_common_are_no_meaning(
    line: str, not_said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 2
    assert not_said not in capsys.readouterr().err


def test_slips_are_found_and_strangers_are_not() -> None:
    known = ["default_network", "generic_stackv4v6", "hvt", "unikraft-qemu", "crunch"]
    assert misspelt("defualt_netwrk", known) == "default_network"
    assert suggestion("generic_stack", known) == "did you mean generic_stackv4v6?"
    assert suggestion("HVT", known) == "did you mean hvt?"
    assert suggestion("fetch", known) is None
    assert suggestion("xy", known) is None

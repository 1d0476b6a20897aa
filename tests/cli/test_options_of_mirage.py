"""Options of the OCaml tool, as scripts have them, get an answer that names ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirage_py.cli.app import main

CONFIG = """\
from mirage_py import *

register("files", [main("Unikernel.Main", kv_ro >> job)(generic_kv_ro("t"))])
"""


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--kv_ro=direct", "names of keys are written with dashes: --kv-ro"),
        ("--extra-repos=x", "mpy repo add SOURCE"),
        ("--no-depext", "mpy installs nothing on the system"),
    ],
)
def test_option_of_mirage_is_answered_by_ours(
    option: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    assert main(["configure", "-t", "unix", option]) == 2
    assert said in capsys.readouterr().err

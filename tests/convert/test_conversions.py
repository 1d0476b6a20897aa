"""Conversions, as people see them: each folder holds a config.ml, the config.py that comes of it and what is told."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from mirage_py.convert import read
from tests.conftest import Golden, Mpy
from tests.unit.test_typing import check, pyright_runs  # noqa: F401  # a fixture

HERE = Path(__file__).parents[1] / "golden" / "convert"
CASES = sorted(file.parent.name for file in HERE.glob("*/config.ml"))
WHOLE = [case for case in CASES if case not in ("left-undone", "refused")]
TYPED = [case for case in CASES if case != "refused"]
"""Those that mpy's language takes; a type checker refuses the other one too, as a test of its own says."""


def source(case: str) -> bytes:
    return (HERE / case / "config.ml").read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_conversion(case: str, mpy: Mpy, golden: Golden, tmp_path: Path) -> None:
    shutil.copy(HERE / case / "config.ml", tmp_path)
    done = mpy("convert", cwd=tmp_path)
    golden.text((tmp_path / "config.py").read_text(encoding="utf-8"), f"golden/convert/{case}/config.py")
    golden.text(f"{done.stdout}{done.stderr}exit {done.code}\n", f"golden/convert/{case}/told")


@pytest.mark.parametrize("case", CASES)
def test_converting_twice_gives_the_same(case: str) -> None:
    assert read(source(case), "config.ml").text() == read(source(case), "config.ml").text()


@pytest.mark.slow
@pytest.mark.parametrize("case", WHOLE)
def test_both_ends_mean_the_same(case: str, mpy: Mpy, tmp_path: Path) -> None:
    (tmp_path / "config.ml").write_bytes(source(case))
    shutil.copy(HERE / case / "config.py", tmp_path)
    for target in ("unix", "hvt", "xen"):
        graphs = []
        for file in ("config.py", "config.ml"):
            done = mpy("query", "graph", "--json", "-f", file, "-t", target, *GIVEN.get(case, ()), cwd=tmp_path)
            told = [json.loads(line) for line in done.stdout.splitlines()]
            for one in told:
                one.pop("location", None)
                for device in one.get("devices", ()):
                    device.pop("location", None)
            graphs.append(re.sub(r'config\.(py|ml)(\\":\d+|:\d+)?', "", json.dumps(told)))
        assert graphs[0] == graphs[1]


def test_library_functions_give_what_they_give_in_ocaml(mpy: Mpy, tmp_path: Path) -> None:
    (tmp_path / "config.ml").write_bytes(source("library"))
    found = mpy("query", "packages", "-t", "unix", "--unikernel", "alpha", cwd=tmp_path, code=0).stdout
    named = {line.split()[0] for line in found.splitlines()}
    assert named >= {
        *("alpha", "beta", "alpha0", "beta1", "kept-beta", "left-alpha", "right-alpha", "left-beta", "right-beta"),
        *("fold-alpha", "fold-beta", "back-alpha", "back-beta", "number0", "number1", "both-alpha", "both-beta"),
        *("flat", "there", "upper-case", "blue", "in-blue", "map-blue", "fmt-logs", "comma", "separated", "lwt"),
    }
    assert "kept-alpha" not in named


GIVEN = {"keys": ("--secure",)}


@pytest.mark.slow
def test_mypy_accepts_what_comes_of_it(tmp_path: Path) -> None:
    for case in TYPED:
        done = check("mypy", "--strict", "--config-file=", "--cache-dir", tmp_path, HERE / case / "config.py")
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("pyright_runs")
def test_pyright_accepts_what_comes_of_it(tmp_path: Path) -> None:
    """In its strict mode but for what it finds needless: `match Some "blue" with` is one that decides nothing."""
    quiet = ("reportUnnecessaryComparison", "reportUnknownLambdaType", "reportUnknownArgumentType")
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", **dict.fromkeys(quiet, False)}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    files = (HERE / case / "config.py" for case in TYPED)
    done = check("pyright", "--pythonpath", sys.executable, *files, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_mypy_refuses_what_the_language_refuses(tmp_path: Path) -> None:
    done = check("mypy", "--strict", "--config-file=", "--cache-dir", tmp_path, HERE / "refused" / "config.py")
    assert done.returncode == 1
    assert 'has incompatible type "Impl[Network]"; expected "Impl[Block]"' in done.stdout


def test_it_is_formatted_as_ruff_would() -> None:
    files = [HERE / case / "config.py" for case in CASES]
    done = check("ruff", "format", "--isolated", "--diff", *files)
    assert done.returncode == 0, done.stdout

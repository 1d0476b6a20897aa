"""The language in an editor: mypy --strict and pyright refuse the wrong call and accept every example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TYPING = ROOT / "tests" / "typing"
EXAMPLES = sorted(ROOT.glob("examples/*/config.py")) + sorted(ROOT.glob("examples/*/*/config.py"))


def check(*argv: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run((sys.executable, "-m", *argv), cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def pyright_runs() -> None:
    """Skips where pyright cannot run: its Python package fetches the checker itself from the npm registry, once."""
    asked = check("pyright", "--version")
    if asked.returncode != 0:
        pytest.skip("pyright cannot be fetched here")


def name_of(file: Path) -> str:
    return file.relative_to(ROOT / "examples").parent.as_posix()


@pytest.mark.slow
def test_mypy_tells_right_from_wrong() -> None:
    """An error that is not found is one too: strict mypy reports a mark that hides nothing."""
    done = check("mypy", "--strict", TYPING / "right.py", TYPING / "wrong.py")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("pyright_runs")
def test_pyright_tells_right_from_wrong() -> None:
    done = check("pyright", "--pythonpath", sys.executable)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("config", EXAMPLES, ids=name_of)
def test_mypy_accepts_every_example(config: Path) -> None:
    cache = ROOT / ".mypy_cache" / "examples"
    done = check("mypy", "--strict", "--config-file=", "--cache-dir", cache, config.name, cwd=config.parent)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("pyright_runs")
def test_pyright_accepts_every_example() -> None:
    done = check("pyright", "--pythonpath", sys.executable, *EXAMPLES)
    assert done.returncode == 0, done.stdout

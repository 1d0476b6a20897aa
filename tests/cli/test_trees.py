"""The generated tree of every example on every target, as a person looked at it; the same on every machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mirage_py import __version__
from mirage_py.cli.app import main
from mirage_py.dsl.key import TARGETS
from tests.conftest import EXAMPLES, ROOT, Golden, MakeProject, copy_example

CONFIGS = sorted(config.relative_to(EXAMPLES) for config in EXAMPLES.rglob("config.py"))
PARITY = ROOT / "tests" / "parity" / "configs"
DEVICES = ("applications-dns", "device-usage-block", "device-usage-kv_ro", "device-usage-network")
"""Configurations with what the examples leave out: a stack, a disk, a store, name resolution."""

NOT_GENERATED = {"owned.json", ".lock", "keys.json"}


def generated(folder: Path) -> dict[str, str]:
    """What configure wrote to be built, whatever the release; the manifest only repeats it, and keys are a shell's."""
    paths = [folder / "dune-project", *sorted((folder / "mirage").rglob("*"))]
    files = (path for path in paths if path.is_file() and path.name not in NOT_GENERATED)
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}
    return {name: text.replace(f"mpy {__version__}", "mpy VERSION") for name, text in texts.items()}


def place(config: Path, project: MakeProject) -> Path:
    """A copy of the example, in the folder of its config.py."""
    return project(config.parts[0]) / Path(*config.parts[1:]).parent


def name_of(config: Path) -> str:
    return config.parent.as_posix().replace("/", "-")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_tree(
    config: Path,
    target: str,
    project: MakeProject,
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(place(config, project))
    golden.tree(configured(target, capsys), f"golden/{name_of(config)}/{target}")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", DEVICES)
def test_tree_of_devices(
    name: str,
    target: str,
    project: MakeProject,
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = (PARITY / name / "config.py").read_text(encoding="utf-8")
    monkeypatch.chdir(project({"config.py": config, "unikernel.ml": "", "t/file": "text\n"}))
    golden.tree(configured(target, capsys), f"golden/{name}/{target}")


def configured(target: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What configuring here writes, or how it is refused."""
    had = {path.name for path in Path().iterdir()}
    code = main(["-q", "configure", "-t", target])
    told = capsys.readouterr().err
    return {"refused": told} if code else {name: text for name, text in generated(Path()).items() if name not in had}


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_tree_is_the_same_whatever_the_place_and_the_seed(config: Path, tmp_path: Path) -> None:
    refusals = ROOT / "tests" / "golden" / name_of(config)
    targets = [target for target in TARGETS if not (refusals / target / "refused").is_file()]
    trees = []
    for number, seed in enumerate(("0", "1", "4711")):
        folder = tmp_path / f"place {number}" / "deeper"
        copied = copy_example(EXAMPLES / config.parts[0], folder) / Path(*config.parts[1:]).parent
        subprocess.run(
            (sys.executable, "-m", "mirage_py", "-q", "configure", *(w for t in targets for w in ("-t", t))),
            cwd=copied,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
        )
        trees.append(generated(copied))
    assert trees[0] == trees[1] == trees[2]
    assert not any(str(tmp_path) in text for text in trees[0].values())

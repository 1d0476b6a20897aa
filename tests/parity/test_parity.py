"""What mpy makes of ten public configurations is what the OCaml configurator made of them, on every target.

`facts/` was recorded (see docs/reference/json.md for the form); `compare.py` tells the differences.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from mirage_py.cli.app import main
from tests.conftest import Mpy

HERE = Path(__file__).parent
FACTS = sorted((HERE / "facts").rglob("*.json"))
pytestmark = [  # compare.py is a script that leaves its files to the end of the process
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SAMPLE = ("device-usage-network/hvt+net=host", "device-usage-network/xen+utcp", "tutorial-hello/unix+output=foo")


def words(facts: Path) -> list[str]:
    """The command line behind the name of a facts file: `unix+kv_ro=direct` is `-t unix --kv-ro=direct`."""
    target, *options = facts.stem.split("+")
    return ["query", "graph", "--json", "-t", target, *map(option, options)]


def option(given: str) -> str:
    name, equals, value = given.partition("=")
    return f"--{name.replace('_', '-')}{equals}{value}"


def compare() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare", HERE / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differences(facts: Path, answer: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    (folder / "actual.json").write_text(answer, encoding="utf-8")
    compare().main([str(facts), str(folder / "actual.json"), "--code"])
    return capsys.readouterr().out.strip()


def name_of(facts: Path) -> str:
    return f"{facts.parent.name}/{facts.stem}"


def test_all_facts_are_here() -> None:
    assert len(FACTS) == 134


@pytest.mark.parametrize("facts", FACTS, ids=name_of)
def test_same_as_the_ocaml_configurator(
    facts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(HERE / "configs" / facts.parent.name)
    code = main(words(facts))
    answer = capsys.readouterr().out
    assert differences(facts, answer, tmp_path, capsys) == "same"
    assert code == (0 if json.loads(answer).get("accepted") else 4)


@pytest.mark.parametrize("name", SAMPLE)
def test_same_as_a_process(name: str, mpy: Mpy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = HERE / "facts" / f"{name}.json"
    done = mpy(*words(facts), cwd=HERE / "configs" / facts.parent.name)
    assert differences(facts, done.stdout, tmp_path, capsys) == "same"


def test_a_difference_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison itself: the facts of another target are not the same."""
    monkeypatch.chdir(HERE / "configs" / "tutorial-hello")
    main(["query", "graph", "--json", "-t", "unix"])
    answer = capsys.readouterr().out
    assert "libraries" in differences(HERE / "facts/tutorial-hello/hvt.json", answer, tmp_path, capsys)

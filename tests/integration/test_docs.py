"""The documentation builds without a warning, and does not fall behind the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mirage_py.cli.commands import COMMANDS
from mirage_py.describe.catalogue import entry

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NAME = re.compile(r"\bMPY_[A-Z0-9_]+[A-Z0-9]\b")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, as web pages; a warning is an error."""
    pages = tmp_path_factory.mktemp("docs")
    done = subprocess.run(
        (sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, pages / "html"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return pages / "html"


def text_of(page: Path) -> str:
    return re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_reference_has_every_command(built: Path) -> None:
    text = text_of(built / "reference" / "commands.html")
    assert [name for name in COMMANDS if f"\nmpy {name}" not in text] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("devices", ["generic_stackv4v6", "default_network", "crunch"]),
        ("keys", ["--net", "the sockets of the host", "MPY_KEY_", "boot.interface", "key.enum"]),
        ("errors", ["WouldOverwrite", "UnsupportedDevice"]),
        (
            "config-language",
            ["register", "match_impl", "FunctorType", "Variables of the functor arguments", "runtime_args"],
        ),
        ("json", ["mpy query KIND --json", "boot_argument"]),
    ],
)
def test_reference_is_filled_from_the_code(page: str, words: list[str], built: Path) -> None:
    text = text_of(built / "reference" / f"{page}.html")
    assert [word for word in words if word not in text] == []


def test_every_environment_variable_is_told() -> None:
    told = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    sources = [*ROOT.glob("mirage_py/**/*.py"), *ROOT.glob("scripts/*")]
    read = {name for file in sources for name in NAME.findall(file.read_text(encoding="utf-8"))}
    own = {name for name in read if not name.startswith("MPY_KEY") and not name.endswith("_H")}  # guards of headers
    assert {name for name in own if name not in told} == set()


def test_every_weakness_is_answered() -> None:
    table = (DOCS / "explanation" / "weaknesses.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| [^|]+ \|$", table, re.MULTILINE)
    assert rows == [str(number) for number in range(1, 36)]


@pytest.mark.parametrize("module", ["device", "term", "package"])
def test_every_field_of_the_reference_says_what_it_is(module: str) -> None:
    told = {"device": ("Connect", "Resource"), "term": ("Device",), "package": ("Package",)}
    for name in told[module]:
        fields = entry(f"dsl.{module}", name).fields
        assert fields
        assert [one.name for one in fields if not one.doc] == []

"""What travels in the wheel: the package with its data, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from mirage_py import __version__

ROOT = Path(__file__).parents[2]
DATA_SUFFIXES = {".csv", ".py", ".json", ".toml", ".txt"}
RUNTIME_SUFFIXES = {".ml", ".mli", ".c", ".h"}
TEMPLATE_SUFFIXES = {".j2", ".py", ".ml", ".c", ".md", ".txt", ".bash", ".zsh", ".fish"}
RUNTIME_NAMES = {"dune", "dune-project", "index.toml"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """The wheel, built from this tree by the installed backend: no isolated environment, no network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run((sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder), cwd=ROOT, check=True)
    return ZipFile(next(folder.glob("*.whl")))


def tracked(folder: str) -> set[str]:
    listed = subprocess.run(("git", "ls-files", "-z", folder), cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    return {name for name in listed.stdout.split("\0") if name}


def belongs(name: str) -> bool:
    path = PurePosixPath(name)
    if path.parts[:2] == ("mirage_py", "runtime"):
        return path.suffix in RUNTIME_SUFFIXES or path.name in RUNTIME_NAMES
    if path.parts[:2] == ("mirage_py", "templates"):
        return path.suffix in TEMPLATE_SUFFIXES or path.name == "gitignore"
    return path.suffix in DATA_SUFFIXES or name in {"mirage_py/py.typed", "mirage_py/__init__.pyi"}


def test_wheel_has_every_file_of_the_package(wheel: ZipFile) -> None:
    assert tracked("mirage_py") <= set(wheel.namelist())


def test_wheel_has_nothing_else(wheel: ZipFile) -> None:
    info = f"mirage_py-{__version__}.dist-info/"
    others = [name for name in wheel.namelist() if not name.startswith(info) and not belongs(name)]
    assert others == []


def test_wheel_brings_types_and_the_command(wheel: ZipFile) -> None:
    assert "mirage_py/py.typed" in wheel.namelist()
    entry_points = wheel.read(f"mirage_py-{__version__}.dist-info/entry_points.txt").decode()
    assert "mpy = mirage_py.__main__:main" in entry_points


def test_wheel_states_its_licence(wheel: ZipFile) -> None:
    metadata = wheel.read(f"mirage_py-{__version__}.dist-info/METADATA").decode()
    assert "License-Expression: ISC" in metadata
    assert f"mirage_py-{__version__}.dist-info/licenses/LICENSE" in wheel.namelist()


# ---------------------------------------------------------------------------------------------------------------------
# What an index of packages shows


def metadata(folder: Path, **env: str) -> Message:
    """What the package says of itself when it is built with these variables."""
    kept = {name: value for name, value in os.environ.items() if name != "MPY_PROJECT_URL"}
    asked = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    subprocess.run(asked, cwd=ROOT, env={**kept, **env}, check=True)
    with ZipFile(next(folder.glob("*.whl"))) as made:
        return message_from_bytes(made.read(f"mirage_py-{__version__}.dist-info/METADATA"))


def links(shown: Message) -> list[str]:
    found: list[str] = re.findall(r"\]\(([^)]+)\)", str(shown.get_payload()))
    assert "](https://mirage.io)" in str(shown.get_payload())
    return found


def test_readme_has_no_link_that_leads_nowhere(tmp_path: Path) -> None:
    assert [link for link in links(metadata(tmp_path)) if not link.startswith("https://")] == []


def test_readme_of_a_release_leads_to_the_pages_of_the_project(tmp_path: Path) -> None:
    home = "https://example.org/mpy"
    shown = metadata(tmp_path, MPY_PROJECT_URL=home)
    ours = [link.removeprefix(f"{home}/blob/HEAD/") for link in links(shown) if link.startswith(home)]
    assert len(ours) > 10
    assert [path for path in ours if not (ROOT / path).is_file()] == []
    assert {"Homepage", "Documentation", "Changelog", "Issues"} <= {
        line.partition(",")[0] for line in shown.get_all("Project-URL", [])
    }


# ---------------------------------------------------------------------------------------------------------------------
# Beside the newest releases of all that it needs


def uv(*line: str) -> subprocess.CompletedProcess[str]:
    """uv resolves and installs in seconds what pip takes a minute for."""
    asked = (sys.executable, "-m", "uv", "--quiet", *line)
    return subprocess.run(asked, capture_output=True, text=True, check=False)


class Environment:
    """A virtual environment of its own."""

    def __init__(self, folder: Path) -> None:
        uv("venv", "--python", sys.executable, str(folder)).check_returncode()
        self.python = folder / "bin" / "python"

    def install(self, *what: str) -> str | None:
        """Install; what is complained of, or None."""
        done = uv("pip", "install", "--python", str(self.python), *what)
        return done.stderr if done.returncode else None

    def releases(self) -> dict[str, str]:
        listed = uv("pip", "list", "--python", str(self.python), "--format", "json")
        return {one["name"]: one["version"] for one in json.loads(listed.stdout)}

    def works(self) -> None:
        uv("pip", "check", "--python", str(self.python)).check_returncode()
        for line in (["--version"], ["--help"], ["completion", "bash"], ["help", "toolchain", "show"]):
            subprocess.run((self.python, "-m", "mirage_py", *line), capture_output=True, check=True)
        refused = subprocess.run((self.python, "-m", "mirage_py", "build", "-j"), capture_output=True, check=False)
        assert refused.returncode == 2


@pytest.mark.slow
def test_it_lives_beside_the_newest_release_of_everything_it_needs(wheel: ZipFile, tmp_path: Path) -> None:
    """What was there stays as it is, typer above all; and the other way round."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    newest = Environment(tmp_path / "newest")
    trouble = newest.install(*(Requirement(one).name for one in wanted))
    if trouble:
        pytest.skip(f"no index of packages to be reached: {trouble.splitlines()[-1]}")
    before = newest.releases()
    assert newest.install(str(wheel.filename)) is None
    assert newest.releases() == {**before, "mirage-py": __version__}
    newest.works()

    first = Environment(tmp_path / "first")
    assert first.install(str(wheel.filename)) is None
    assert first.install("--upgrade", "typer") is None
    assert first.releases() == newest.releases()
    first.works()

"""What tests share: projects to work in, mpy as a person runs it, golden files, and which tools this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from functools import cache
from pathlib import Path

import pytest

from mirage_py.errors import MpyError
from mirage_py.model.toolchain import ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment
from mirage_py.toolchain.kvm import probe

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
GENERATED = ("mirage", "dist", "_build", ".merlin", "__pycache__", ".mypy_cache")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files instead of comparing with them"
    )


# ---------------------------------------------------------------------------------------------------------------------
# What this machine has


@cache
def solo5_toolchain() -> str | None:
    """Where the Solo5 toolchain is that mpy discovers for spt on this machine, or None."""
    try:
        found = discover("spt", from_environment(ToolchainChoice()))
    except MpyError:
        return None
    return f"{found.prefix or found.sysroot} (OCaml {found.ocaml_version}, Solo5 {found.solo5_version or 'unknown'})"


def lacks(marker: str) -> str | None:
    """Why tests with this marker cannot run here, or None when they can."""
    match marker:
        case "ocaml":
            missing = [tool for tool in ("ocamlfind", "ocamlopt", "dune") if not shutil.which(tool)]
            return f"not on PATH: {', '.join(missing)}" if missing else None
        case "solo5":
            return None if solo5_toolchain() else "no Solo5 toolchain on this machine"
        case "qemu":
            return None if shutil.which("qemu-system-x86_64") else "qemu-system-x86_64 is not on PATH"
        case "kvm":
            found = probe()
            return None if found.state == "usable" else found.text
        case _:
            return None


def pytest_report_header() -> str:
    found = solo5_toolchain()
    return f"Solo5 toolchain: {found}" if found else "Solo5 toolchain: none, freestanding integration tests are skipped"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker in item.iter_markers():
            if reason := lacks(marker.name):
                item.add_marker(pytest.mark.skip(reason=reason))


# ---------------------------------------------------------------------------------------------------------------------
# A project, and mpy in it

MakeProject = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    """Makes a folder to work in: a copy of an example, with files added or replaced.

    `project("hello")` or `project({"config.py": "..."})` or `project("hello", {"extra.ml": "..."})`.
    """

    def make(example: str | Mapping[str, str] | None = None, files: Mapping[str, str] | None = None) -> Path:
        folder = tmp_path / "project"
        if isinstance(example, str):
            shutil.copytree(EXAMPLES / example, folder, ignore=shutil.ignore_patterns(*GENERATED))
        else:
            folder.mkdir()
        given = {**(example if isinstance(example, Mapping) else {}), **(files or {})}
        for name, text in given.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return make


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a run of mpy left: its exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str


Mpy = Callable[..., Finished]


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the mpy of this test session keeps its caches: not where the developer's own does."""
    return tmp_path_factory.mktemp("caches")


@pytest.fixture
def mpy(tmp_path: Path, caches: Path) -> Mpy:
    """Runs mpy as a person would: `mpy("configure", "-t", "hvt", cwd=folder)`.

    Without `cwd` it runs in the folder that `project` made. The developer's own MPY_ settings are left out; `env` adds
    to the environment. Fails the test when `code` is given and is not the exit code.
    """

    def run(
        *args: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        code: int | None = None,
        timeout: float = 300,
    ) -> Finished:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MPY_KEY_")}
        done = subprocess.run(
            (sys.executable, "-m", "mirage_py", *args),
            cwd=cwd or tmp_path / "project",
            env={**kept, "XDG_CACHE_HOME": str(caches), "COLUMNS": "100", "PYTHONPATH": str(ROOT), **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        finished = Finished(code=done.returncode, stdout=done.stdout, stderr=done.stderr)
        if code is not None and finished.code != code:
            pytest.fail(
                f"mpy {' '.join(args)}: exit {finished.code}\n{finished.stdout}\n{finished.stderr}", pytrace=False
            )
        return finished

    return run


# ---------------------------------------------------------------------------------------------------------------------
# Golden files


@dataclass(frozen=True, kw_only=True)
class Golden:
    """Compares what mpy made with what a person looked at and committed, below tests/."""

    update: bool
    root: Path = ROOT / "tests"

    def text(self, actual: str, expected: str | Path) -> None:
        """Fail, showing a diff, unless `actual` is the content of the golden file `expected`."""
        file = self.root / expected
        if self.update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(actual, encoding="utf-8")
        elif not file.exists():
            pytest.fail(
                f"no golden file {expected}: look at the output, then run pytest --update-golden", pytrace=False
            )
        elif difference := _diff(file.read_text(encoding="utf-8"), actual, str(expected)):
            pytest.fail(difference, pytrace=False)

    def tree(self, actual: Path | Mapping[str, str], expected: str | Path) -> None:
        """Fail, showing diffs, unless the text files of `actual` are those below the golden folder `expected`."""
        made = dict(actual) if isinstance(actual, Mapping) else _texts(actual)
        folder = self.root / expected
        if self.update:
            shutil.rmtree(folder, ignore_errors=True)
            for name, text in made.items():
                self.text(text, folder / name)
            return
        known = _texts(folder)
        differences = [
            _diff(known.get(name, ""), made.get(name, ""), f"{expected}/{name}") for name in sorted({*known, *made})
        ]
        if known.keys() != made.keys() or any(differences):
            missing, extra = sorted(known.keys() - made.keys()), sorted(made.keys() - known.keys())
            names = [f"not made: {', '.join(missing)}"] * bool(missing) + [f"not known: {', '.join(extra)}"] * bool(
                extra
            )
            pytest.fail("\n".join([*names, *filter(None, differences)]), pytrace=False)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files: `golden.text(actual, "golden/hello/unix/main.ml")`, `golden.tree(folder, "golden/hello/unix")`."""
    return Golden(update=bool(request.config.getoption("--update-golden")))


def _texts(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}


def _diff(expected: str, actual: str, name: str) -> str:
    lines = unified_diff(expected.splitlines(), actual.splitlines(), f"golden {name}", f"actual {name}", lineterm="")
    return "\n".join(lines)

"""Links where mpy has its files: none is followed, by mpy or by the tools it starts, whatever it leads to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import MakeProject, Mpy

BEYOND = {"dune": "mine", "main.ml": "mine", "log": "mine", "deep/er": "mine", "noop-unix.json": "mine"}


def beyond(base: Path) -> Path:
    """A folder of the user's, outside of the project."""
    for name, text in BEYOND.items():
        (base / "beyond" / name).parent.mkdir(parents=True, exist_ok=True)
        (base / "beyond" / name).write_text(text, encoding="utf-8")
    return base / "beyond"


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> list[str]:
    """What is below mirage/ and dist/: all of mpy's own, of dune's the upper folders."""
    found = [*sorted((folder / "mirage").rglob("*")), *sorted((folder / "dist").rglob("*"))]
    shown = [str(path.relative_to(folder)) for path in found]
    return ["mirage", "dist", *(name for name in shown if "_build" not in name or name.count("/") < 5)]


@pytest.mark.ocaml
@pytest.mark.slow
def test_link_at_any_name_leads_nowhere(project: MakeProject, mpy: Mpy, tmp_path: Path) -> None:
    folder = project("noop")
    mpy("build", "-t", "unix", code=0)
    fresh = shutil.copytree(folder, tmp_path / "fresh", symlinks=True)
    every = 1 if os.environ.get("MPY_TEST_ALL") else 17
    for at, name in enumerate(names(fresh)[::every]):
        line = (("build", "-t", "unix"), ("clean",), ("configure", "-t", "unix", "-t", "xen"))[at % 3]
        shutil.rmtree(folder)
        shutil.copytree(fresh, folder, symlinks=True)
        (folder / "unikernel.ml").write_text(f"let start () = ignore {at}; Lwt.return_unit\n", encoding="utf-8")
        target = beyond(tmp_path)
        place = folder / name
        is_folder = place.is_dir() and not place.is_symlink()
        shutil.rmtree(place) if is_folder else place.unlink()
        place.symlink_to(target if is_folder else target / "log")
        done = mpy(*line)
        assert done.code in range(9), f"{line} with a link for {name}\n{done.stderr}"
        assert texts(target) == BEYOND, f"{line} with a link for {name}"
        assert (folder / "config.py").read_bytes() == (fresh / "config.py").read_bytes()


@pytest.mark.ocaml
@pytest.mark.parametrize("name", ["mirage/.stubs/built", "mirage/_build/default", "mirage/_build/log"])
def test_link_where_tools_write_is_refused(project: MakeProject, mpy: Mpy, tmp_path: Path, name: str) -> None:
    folder = project("noop")
    mpy("configure", "-t", "unix", code=0)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(beyond(tmp_path) / "log" if name.endswith("log") else beyond(tmp_path))
    done = mpy("build", code=7)
    assert f"{name}: this is a link that leads out" in done.stderr
    assert texts(tmp_path / "beyond") == BEYOND
    mpy("clean", code=0)
    assert texts(tmp_path / "beyond") == BEYOND

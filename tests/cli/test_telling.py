"""What commands tell: choices as one types them, paths for scripts, lines as they are in a pipe, toolchains kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mirage_py.cli.app import main
from mirage_py.dsl import key
from tests.conftest import MakeProject, Mpy

LONG = "a-package-whose-name-is-longer-than-any-terminal-is-wide-and-goes-on-and-on-to-the-end-of-the-line"
CONFIG = f"""\
from mirage_py import *

flag = key.flag("tls", doc="{"a long sentence about what it means to be safe " * 3}")
unikernel = main("Unikernel", network >> job, packages=[package("{LONG}")])
register("hello", [if_impl(flag, unikernel(default_network), noop)])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.py").write_text(CONFIG)
    (tmp_path / "unikernel.ml").write_text("module Main (_ : sig end) = struct end\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


def test_choices_are_told_as_one_types_them() -> None:
    flag, several, text = key.flag("no-dhcp"), key.strings("tag"), key.string("name", default="x")
    assert flag.options(True) == ("--no-dhcp",)
    assert flag.options(False) == ("--no-dhcp=false",)
    assert several.options(("a", "b")) == ("--tag=a", "--tag=b")
    assert text.options("y") == ("--name=y",)
    assert key.net().options(None) == ()


def test_flag_that_was_chosen_is_told_without_a_value(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configure", "-t", "unix", "--tls"]) == 0
    assert "hello for unix: --tls (flag)\n" in capsys.readouterr().err


@pytest.mark.parametrize("line", [["describe", "--tls"], ["query", "packages", "--tls"], ["devices"], ["doctor"]])
def test_piped_lines_are_as_long_as_they_are(line: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([*line, "-t", "unix"] if line[0] != "devices" else line)
    told = capsys.readouterr().out
    assert LONG in told or line[0] in {"devices", "doctor"}
    assert not any(row.startswith(" " * 24) and row.strip() for row in told.splitlines()), "a cell goes on below itself"


def test_a_place_that_only_waits_is_no_device_to_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "-t", "unix"]) == 0
    told = capsys.readouterr().out
    assert "struct end" not in told
    assert "Mirage_bootvar" in told


def described(folder: Path) -> None:
    """A description of a toolchain, which says next to nothing."""
    (folder / "solo5.toml").write_text('cflags = "-O2"\n')


def test_toolchain_of_configure_is_that_of_the_next_commands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described(folder)
    assert main(["configure", "-t", "hvt", "--toolchain", "solo5.toml"]) == 0
    saved = json.loads((folder / "mirage/choices.json").read_text())
    assert saved["unikernels"]["hello"]["hvt"]["tools"] == {"toolchain": [str(folder / "solo5.toml")]}
    capsys.readouterr()
    (folder / "solo5.toml").write_text("no toml at all")
    assert main(["query", "cflags", "-t", "hvt"]) != 0
    assert "solo5.toml" in capsys.readouterr().err
    assert main(["configure", "-t", "hvt", "--reset"]) == 0
    assert "tools" not in json.loads((folder / "mirage/choices.json").read_text())["unikernels"]["hello"]["hvt"]


def test_saved_toolchain_that_was_edited_is_validated(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described(folder)
    assert main(["configure", "-t", "hvt", "--toolchain", "solo5.toml"]) == 0
    choices = folder / "mirage/choices.json"
    choices.write_text(choices.read_text().replace('"toolchain"', '"toolchian"'))
    capsys.readouterr()
    assert main(["query", "packages"]) == 1
    assert "tools.toolchian" in capsys.readouterr().err


def test_what_clean_would_remove_is_there_afterwards(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configure", "-t", "unix"]) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(["clean", "--dry-run"]) == 0
    told = capsys.readouterr().err
    assert "would remove mirage/hello-unix/main.ml" in told
    assert "dry run: " in told
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert main(["clean"]) == 0
    assert not (folder / "mirage").exists()


def test_another_name_of_the_image_leaves_no_folder_of_the_old_one(folder: Path) -> None:
    for name in ("first", "second", "first"):
        assert main(["configure", "-t", "unix", "-o", name]) == 0
        assert [path.name for path in (folder / "mirage").glob("*-unix")] == [f"{name}-unix"]
    assert main(["configure", "-t", "hvt"]) == 0
    assert (folder / "mirage/hello-hvt/main.ml").is_file()
    assert (folder / "mirage/first-unix/main.ml").is_file()


def test_init_without_a_folder_begins_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main(["init"]) == 0
    assert 'register("here"' in (tmp_path / "here/config.py").read_text()


@pytest.mark.ocaml
def test_quiet_build_tells_paths_only(project: MakeProject, mpy: Mpy) -> None:
    project("noop")
    assert mpy("build", "-q", "-t", "unix", code=0).stdout == "dist/noop\n"
    assert mpy("build", "-q", "-t", "unix", code=0).stderr == ""


@pytest.mark.ocaml
def test_misspelt_package_is_answered_by_the_one_that_was_meant(project: MakeProject, mpy: Mpy) -> None:
    config = 'from mirage_py import *\nregister("a", [main("Unikernel", job, packages=[package("duratoin")])])\n'
    project({"config.py": config, "unikernel.ml": "let start () = Lwt.return_unit\n"})
    assert "did you mean duration?" in mpy("build", "-t", "unix", code=5).stderr


def test_packages_of_the_scheduler_are_asked_for_by_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "config.py").write_text(
        'from mirage_py import *\nregister("a", [main("Unikernel", job, packages=[package("lwt", scope="switch")])])\n'
    )
    assert main(["query", "packages", "-t", "unix"]) == 4
    assert "by the scheduler lwt" in capsys.readouterr().err


def test_folders_of_many_unikernels_are_not_all_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = "for number in range(20):\n    register(f'u{number}', [main('Unikernel', job)])\n"
    (folder / "config.py").write_text(f"from mirage_py import *\n{many}")
    assert main(["configure", "-t", "unix"]) == 0
    told = next(line for line in capsys.readouterr().err.splitlines() if " created: " in line)
    assert told.endswith("mirage/u10-unix/ and 9 more")

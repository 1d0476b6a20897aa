"""Loading config.py: whatever is wrong with it is told at its own line, and nothing of it stays behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mirage_py.errors import ConfigError
from mirage_py.project import loader
from mirage_py.project.loader import load
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolve_all

HELLO = 'from mirage_py import job, main, register\nregister("hello", [main("Unikernel", job)])\n'


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder / "config.py"


def made(config: Path) -> list[str]:
    return [file.content for one in resolve_all(Request(file=config)) for file in one.plan.files]


@pytest.mark.parametrize(("text", "message", "line"), [
    ("x = (\n", "was never closed", 1),
    ("\n\n1 / 0\n", "ZeroDivisionError: division by zero", 3),
    ("import nowhere\n", "cannot import nowhere: no such module", 1),
    ("from mirage_py import regster\n", "regster", 1),
    ("raise SystemExit(3)\n", "ended the program", 1),
    ("def f():\n    f()\nf()\n", "RecursionError", 2),
    ("\nraise GeneratorExit\n", "GeneratorExit", 2),
    ("class E(BaseException): pass\nraise E(1)\n", "E: 1", 2),
    ("class E(Exception):\n    def __str__(self): return 1\nraise E\n", "E: (it cannot be told)", 3),
    ("import os\nos.chdir('/')\n1 / 0\n", "ZeroDivisionError", 3),
    ("x = 1\n", "no unikernel is registered", 0),
    ("x = 'é\n", "unterminated string", 1),
    ("(" * 5000 + ")" * 5000, "", None),
    ("\x00", "", None),
], ids=["syntax", "exception", "import", "name", "exit", "recursion", "generator", "base", "mute", "moved", "nothing",
         "string", "deep", "null"])  # fmt: skip
def test_mistake_is_told_at_its_line(tmp_path: Path, text: str, message: str, line: int | None) -> None:
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, config=text))
    assert message in refused.value.message
    location = refused.value.location
    assert location is not None
    assert location.file == "config.py"
    assert line is None or location.line == line


def test_misspelt_name_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, config="from mirage_py import regster\n"))
    assert refused.value.hint == "did you mean register?"


def test_mistake_in_a_module_beside_is_told_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, config="import helper_of_loader_test\n", helper_of_loader_test="\n1 / 0\n")
    monkeypatch.chdir(tmp_path)
    for file in (Path("config.py"), tmp_path / "config.py"):
        with pytest.raises(ConfigError, match="ZeroDivisionError") as refused:
            load(file)
        assert str(refused.value.location) == "helper_of_loader_test.py:2"


def test_each_load_is_fresh_and_leaves_nothing(tmp_path: Path) -> None:
    config = written(tmp_path, config="import shared_of_test\n" + HELLO, shared_of_test="")
    path, modules = list(sys.path), set(sys.modules)
    for _ in range(2):
        assert load(config).imported == ("shared_of_test.py",)
    assert sys.path == path
    assert "shared_of_test" not in {*sys.modules} - modules
    assert not (tmp_path / "__pycache__").exists()


def test_virtual_environment_below_the_folder_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / ".venv" / "lib"
    inside.mkdir(parents=True)
    (inside / "device_of_venv_test.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(inside))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    config = written(tmp_path, config="import device_of_venv_test\n" + HELLO)
    assert load(config).imported == ()
    assert "device_of_venv_test" in sys.modules
    del sys.modules["device_of_venv_test"]


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no config\.py here"):
        load(tmp_path / "config.py")


def test_directory_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.py").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "config.py")


def test_connect_code_that_fails_is_told_at_its_device(tmp_path: Path) -> None:
    text = HELLO.replace("job,", "impl, job,").replace(
        "job)])", 'job, deps=[impl("X", job, connect=lambda c: c.args[7])])])'
    )
    with pytest.raises(ConfigError, match="connect code of X failed: IndexError") as refused:
        made(written(tmp_path, config=text))
    assert str(refused.value.location) == "config.py:2"


def test_template_that_asks_for_what_is_not_there_is_told_at_its_device(tmp_path: Path) -> None:
    text = HELLO.replace("job,", "impl, job,").replace("job)])", 'job, deps=[impl("X", job, connect="{arg0.x}")])])')
    with pytest.raises(ConfigError, match="connect code of X cannot be written") as refused:
        made(written(tmp_path, config=text))
    assert str(refused.value.location) == "config.py:2"


def test_a_file_that_python_has_no_memory_to_compile_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.py"
    config.write_text("x = 1\n" * 200_000)
    monkeypatch.setattr("mirage_py.project.loader._free_memory", lambda: 100_000_000)
    with pytest.raises(ConfigError, match=r"config.py has 200,000 lines: Python takes about 0.3 GB .* 0.1 GB are free"):
        load(config)


def test_memory_of_a_container_is_all_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "GROUP", tmp_path)
    (tmp_path / "memory.stat").write_text("anon 1000000\nfile 7000000\n")
    free = loader._free_memory()
    (tmp_path / "memory.max").write_text("max\n")
    assert (loader._free_memory() is None) is (free is None)
    (tmp_path / "memory.max").write_text("5000000\n")
    assert loader._free_memory() == 4_000_000


def test_where_a_config_goes_mpy_does_not_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    moving = "import os, sys\nos.chdir('elsewhere')\nos.umask(0o777)\nsys.setrecursionlimit(5000)\n"
    written(tmp_path, config=moving + HELLO)
    before = (Path.cwd(), sys.getrecursionlimit())
    load(Path("config.py"))
    assert (Path.cwd(), sys.getrecursionlimit()) == before
    (tmp_path / "new").touch()
    assert (tmp_path / "new").stat().st_mode & 0o600 == 0o600


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    config = tmp_path / "config.py"
    match kind:
        case "pipe":
            os.mkfifo(config)
        case "device":
            config.symlink_to("/dev/zero")
        case _:
            config.mkdir()
    with pytest.raises(ConfigError, match="cannot be read as a configuration"):
        load(config)

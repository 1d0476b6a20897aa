"""The command line itself: what it takes, what it imports, how it ends."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from typer.main import get_command

from mirage_py.cli.app import COMMANDS, app, main
from mirage_py.cli.command import ConfigCommand
from mirage_py.cli.query import KindType
from mirage_py.describe import KINDS
from mirage_py.describe.queries import VIEWS
from mirage_py.doors import terminal as console
from mirage_py.dsl.value import RESERVED
from mirage_py.workflow.query import MACHINE
from tests.cli.test_sessions import HELLO, KEYS
from tests.conftest import ROOT, MakeProject, Mpy

HEAVY = {
    "rich",
    "pydantic",
    "jinja2",
    "subprocess_tee",
    "packaging",
    "platformdirs",
    "elftools",
    "lief",
    "urllib.request",
}


def commands() -> dict[str, click.Command]:
    top = get_command(app)
    assert isinstance(top, click.Group)
    return dict(top.commands.items())


def long_options(command: click.Command) -> set[str]:
    words = (word for one in command.get_params(click.Context(command)) for word in (*one.opts, *one.secondary_opts))
    return {word.removeprefix("--") for word in words if word.startswith("--")}


def test_reserved_key_names_are_the_options_of_the_commands_that_take_keys() -> None:
    with_keys = [command for command in commands().values() if isinstance(command, ConfigCommand)]
    assert len(with_keys) == 5
    assert set.union(*map(long_options, with_keys), long_options(get_command(app))) == RESERVED


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_tells_the_first_line_of_each(name: str) -> None:
    assert (commands()[name].help or "").splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_module_of_its_name(name: str) -> None:
    assert importlib.import_module(f"mirage_py.cli.{name}").COMMAND is commands()[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    options = [one for one in commands()[name].params if isinstance(one, click.Option)]
    assert all(option.help for option in options)


def test_every_kind_of_query_is_answered() -> None:
    assert {"name", "graph", *VIEWS, *MACHINE} == {*KINDS}


def test_kinds_are_completed() -> None:
    context = click.Context(click.Command("query"))
    assert [item.value for item in KindType().shell_complete(context, click.Option(["--x"]), "p")] == [
        "packages",
        "plan",
    ]


def imported(*args: str, folder: Path) -> set[str]:
    done = subprocess.run(
        (sys.executable, "-X", "importtime", "-m", "mirage_py", *args),
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize(
    ("args", "besides"),
    [
        (["--help"], {"mirage_py.workflow.resolve", "mirage_py.dsl.term", "mirage_py.resolve"}),
        (["configure", "--help"], set()),
        (["query", "name"], {"mirage_py.codegen.main_ml"}),
        (["query", "packages"], {"mirage_py.codegen.main_ml"}),
        (["query", "graph", "--json"], set()),
        (["completion", "bash"], {"mirage_py.workflow.resolve"}),
        (["clean"], {"mirage_py.dsl.term"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_starting_imports_nothing_heavy(args: list[str], besides: set[str], project: MakeProject) -> None:
    assert imported(*args, folder=project({"config.py": HELLO})) & (HEAVY | besides) == set()


def test_configuring_draws_nothing(project: MakeProject) -> None:
    """jinja2 writes main.ml; nothing else that is heavy is needed, nor is rich."""
    assert imported("configure", "-t", "hvt", folder=project({"config.py": HELLO})) & HEAVY == {"jinja2"}


def test_bytecode_is_kept_for_the_catalogue_and_not_beside_config(project: MakeProject, tmp_path: Path) -> None:
    """An installation that was not compiled is compiled by its first start; a user's folder stays as it was."""
    installed = tmp_path / "site" / "mirage_py"
    shutil.copytree(ROOT / "mirage_py", installed, ignore=shutil.ignore_patterns("__pycache__", "runtime"))
    folder = project({"config.py": f"import ours\n{HELLO}", "ours.py": ""})
    subprocess.run(
        (sys.executable, "-m", "mirage_py", "query", "packages"),
        cwd=folder,
        env={"PYTHONPATH": str(installed.parent)},
        capture_output=True,
        check=True,
    )
    assert list((installed / "devices" / "__pycache__").glob("job.*"))
    assert {path.name for path in folder.iterdir()} == {"config.py", "ours.py"}


def test_config_runs_once(project: MakeProject, mpy: Mpy) -> None:
    """Also where its keys had to be known before the command line could be read."""
    project({"config.py": f"import sys\nprint('running', file=sys.stderr)\n{KEYS}"})
    assert mpy("query", "keys", "--kind", "small", code=0).stderr.count("running") == 1


def test_a_flag_takes_no_word(project: MakeProject, mpy: Mpy) -> None:
    """`--safe keys` is a flag and then the kind of the query."""
    project({"config.py": KEYS})
    assert "safe=true (flag)" in mpy("query", "--safe", "keys", code=0).stdout


def test_file_is_found_before_its_keys_are_known(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": HELLO, "sub/other.py": KEYS})
    for words in (("-f", "sub/other.py"), ("--file=sub/other.py",), ("-fsub/other.py",)):
        assert "kind=small (flag)" in mpy("query", "keys", *words, "--kind", "small", code=0).stdout


def test_a_refused_graph_is_json_too(project: MakeProject, mpy: Mpy) -> None:
    config = (
        "from mirage_py import *\nregister('n', [main('U', stackv4v6 >> job)(generic_stackv4v6(default_network))])\n"
    )
    project({"config.py": config})
    done = mpy("query", "graph", "--json", "-t", "hvt", "--net=host", code=4)
    told = json.loads(done.stdout)
    assert told["accepted"] is False
    assert told["location"] == "config.py:2"
    assert "needs a host kernel" in told["why"]
    assert done.stderr == ""


# ---------------------------------------------------------------------------------------------------------------------
# Failures that are mpy's own


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, project: MakeProject) -> Path:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError("in the middle")

    folder = project({"config.py": HELLO})
    monkeypatch.chdir(folder)
    monkeypatch.setattr("mirage_py.cli.configure.configure_all", fail)
    return folder


@pytest.mark.usefixtures("broken")
def test_a_bug_says_what_to_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configure"]) == 70
    told = capsys.readouterr().err
    assert "ZeroDivisionError: in the middle" in told
    assert "please report it" in told
    log = Path(told.partition("the traceback is in ")[2].split("\n")[0])
    assert "Traceback" in log.read_text()
    assert "Traceback" not in told
    log.unlink()


@pytest.mark.usefixtures("broken")
def test_a_bug_shows_its_traceback_to_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-v", "configure"]) == 70
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.usefixtures("broken")
def test_a_bug_is_an_event_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configure", "--log-format=json"]) == 70
    event = json.loads(capsys.readouterr().err)
    assert (event["kind"], event["exit_code"]) == ("Bug", 70)
    Path(event["details"][0].removeprefix("the traceback is in ")).unlink()


def test_settings_of_one_line_do_not_reach_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    main(["-q", "--color", "always", "--log-format", "json", "--version"])
    main(["--version"])
    assert console.settings == console.Settings()
    capsys.readouterr()


def test_the_console_script_is_the_module(mpy: Mpy) -> None:
    assert mpy("--version", cwd=ROOT).stdout == mpy("-q", "--version", cwd=ROOT).stdout

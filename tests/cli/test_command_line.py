"""The command line itself: what it takes, what it imports, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from mirage_py.cli import words as line_words
from mirage_py.cli.app import main
from mirage_py.cli.command import Command, Group, Parameter
from mirage_py.cli.commands import COMMANDS
from mirage_py.cli.everywhere import ALONE, EVERYWHERE
from mirage_py.cli.find import command_named
from mirage_py.cli.judge import judge
from mirage_py.describe import KINDS
from mirage_py.describe.queries import VIEWS
from mirage_py.doors import terminal as console
from mirage_py.dsl.value import RESERVED
from mirage_py.errors import UsageError
from mirage_py.workflow.query import MACHINE
from tests.cli.test_sessions import HELLO, KEYS
from tests.conftest import ROOT, MakeProject, Mpy

HEAVY = {
    "typer",
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


def commands() -> dict[str, Command]:
    """Every command that has a line of its own, by what one types."""
    made = {name: command_named(name) for name in COMMANDS}
    inner = {
        f"{name} {word}": one for name, of in made.items() if isinstance(of, Group) for word, one in of.commands.items()
    }
    return {name: one for name, one in made.items() if isinstance(one, Command)} | inner


def long_options(parameters: Iterable[Parameter]) -> set[str]:
    words = (word for one in parameters for word in (*one.names, one.off or ""))
    return {word.removeprefix("--") for word in words if word.startswith("--")}


def test_reserved_key_names_are_the_options_of_the_commands_that_take_keys() -> None:
    with_keys = [command for command in commands().values() if command.takes_keys]
    assert len(with_keys) == 6
    everywhere = long_options((*EVERYWHERE, *ALONE))
    assert everywhere.union(*(long_options(command.parameters) for command in with_keys)) == RESERVED


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_tells_the_first_line_of_each(name: str) -> None:
    made = command_named(name)
    text = made.summary if isinstance(made, Group) else made.help
    assert text.splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_option_says_what_it_is_for(name: str) -> None:
    assert all(one.mark.help for one in commands()[name].parameters)


def test_every_kind_of_query_is_answered() -> None:
    assert {"name", "graph", *VIEWS, *MACHINE} == {*KINDS}


def test_help_is_a_command_too(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": KEYS})
    assert mpy("help", "configure", code=0) == mpy("configure", "--help", code=0)
    assert mpy("help", "toolchain", "show", code=0) == mpy("toolchain", "show", "-h", code=0)
    assert mpy("help", code=0) == mpy("--help", code=0) == mpy(code=0)


# ---------------------------------------------------------------------------------------------------------------------
# Where the configuration is


def test_a_configuration_above_is_found(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": HELLO, "src/deep/x.ml": ""})
    assert mpy("query", "name", cwd=folder / "src" / "deep", code=0).stdout == "hello\n"
    mpy("configure", "-t", "hvt", cwd=folder / "src", code=0)
    assert (folder / "mirage" / "hello-hvt" / "main.ml").exists()
    assert not (folder / "src" / "mirage").exists()
    above = mpy("query", "plan", "--json", cwd=folder / "src", code=0).stdout
    assert above == mpy("query", "plan", "--json", code=0).stdout


def test_an_ocaml_configuration_above_is_found(project: MakeProject, mpy: Mpy) -> None:
    ocaml = 'open Mirage\nlet () = register "hello" [ main "Unikernel" job ]\n'
    folder = project({"config.ml": ocaml, "unikernel.ml": "let start () = Lwt.return ()\n", "src/deep/x.ml": ""})
    assert mpy("query", "name", cwd=folder / "src" / "deep", code=0).stdout == "hello\n"
    assert mpy("-C", str(folder / "src" / "deep"), "query", "name", code=0).stdout == "hello\n"
    mpy("configure", "-t", "hvt", cwd=folder / "src", code=0)
    assert (folder / "mirage" / "hello-hvt" / "main.ml").exists()


@pytest.mark.ocaml
@pytest.mark.slow
def test_a_build_below_builds_above(project: MakeProject, mpy: Mpy) -> None:
    folder = project("hello", {"src/deep/x.txt": ""})
    mpy("build", "-t", "unix", cwd=folder / "src" / "deep", code=0)
    assert (folder / "dist" / "hello").exists()
    assert not (folder / "src" / "dist").exists()


def test_a_file_that_is_named_is_not_looked_for(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": HELLO, "src/x.ml": ""})
    assert "there is no config.py here" in mpy("query", "name", "-f", "config.py", cwd=folder / "src", code=3).stderr


def test_another_programs_config_above_is_left_alone(project: MakeProject, mpy: Mpy) -> None:
    folder = project({"config.py": "raise SystemExit('ran')\n", "src/x.ml": ""})
    assert "there is no config.py here" in mpy("query", "name", cwd=folder / "src", code=3).stderr


def test_one_that_belongs_to_somebody_else_is_not_run(project: MakeProject, mpy: Mpy) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    folder = project({"config.py": HELLO, "src/x.ml": ""})
    os.chown(folder / "config.py", 12345, 12345)
    assert "there is no config.py here" in mpy("query", "name", cwd=folder / "src", code=3).stderr


def test_a_folder_to_go_to_comes_first(project: MakeProject, mpy: Mpy, tmp_path: Path) -> None:
    project({"config.py": KEYS})
    for line in (["-C", "project", "query", "keys", "--kind", "small"], ["query", "keys", "--kind=small", "-Cproject"]):
        assert "kind=small (flag)" in mpy(*line, cwd=tmp_path, code=0).stdout
    refused = mpy("-C", "nowhere", "query", "keys", cwd=tmp_path, code=2)
    assert refused.stderr.startswith("error: -C nowhere: no such file or directory\n")


# ---------------------------------------------------------------------------------------------------------------------
# Two spellings of one wish


def test_json_can_be_asked_for_in_both_ways(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": HELLO})
    for line in (["query", "name"], ["describe"], ["toolchain", "show"], ["audit", "lwt"]):
        by_flag, by_format = mpy(*line, "--json"), mpy(*line, "--format", "json")
        assert by_flag == by_format
        assert by_flag.stdout.startswith("{")


def test_one_wish_is_said_once(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": HELLO})
    assert mpy("describe", "--json", "--format", "dot", code=2).stderr == (
        "error: --json and --format dot ask for two forms\nhint:  leave one out\n"
    )


# ---------------------------------------------------------------------------------------------------------------------
# Plain lines are read here, all others by typer: the two agree

WORDS = st.sampled_from(
    [
        *(
            "-v",
            "-vv",
            "-q",
            "-qv",
            "--color",
            "--color=never",
            "always",
            "never",
            "-t",
            "-thvt",
            "hvt",
            "--target=spt",
        ),
        *(
            "-j",
            "-j4",
            "4",
            "0",
            "x",
            "--jobs=2",
            "--dev",
            "--release",
            "--dev=1",
            "-o",
            "name",
            "--",
            "-",
            "",
            "--reset",
        ),
        *("--mem", "--mem=12", "1.5", "--timeout", "--timeout=0.01", "--net", "a=b", "--link", "cross", "--link=x"),
    ]
)


@given(name=st.sampled_from(sorted(commands())), line=st.lists(WORDS, max_size=6))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_a_line_that_is_read_here_means_what_typer_says(name: str, line: list[str]) -> None:
    known = (*commands()[name].parameters, *EVERYWHERE)
    found = line_words.sort(line, known)
    assume(not found.strange)
    try:
        plain = line_words.plain_values(name, found, known)
    except line_words.Unclear:
        with contextlib.suppress(UsageError):  # typer may know better, or refuse it too
            judge(name, known, found.known)
        return
    plain = {one.name: plain[one.name] for one in known if plain.get(one.name, one.default) != one.default}
    assert judge(name, known, line) == plain


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
    """main.ml is written line by line: nothing that is heavy is needed, nor is rich."""
    assert imported("configure", "-t", "hvt", folder=project({"config.py": HELLO})) & HEAVY == set()


def test_reading_an_ocaml_configuration_has_no_class_made_over(project: MakeProject) -> None:
    """As it is when its fields are asked for in `dataclasses`' words, which takes as long as the reading itself."""
    config = 'open Mirage\nlet () = register "hello" [ main "Unikernel" job ]\n'
    assert "dataclasses" not in imported("convert", "--check", folder=project({"config.ml": config}))


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

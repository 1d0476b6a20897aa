"""The bundled OCaml runtime: programs that check it, its index, its C, and a unikernel over it on unix and on spt."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from mirage_py.model.toolchain import ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment

HERE = Path(__file__).parent
RUNTIME = HERE.parents[1] / "mirage_py" / "runtime"
C_SOURCES = sorted(file for file in RUNTIME.rglob("*.c") if file.parent.name != "libc_gaps")

Sexp: TypeAlias = "str | list[Sexp]"
Boot = Callable[..., tuple[int, str]]


def ran(
    *argv: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, seconds: float = 300
) -> tuple[int, str]:
    """The exit code of a program, and all it wrote."""
    done = subprocess.run(
        argv, cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, timeout=seconds, check=False
    )
    return done.returncode, done.stdout + done.stderr


def succeeded(*argv: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    code, text = ran(*argv, cwd=cwd, env=env)
    assert code == 0, text
    return text


@pytest.mark.ocaml
def test_programs_find_the_runtime_as_it_should_be() -> None:
    assert "13 programs checked it" in succeeded(HERE / "run")


# --- the index --------------------------------------------------------------------------------------------------------


def stanzas(dune: Path) -> Iterator[dict[str, Any]]:
    """The library stanzas of a dune file. Any: a field is a word, words, or deeper."""
    tokens = re.findall(r'[()]|"[^"]*"|[^\s()]+', re.sub(r"(?m)^;.*$", "", dune.read_text(encoding="utf-8")))
    stack: list[list[Sexp]] = [[]]
    for token in tokens:
        match token:
            case "(":
                stack.append([])
            case ")":
                done = stack.pop()
                stack[-1].append(done)
            case word:
                stack[-1].append(word)
    for stanza in stack[0]:
        if isinstance(stanza, list) and stanza[0] == "library":
            yield {str(field[0]): field[1:] for field in stanza[1:]}


def facts(stanza: dict[str, Any]) -> dict[str, object]:
    """What the index says of a library, read from its stanza. Any: as above."""
    optional: dict[str, object] = {
        "virtual": "virtual_modules" in stanza,
        "optional": "optional" in stanza,
        "c": "foreign_stubs" in stanza,
        "default": stanza.get("default_implementation", [None])[0],
        "implements": stanza.get("implements", [None])[0],
    }
    return {
        "name": stanza["public_name"][0],
        "needs": sorted(stanza.get("libraries", [])),
        **{name: value for name, value in optional.items() if value},
    }


def test_index_says_what_the_dune_files_say() -> None:
    index = tomllib.loads((RUNTIME / "index.toml").read_text(encoding="utf-8"))
    for package in index["package"]:
        dune_files = sorted((RUNTIME / package["name"]).rglob("dune"))
        written = [facts(stanza) for dune in dune_files for stanza in stanzas(dune)]
        indexed = [{**library, "needs": sorted(library["needs"])} | {"groups": None} for library in package["library"]]
        by_name = sorted(({**one, "groups": None} for one in written), key=lambda one: str(one["name"]))
        assert sorted(indexed, key=lambda one: one["name"]) == by_name


def test_index_names_every_package_and_every_need() -> None:
    index = tomllib.loads((RUNTIME / "index.toml").read_text(encoding="utf-8"))
    folders = {file.parent.name for file in RUNTIME.glob("*/dune-project")}
    assert {package["name"] for package in index["package"]} == folders
    libraries = {library["name"]: library for package in index["package"] for library in package["library"]}
    for library in libraries.values():
        for need in library["needs"]:
            served = libraries.get(need)
            assert served or need in index["third_party"], f"{library['name']} needs {need}"
            assert not served or set(library["groups"]) <= set(served["groups"]), f"{library['name']} needs {need}"


# --- C, where no Solo5 is ---------------------------------------------------------------------------------------------


@pytest.mark.ocaml
@pytest.mark.parametrize("macro", ["__ocaml_solo5__", "__ocaml_freestanding__"])
@pytest.mark.parametrize("source", C_SOURCES, ids=lambda source: source.name)
def test_c_compiles_for_a_machine_without_an_operating_system(source: Path, macro: str, tmp_path: Path) -> None:
    where = succeeded("ocamlfind", "ocamlc", "-where").strip()
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fstack-protector-strong"]
    includes = ["-U__linux__", f"-D{macro}", f"-I{HERE / 'freestanding'}", f"-isystem{where}"]
    succeeded("gcc", *flags, *includes, "-c", source, "-o", tmp_path / "stub.o")
    missing = {line.split()[-1] for line in succeeded("nm", "-u", tmp_path / "stub.o").splitlines()}
    assert not {name for name in missing if "errno" in name or name.endswith("_chk") or name.startswith("getrandom")}


# --- a unikernel ------------------------------------------------------------------------------------------------------


def scaffold(folder: Path) -> Path:
    shutil.copytree(RUNTIME, folder / "runtime")
    shutil.copytree(HERE, folder / "tests")
    (folder / "dune-project").write_text("(lang dune 2.9)\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def on_unix(tmp_path_factory: pytest.TempPathFactory) -> Boot:
    folder = scaffold(tmp_path_factory.mktemp("unix"))
    succeeded("dune", "build", "--root", ".", "./tests/unikernel/unix/main.exe", cwd=folder)
    return lambda *args: ran(folder / "_build/default/tests/unikernel/unix/main.exe", *args)


@pytest.fixture(scope="session")
def images_for_spt(tmp_path_factory: pytest.TempPathFactory) -> Boot:
    """Boots the image of a folder of tests; built in one dune run with the unix one."""
    folder = scaffold(tmp_path_factory.mktemp("spt"))
    toolchain = discover("spt", from_environment(ToolchainChoice()))
    host = succeeded("ocamlfind", "printconf", "path").split()
    tools = ("ocamlc", "ocamlopt", "ocamldep", "ocamldoc", "ocamlmklib")
    plain = f'path="{":".join(host)}"\n' + "".join(f'{tool}="{tool}"\n' for tool in tools)
    (folder / "findlib.conf").write_text(plain, encoding="utf-8")
    cross = {"path": ":".join([*map(str, toolchain.libraries), *host]), "stdlib": str(toolchain.stdlib)}
    defined = "".join(f'{name}(solo5)="{value}"\n' for name, value in (cross | dict(toolchain.ocaml_tools)).items())
    (folder / "findlib.conf.d").mkdir()
    (folder / "findlib.conf.d" / "solo5.conf").write_text(defined, encoding="utf-8")
    path = os.pathsep.join([*map(str, toolchain.path), os.environ["PATH"]])
    env = {"OCAMLFIND_CONF": str(folder / "findlib.conf"), "PATH": path}
    parts = ("default/tests/unikernel/unix", "solo5/tests/unikernel/spt", "solo5/tests/async/spt")
    images = [f"_build/{part}/main.exe" for part in parts]
    workspace = "tests/dune-workspace.solo5"
    succeeded("dune", "build", "--root", ".", "--workspace", workspace, *images, cwd=folder, env=env)
    tender = str(toolchain.tender or "solo5-spt")
    return lambda of, *args: ran(tender, folder / f"_build/solo5/tests/{of}/spt/main.exe", *args, env=env, seconds=30)


@pytest.fixture(scope="session")
def on_spt(images_for_spt: Boot) -> Boot:
    return lambda *args: images_for_spt("unikernel", *args)


@pytest.fixture(params=["unix", pytest.param("spt", marks=pytest.mark.solo5)])
def boot(request: pytest.FixtureRequest) -> Boot:
    found: Boot = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.mark.ocaml
def test_unikernel_sleeps_logs_and_runs_its_hooks(boot: Boot) -> None:
    code, text = boot("--hello=Hi", "--name=bob")
    assert code == 0, text
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d):"
    for line in (r"\[INFO\] \[tester\] Hi from bob", r"\[WARNING\] \[application\] warning"):
        assert re.search(f"^{stamp} {line}$", text, re.MULTILINE), text
    assert "slept: true, shortly: true" in text
    assert "random: true" in text
    assert "false" not in text
    assert re.search(r"^exit hook\nexit hook slept$", text, re.MULTILINE)
    assert "details" not in text


@pytest.mark.ocaml
@pytest.mark.solo5
def test_memory_of_a_unikernel_adds_up(on_spt: Boot) -> None:
    assert "memory: true" in on_spt()[1]


@pytest.mark.ocaml
def test_log_levels_are_set_by_source(boot: Boot) -> None:
    text = boot("-l", "*:error,tester:debug")[1]
    assert "[DEBUG] [tester] details" in text
    assert "warning" not in text
    assert "] [" not in boot("--logs=quiet")[1]
    assert "no log source is called nobody" in boot("-l", "nobody:info")[1]


@pytest.mark.ocaml
@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--help=plain"], 63, "OCAML RUNTIME OPTIONS"),
        (["--nope"], 64, "unknown option '--nope'"),
        (["--delay=soon"], 64, "expected an integer"),
        (["--hello", "Hello", "world"], 64, "quoted for the unikernel too"),
        (['--hello="open'], 2, "a double quote is left open"),
        (["--end=raise"], 2, 'exception Failure("raised")'),
        (["--end=fail-aside"], 2, 'exception Failure("failed aside")'),
        (["--end=exit"], 7, "exit hook slept"),
        (["--end=return"], 0, "exit hook slept"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_exit_status_tells_how_it_ended(boot: Boot, args: list[str], code: int, says: str) -> None:
    got, text = boot(*args)
    assert (got, says in text) == (code, True), text


@pytest.mark.ocaml
def test_help_has_its_sections_in_order(boot: Boot) -> None:
    text = boot("--help=plain")[1]
    sections = ["OPTIONS", "LOG AND MONITORING OPTIONS", "OCAML RUNTIME OPTIONS", "COMMON OPTIONS", "EXIT STATUS"]
    assert [line for line in text.splitlines() if line in sections] == sections
    for option in ("--delay=", "--name=", "-l LEVEL, --logs=LEVEL", "--backtrace=", "--hello="):
        assert option in text


@pytest.mark.ocaml
def test_backtrace_can_be_turned_off(boot: Boot) -> None:
    assert "Raised at" in boot("--end=raise")[1]
    assert "Raised at" not in boot("--end=raise", "--backtrace=false")[1]


@pytest.mark.ocaml
def test_a_quoted_value_keeps_its_spaces(boot: Boot) -> None:
    assert "] Hello, world! from tester" in boot('--hello="Hello, world!"')[1]


@pytest.mark.ocaml
def test_a_value_quoted_for_the_shell_is_one_word_on_unix(on_unix: Boot) -> None:
    assert "] Hello, world! from tester" in on_unix("--hello=Hello, world!")[1]


@pytest.mark.ocaml
@pytest.mark.solo5
def test_dashes_before_the_arguments_do_no_harm(on_spt: Boot) -> None:
    assert "] Hi from tester" in on_spt("--", "--hello=Hi")[1]


@pytest.mark.ocaml
@pytest.mark.solo5
def test_the_bridge_of_async_leads_both_ways_without_an_operating_system(images_for_spt: Boot) -> None:
    """And ends with what no monitor took. On unix it is one of the programs."""
    code, text = images_for_spt("async")
    assert (code, "bridge: true" in text, 'exception Failure("from outside")' in text) == (2, True, True), text

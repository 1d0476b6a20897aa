"""What an editor understands of the modules beside config.py: libraries, each other, generated modules."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeProject, Mpy
from tests.integration.conftest import snapshot

pytestmark = pytest.mark.ocaml

CONFIG = """from mirage_py import impl, job, main, package, register, typ

clock = typ("clock")
device = impl(
    "Stamp",
    clock,
    dune=lambda _: (("rule", ("with-stdout-to", "stamp.ml", ("echo", 'let made_by = "a rule"'))),),
)
uses = [package("duration")]
register("editor", [main("Unikernel.Main", clock >> job, packages=uses)(device)])
"""
UNIKERNEL = """module Main (Clock : sig val made_by : string end) = struct
  let start () =
    let pause = Duration.of_sec Helper.seconds in
    Logs.info (fun m -> m "%s %s" Stamp.made_by Clock.made_by);
    Mirage_sleep.ns pause
end
"""
FILES = {"config.py": CONFIG, "unikernel.ml": UNIKERNEL, "helper.ml": "let seconds = 0\n"}


def directives(file: Path) -> Iterator[list[str]]:
    """The lines of a .merlin with what it takes in, as merlin's own reader has them: paths from where each file is."""
    for line in file.read_text(encoding="utf-8").splitlines():
        tag, _, rest = line.partition(" ")
        match tag:
            case "" | "#":
                pass
            case ".":
                yield from directives(file.parent / rest)
            case "FLG":
                yield [tag, *shlex.split(rest)]
            case _:
                yield [tag, str(file.parent / rest)]


def typechecks(folder: Path, module: str) -> subprocess.CompletedProcess[str]:
    """The compiler's opinion of a module, with exactly what an editor is told."""
    told = list(directives(folder / ".merlin"))
    paths = [word for tag, *rest in told if tag == "B" for word in ("-I", rest[0])]
    flags = [word for tag, *rest in told if tag == "FLG" for word in rest]
    compiler = ("ocamlfind", "ocamlc", "-i", *flags, *paths, module)
    return subprocess.run(compiler, cwd=folder, capture_output=True, text=True, check=False)


def merlin(folder: Path, query: str, *args: str, file: str = "unikernel.ml") -> Any:  # any: JSON
    if shutil.which("ocamlmerlin") is None:
        pytest.skip("ocamlmerlin is not on PATH")
    command = ("ocamlmerlin", "single", query, *args, "-filename", file)
    text = (folder / file).read_text(encoding="utf-8")
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["class"] == "return", answer
    return answer["value"]


def position(text: str, word: str) -> str:
    line = next(number for number, line in enumerate(text.splitlines(), 1) if word in line)
    return f"{line}:{text.splitlines()[line - 1].index(word) + len(word) - 1}"


def type_of(folder: Path, word: str) -> str:
    """The type that merlin shows for a word of unikernel.ml."""
    found: str = merlin(folder, "type-enclosing", "-position", position(UNIKERNEL, word), "-index", "0")[0]["type"]
    return found


def test_an_editor_is_told_what_the_compiler_is(project: MakeProject, mpy: Mpy) -> None:
    folder = project(FILES)
    mpy("build", "-t", "unix", code=0)
    seen = typechecks(folder, "unikernel.ml")
    assert seen.returncode == 0, seen.stderr
    assert "val start : unit -> unit Lwt.t" in seen.stdout
    (folder / "helper.ml").write_text('let seconds = "none"\n')
    mpy("build", code=6)
    assert typechecks(folder, "unikernel.ml").returncode != 0


def test_merlin_knows_libraries_and_generated_modules(project: MakeProject, mpy: Mpy) -> None:
    folder = project(FILES)
    mpy("build", "-t", "unix", code=0)
    assert merlin(folder, "errors") == []
    assert type_of(folder, "Duration.of_sec") in ("int -> int64", "int -> Duration.t")
    assert type_of(folder, "Mirage_sleep.ns") == "int64 -> unit Lwt.t"
    assert type_of(folder, "Helper.seconds") == "int"
    assert type_of(folder, "Stamp.made_by") == "string"
    assert merlin(folder, "errors", file="helper.ml") == []
    here = merlin(folder, "locate", "-position", position(UNIKERNEL, "Helper.seconds"), "-look-for", "ml")
    assert here["file"] == str(folder / "helper.ml")  # the user's own, not the copy that is compiled


def test_merlin_finds_a_mistake_while_it_is_typed(project: MakeProject, mpy: Mpy) -> None:
    folder = project(FILES)
    mpy("build", "-t", "unix", code=0)
    (folder / "unikernel.ml").write_text(UNIKERNEL.replace("Helper.seconds", "Stamp.made_by"))
    (error,) = merlin(folder, "errors")
    assert error["start"]["line"] == 3
    assert "string" in error["message"]


def test_merlin_knows_the_library_beside_the_unikernel(project: MakeProject, mpy: Mpy) -> None:
    folder = project("beside-library") / "unikernel"
    mpy("build", "-t", "unix", cwd=folder, code=0)
    assert typechecks(folder, "unikernel.ml").returncode == 0
    assert merlin(folder, "errors") == []


def test_a_module_that_does_not_compile_is_understood_as_far_as_it_goes(project: MakeProject, mpy: Mpy) -> None:
    folder = project(FILES | {"unikernel.ml": UNIKERNEL.replace("pause\n", "pauses\n")})
    mpy("build", "-t", "unix", code=6)
    seen = typechecks(folder, "unikernel.ml")
    assert "pauses" in seen.stderr
    assert "Unbound module" not in seen.stderr


def test_the_host_target_is_preferred(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop")
    mpy("configure", "-t", "hvt", "-t", "unix", code=0)
    mpy("build", "-t", "unix", code=0)
    told = list(directives(folder / ".merlin"))
    assert any("/noop-unix/" in word for _, *words in told for word in words)


def test_what_lies_beside_config_py_names_no_place_of_this_machine(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop")
    mpy("build", "-t", "unix", code=0)
    text = (folder / ".merlin").read_text()
    assert text.startswith("# Generated by mpy ")
    assert text.endswith("\n. mirage/machine/editor/merlin\n")


def test_it_is_written_when_it_changes_only(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop")
    mpy("build", "-t", "unix", code=0)
    before = snapshot(folder, without=("mirage/_build", "mirage/.lock", "mirage/.stubs"))
    (folder / "unikernel.ml").write_text("let start () = exit 0\n")
    mpy("build", code=0)
    after = snapshot(folder, without=("mirage/_build", "mirage/.lock", "mirage/.stubs"))
    changed = {name for name in after.names if after.entries[name] != before.entries.get(name)}
    assert changed == {"unikernel.ml", "dist/noop", "dist/noop.unix.debug", "mirage/owned.json"}


def test_a_dot_merlin_of_the_user_is_left_alone(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop", {".merlin": "PKG lwt\n"})
    mpy("build", "-t", "unix", code=0)
    mpy("clean", code=0)
    assert (folder / ".merlin").read_text() == "PKG lwt\n"


def test_clean_takes_it_away(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop")
    mpy("build", "-t", "unix", code=0)
    mpy("clean", code=0)
    assert not (folder / ".merlin").exists()

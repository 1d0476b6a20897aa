"""What goes wrong while an image is built: told at the user's line, with a next step; nothing is half written."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.conftest import ROOT, Finished, MakeProject, Mpy
from tests.integration.conftest import Start, log_lines, snapshot

pytestmark = pytest.mark.ocaml

PLAIN = """from mirage_py import job, main, register

register("noop", [main("Unikernel", job)])
"""
FUNCTOR = """from mirage_py import impl, job, main, register, typ

words = typ("words")
greeter = main("Unikernel.Main", words >> (words >> job))

register(
    "noop",
    [greeter(impl("Words", words), impl("Words", words))],
)
"""
WORDS = 'let hello = "hello"\n'


def fails(mpy: Mpy, *args: str, code: int = 6, env: Mapping[str, str] | None = None) -> tuple[str, Finished]:
    """The first line of what a failing build says, and all of it; never a traceback."""
    done = mpy("build", "-t", "unix", *args, code=code, env=env)
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[0].replace('"', "").replace("`", ""), done  # OCaml 5 quotes names, OCaml 4 does not


# ---------------------------------------------------------------------------------------------------------------------
# The user's OCaml and C


@pytest.mark.parametrize(
    ("unikernel", "place", "words"),
    [
        ('let start () =\n  Lwt.return (1 + "one")\n', "unikernel.ml:2", "string"),
        ("let start () =\n  Ptimes.now ()\n", "unikernel.ml:2", "Unbound module Ptimes"),
        ("let start () = Lwt.return_unit\n\nlet x = (\n", "unikernel.ml:4", "Syntax error"),
        ("let stop () = Lwt.return_unit\n", "config.py:3", "Unikernel has no start"),
        ("let start () () = Lwt.return_unit\n", "config.py:3", "start takes more arguments than config.py gives it"),
        ("let start = Lwt.return_unit\n", "config.py:3", "unit Lwt.t"),
        ("let start () = 3\n", "config.py:3", "unit Lwt.t"),
    ],
    ids=["type", "unbound", "syntax", "no-start", "start-takes-more", "start-takes-none", "start-returns-no-promise"],
)
def test_an_error_in_the_module_is_shown_at_its_line_first(
    unikernel: str, place: str, words: str, project: MakeProject, mpy: Mpy
) -> None:
    project({"config.py": PLAIN, "unikernel.ml": unikernel})
    first, done = fails(mpy)
    assert first.startswith(f"error: {place}: ")
    assert words in first
    assert "\nFile " in done.stderr  # the compiler's own words come after


@pytest.mark.parametrize(
    ("unikernel", "place", "words"),
    [
        ("module Main (A : sig end) = struct let start () = Lwt.return_unit end\n", 8, "more arguments than it takes"),
        ("module Main = struct let start () () = Lwt.return_unit end\n", 8, "more arguments than it takes"),
        (
            "module Main (A : sig end) (B : sig end) (C : sig end) = struct let start () () = Lwt.return_unit end\n",
            4,
            "Unikernel.Main takes more arguments than config.py gives it",
        ),
        (
            "module Main (A : sig val hi : string end) (B : sig end) = struct let start () () = Lwt.return_unit end\n",
            8,
            "not what the functor wants",
        ),
        ("module Main (A : sig end) (B : sig end) = struct end\n", 4, "Unikernel.Main has no start"),
        (
            "module Main (A : sig end) (B : sig end) = struct let start () = Lwt.return_unit end\n",
            4,
            "start takes fewer arguments than config.py gives it",
        ),
    ],
    ids=["too-many", "no-functor", "too-few", "wrong-signature", "no-start", "start-takes-fewer"],
)
def test_a_functor_that_does_not_fit_is_shown_at_the_line_of_config_py(
    unikernel: str, place: int, words: str, project: MakeProject, mpy: Mpy
) -> None:
    folder = project({"config.py": FUNCTOR, "words.ml": WORDS, "unikernel.ml": unikernel})
    lines = range(6, 10) if place == 8 else (place,)  # Python 3.11 and 3.13 number a call of several lines differently
    first, done = fails(mpy)
    assert any(first.startswith(f"error: config.py:{line}: ") for line in lines), first
    assert words in first
    assert "__" not in first
    assert "hint:" in done.stderr
    assert not (folder / "dist").exists()


@pytest.mark.parametrize(
    ("connect", "words"),
    [("{module}.connect ()", "Words has no value connect"), ("3", "int"), ("return (", "Syntax error")],
    ids=["unbound", "no-promise", "syntax"],
)
def test_wrong_connect_code_is_shown_at_the_line_of_the_device(
    connect: str, words: str, project: MakeProject, mpy: Mpy
) -> None:
    config = f"""from mirage_py import impl, job, main, register, typ

words = typ("words")
device = impl("Words", words, connect="{connect}")

register("noop", [main("Unikernel.Main", words >> job)(device)])
"""
    unikernel = "module Main (Words : sig end) = struct let start _ = Lwt.return_unit end\n"
    project({"config.py": config, "words.ml": WORDS, "unikernel.ml": unikernel})
    first, _ = fails(mpy)
    assert first.startswith("error: config.py:4: ")
    assert words in first


def test_a_device_whose_module_is_nowhere_is_shown_at_the_line_of_config_py(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": PLAIN, "unikernels.ml": "let start () = Lwt.return_unit\n"})
    first, done = fails(mpy)
    assert first == "error: config.py:3: Unbound module Unikernel"
    assert "hint:  write unikernel.ml beside config.py" in done.stderr


def test_modules_in_a_circle_are_named(project: MakeProject, mpy: Mpy) -> None:
    files = {"unikernel.ml": "let start = Other.start\n", "other.ml": "let start = Unikernel.start\n"}
    project({"config.py": PLAIN, **files})
    first, _ = fails(mpy)
    assert "circle" in first
    assert "Other -> Unikernel" in first


def test_a_mistake_in_an_imported_python_module_is_shown_there(project: MakeProject, mpy: Mpy) -> None:
    devices = 'from mirage_py import impl, typ\n\nwords = typ("words")\ndevice = impl("Words", words, connect="3")\n'
    config = """from devices import device, words
from mirage_py import job, main, register

register("noop", [main("Unikernel.Main", words >> job)(device)])
"""
    unikernel = "module Main (Words : sig end) = struct let start _ = Lwt.return_unit end\n"
    project({"config.py": config, "devices.py": devices, "words.ml": WORDS, "unikernel.ml": unikernel})
    first, _ = fails(mpy)
    assert first.startswith("error: devices.py:4: ")


C_CONFIG = PLAIN.replace("job)", 'job, c_sources=["*.c"])')


@pytest.mark.parametrize(
    ("stub", "first"),
    [
        ("#include <nowhere.h>\n", "error: stub.c:1: there is no header nowhere.h"),
        ("long f(long x)\n{\n  return y;\n}\n", "error: stub.c:3: "),
        ("long other;\n", "error: unikernel.ml:2: no C code defines stub_f"),
    ],
    ids=["header", "error", "undefined"],
)
def test_an_error_in_c_is_shown_at_its_line(stub: str, first: str, project: MakeProject, mpy: Mpy) -> None:
    unikernel = 'external f : int -> int = "stub_f"\nlet start () = exit (f 0)\n'
    project({"config.py": C_CONFIG, "unikernel.ml": unikernel, "stub.c": stub})
    said, _ = fails(mpy)
    assert said.startswith((first, "error: no C code defines stub_f"))  # only OCaml 4 tells the linker its lines


def test_places_are_told_from_where_one_stands(project: MakeProject, mpy: Mpy) -> None:
    whole = project("beside-library", {"unikernel/unikernel.ml": "let start () = Roman.of_int 3\n\nlet x = 1 + true\n"})
    from_above = mpy("build", "-t", "unix", "-f", "unikernel/config.py", cwd=whole, code=6)
    assert from_above.stderr.startswith("error: unikernel/unikernel.ml:3: ")
    assert mpy("build", cwd=whole / "unikernel", code=6).stderr.startswith("error: unikernel.ml:3: ")

    (whole / "lib/roman.ml").write_text("let of_int = 3\n")
    assert mpy("build", cwd=whole / "unikernel", code=6).stderr.startswith(f"error: {whole / 'lib'}/roman.ml:1: ")


def test_a_local_library_that_is_nowhere_is_named(project: MakeProject, mpy: Mpy) -> None:
    whole = project("beside-library")
    config = (whole / "unikernel/config.py").read_text().replace('"roman"', '"romans"')
    (whole / "unikernel/config.py").write_text(config)
    done = mpy("build", "-t", "unix", cwd=whole / "unikernel", code=5)
    assert done.stderr.startswith("error: no library of this project is named romans\n")
    assert "names that are near: roman" in done.stderr
    assert "opam install" not in done.stderr


def test_after_a_failed_build_the_last_image_is_there_and_the_next_build_works(
    project: MakeProject, mpy: Mpy, start: Start
) -> None:
    folder = project("noop")
    mpy("build", "-t", "unix", code=0)
    image = snapshot(folder / "dist")
    (folder / "unikernel.ml").write_text("let start () = 3\n")
    fails(mpy)
    assert snapshot(folder / "dist").entries == image.entries
    (folder / "unikernel.ml").write_text("let start () = exit 4\n")
    mpy("build", code=0)
    start(folder / "dist/noop", code=4)


# ---------------------------------------------------------------------------------------------------------------------
# Libraries and tools


def test_all_missing_libraries_are_told_at_once(project: MakeProject, mpy: Mpy) -> None:
    config = """from mirage_py import job, main, package, register

packages = [package("zarithmetic"), package("duration"), package("no-such-thing"), package("lwt", min="900")]
register("noop", [main("Unikernel", job, packages=packages)])
"""
    folder = project({"config.py": config, "unikernel.ml": "let start () = Lwt.return_unit\n"})
    first, done = fails(mpy, code=5)
    assert re.match(r"error: \d packages are missing: nobody serves them here in a version that fits", first)
    assert "zarithmetic: asked for by Unikernel (config.py:" in done.stderr
    assert "no-such-thing: asked for by Unikernel (config.py:" in done.stderr
    assert re.search(r"lwt >= 900.*: asked for by Unikernel \(config\.py:", done.stderr)
    assert re.search(r"  installed 5\S*: ", done.stderr)
    assert "opam install lwt no-such-thing zarithmetic" in done.stderr
    assert "mirage/duniverse/" in done.stderr
    assert "duration" not in done.stderr
    assert "apt install" not in done.stderr
    assert not (folder / "mirage/_build").exists()


def test_a_missing_library_is_told_with_its_debian_package(project: MakeProject, mpy: Mpy, tmp_path: Path) -> None:
    config = PLAIN.replace("job)", 'job, packages=[package("far_away")])').replace("main,", "main, package,")
    project({"config.py": config, "unikernel.ml": "let start () = Lwt.return_unit\n"})
    apt = "for name do case $name in libfar-away-ocaml-dev) printf '%s:\\n  Candidate: 1\\n' $name;; esac; done"
    _, done = fails(mpy, code=5, env={"PATH": tools(tmp_path / "bin", {"apt-cache": apt})})
    assert done.stderr.startswith("error: package far_away is missing")
    hints = done.stderr.partition("hint:")[2].splitlines()
    assert [line.strip() for line in hints[:3]] == [
        "mpy lock && mpy pull",
        "or mpy build --pull, which does both first",
        "apt install libfar-away-ocaml-dev",
    ]


def test_a_vendored_library_serves_what_is_not_installed(project: MakeProject, mpy: Mpy, start: Start) -> None:
    config = PLAIN.replace("job)", 'job, packages=[package("seventeen")])').replace("main,", "main, package,")
    folder = project(
        {
            "config.py": config,
            "unikernel.ml": "let start () = exit Seventeen.it\n",
            "duniverse/seventeen/dune-project": "(lang dune 2.0)\n(name seventeen)\n(package (name seventeen))\n",
            "duniverse/seventeen/dune": "(library (name seventeen) (public_name seventeen))\n",
            "duniverse/seventeen/seventeen.ml": "let it = 17\nlet unused x = 3\n",
            "duniverse/seventeen/seventeen.opam": "",
        }
    )
    mpy("build", "-t", "unix", code=0)
    start(folder / "dist/noop", code=17)


@pytest.mark.parametrize("lang", ["1.0", "2.8"])
def test_a_dune_project_of_an_old_language_is_refused(lang: str, project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop", {"dune-project": f"(lang dune {lang})\n"})
    first, done = fails(mpy, code=5)
    assert first == f"error: dune-project:1: the dune language of this project is {lang}; mpy needs 2.9 or newer"
    assert "hint:  raise it to (lang dune 2.9)" in done.stderr
    assert (folder / "dune-project").read_text() == f"(lang dune {lang})\n"


OCAML, C = ("ocaml*", "dune"), ("gcc", "as", "ld", "ar", "pkg-config", "*-linux-gnu-*")
TOOLS = ("*strip", "*objcopy", *OCAML, *C, "sh", "env", "cat", "rm", "mv", "touch", "sleep", "uname")


def tools(folder: Path, scripts: Mapping[str, str] = MappingProxyType({}), *, without: tuple[str, ...] = ()) -> str:
    """A PATH with the tools of this machine, but one, and with scripts in place of others."""
    folder.mkdir()
    for place in reversed(os.environ["PATH"].split(os.pathsep)):
        for tool in (tool for pattern in TOOLS for tool in Path(place).glob(pattern)):
            link = folder / tool.name
            link.unlink(missing_ok=True)
            if tool.name not in without and tool.name not in scripts:
                link.symlink_to(tool)
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("tool", "package"), [("dune", "ocaml-dune"), ("ocamlfind", "ocaml-findlib"), ("ocamlopt", "ocaml")]
)
def test_a_missing_tool_is_named_with_what_brings_it(
    tool: str, package: str, project: MakeProject, mpy: Mpy, tmp_path: Path
) -> None:
    folder = project("noop")
    first, done = fails(mpy, code=5, env={"PATH": tools(tmp_path / "bin", without=(tool, f"{tool}.opt"))})
    assert tool in first
    assert f"apt install {package}" in done.stderr
    assert not (folder / "dist").exists()


def test_an_old_dune_is_refused(project: MakeProject, mpy: Mpy, tmp_path: Path) -> None:
    project("noop")
    first, _ = fails(mpy, code=5, env={"PATH": tools(tmp_path / "bin", {"dune": "echo 2.7.1"})})
    assert "2.7.1" in first
    assert "2.9" in first


def test_a_tool_that_breaks_is_told_with_its_own_words(project: MakeProject, mpy: Mpy, tmp_path: Path) -> None:
    project("noop")
    broken = 'case "$1" in --version) echo 3.17.0;; *) echo "the disk is on fire" >&2; exit 9;; esac'
    first, done = fails(mpy, env={"PATH": tools(tmp_path / "bin", {"dune": broken})})
    assert first.startswith("error: build noop failed")
    assert "the disk is on fire" in done.stderr


# ---------------------------------------------------------------------------------------------------------------------
# Interrupts, and places where one may not write


def started(folder: Path, caches: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (sys.executable, "-m", "mirage_py", "build", "-t", "unix"),
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(caches), "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not come"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_nothing_half_written(
    number: signal.Signals, project: MakeProject, mpy: Mpy, caches: Path, tmp_path: Path, start: Start
) -> None:
    folder = project("noop")
    mpy("build", "-t", "unix", code=0)
    image = snapshot(folder / "dist")
    (folder / "unikernel.ml").write_text("let start () = exit 5\n")

    gate = f'case "$1" in --version) exec dune-real "$@";; *) touch {tmp_path}/begun; sleep 60 & wait;; esac'
    path = tools(tmp_path / "bin", {"dune": gate})
    (tmp_path / "bin/dune-real").symlink_to(shutil.which("dune") or "dune")
    running = started(folder, caches, {"PATH": path})
    wait_for(tmp_path / "begun")
    running.send_signal(number)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 128 + number
    assert "Traceback" not in said
    assert snapshot(folder / "dist").entries == image.entries
    assert not [name for name in snapshot(folder).names if ".mpy-" in name]

    mpy("build", code=0)
    start(folder / "dist/noop", code=5)


def test_a_second_mpy_waits_for_the_first(project: MakeProject, mpy: Mpy, caches: Path, tmp_path: Path) -> None:
    folder = project("noop")
    gate = f"""case "$1" in
--version) ;;
*) touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done;;
esac
exec dune-real "$@" """
    path = tools(tmp_path / "bin", {"dune": gate})
    (tmp_path / "bin/dune-real").symlink_to(shutil.which("dune") or "dune")
    first = started(folder, caches, {"PATH": path})
    wait_for(tmp_path / "begun")
    second = started(folder, caches, {})
    time.sleep(1)
    assert second.poll() is None
    (tmp_path / "go").touch()
    assert first.wait(timeout=60) == 0
    assert second.wait(timeout=60) == 0
    first.communicate()
    assert "(unchanged)" in second.communicate()[0]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_dist_that_is_read_only_is_told(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop")
    (folder / "dist").mkdir(mode=0o555)
    first, done = fails(mpy, code=1)
    assert "dist" in first
    assert "Permission denied" in first
    assert "hint:" in done.stderr


def test_a_dist_that_is_no_folder_is_told(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop", {"dist": "mine\n"})
    done = mpy("build", "-t", "unix")
    assert done.code in (1, 7)
    assert "dist" in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr
    assert (folder / "dist").read_text() == "mine\n"


def test_an_image_of_the_user_is_not_overwritten(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop", {"dist/noop": "mine\n"})
    first, _ = fails(mpy, code=7)
    assert first.startswith("error: dist/noop: ")
    assert (folder / "dist/noop").read_text() == "mine\n"


def test_colours_that_a_tool_is_told_to_use_do_not_hide_its_errors(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": PLAIN, "unikernel.ml": "let start () = 1 + true\n"})
    first, _ = fails(mpy, env={"OCAML_COLOR": "always", "CLICOLOR_FORCE": "1"})
    assert first.startswith("error: unikernel.ml:1: ")


def test_a_warning_is_no_error_and_does_not_hide_one(project: MakeProject, mpy: Mpy) -> None:
    unikernel = "let unused () = let x = 3 in ()\nlet start () = match Some () with Some () -> Lwt.return_unit\n"
    folder = project({"config.py": PLAIN, "unikernel.ml": unikernel})
    mpy("build", "-t", "unix", code=0)
    (folder / "unikernel.ml").write_text(unikernel + "let y = 1 + true\n")
    first, _ = fails(mpy)
    assert first.startswith("error: unikernel.ml:3: ")


def test_in_the_dev_profile_a_warning_that_is_an_error_is_called_one(project: MakeProject, mpy: Mpy) -> None:
    unikernel = "let start () =\n  let x = 3 in\n  Lwt.return_unit\n"
    project({"config.py": PLAIN, "unikernel.ml": unikernel})
    first, _ = fails(mpy, "--dev")
    assert first.startswith("error: unikernel.ml:2: unused variable x. (warning 26 is an error here)")


def test_the_log_is_json_where_that_is_asked(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": PLAIN, "unikernel.ml": "let start () = 1 + true\n"})
    done = mpy("build", "-t", "unix", "--log-format", "json", code=6)
    events = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
    assert events[-1]["location"] == {"file": "unikernel.ml", "line": 1}
    assert events[-1]["exit_code"] == 6


def test_a_failed_build_says_nothing_of_success(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": PLAIN, "unikernel.ml": "let start () = 1 + true\n"})
    _, done = fails(mpy)
    assert "dist/" not in done.stdout
    assert log_lines(done) == []


def test_a_record_of_dune_that_a_full_disk_cut_short_is_made_anew(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop")
    mpy("build", "-t", "unix", code=0)
    record = folder / "mirage/_build/.db"
    record.write_bytes(record.read_bytes()[:200])
    done = mpy("build", code=0)
    old = subprocess.run(("dune", "--version"), capture_output=True, text=True, check=True).stdout.startswith("2.")
    assert ("all is built anew" in done.stderr) is old, "a newer dune finds out by itself"
    assert "(unchanged)" in done.stdout
    assert "anew" not in mpy("build", code=0).stderr

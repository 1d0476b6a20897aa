"""The examples as their readers meet them: copied, configured, built for unix, run; and the folder afterwards."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, MakeProject, Mpy
from tests.integration.conftest import Start, log_lines, snapshot

pytestmark = pytest.mark.ocaml

NAMES = sorted(path.name for path in EXAMPLES.iterdir() if (path / "README.md").is_file())
APPLICATION = "[INFO] [application] "


def test_there_is_an_example_of_everything_that_is_promised() -> None:
    promised = "hello hello-key noop timeout keys c-stubs two-unikernels beside-library own-device async async-network"
    assert set(promised.split()) <= set(NAMES)


def needs_pkg_config(name: str) -> None:
    if name == "c-stubs" and subprocess.run(("pkg-config", "--exists", "zlib"), check=False).returncode:
        pytest.skip("pkg-config knows no zlib here")


def published(folder: Path) -> None:
    """Have packages locked and pulled from a repository and archives on this machine."""
    given = os.environ.get("MPY_TEST_MIRROR")
    if not (os.environ.get("MPY_TEST_ALL") and given):
        pytest.skip(
            "it builds 74 packages: MPY_TEST_ALL is not set, or MPY_TEST_MIRROR names no folder with repo/ and mirror/"
        )
    (folder / "mpy.toml").write_text(f'repositories = ["{given}/repo"]\n', encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------------------
# What the README says is what happens


def session(readme: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a README, with the log lines that it shows after the last one of its block."""
    for block in re.finditer(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", readme, re.MULTILINE | re.DOTALL):
        *before, last = [line.partition(" #")[0].strip() for line in block[1].splitlines()]
        yield from ((line, []) for line in before)
        yield last, [line.split("Z: ", 1)[1] for line in (block[2] or "").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_readme_can_be_followed(name: str, project: MakeProject, mpy: Mpy) -> None:
    needs_pkg_config(name)
    cwd = project(name)
    readme = (cwd / "README.md").read_text(encoding="utf-8")
    if "mpy pull" in readme:
        published(cwd)
    for line, shown in session(readme):
        words = shlex.split(line)
        match words:
            case ["cd", folder]:
                cwd /= folder
            case ["mpy", "pull"]:
                mpy("pull", "--mirror", f"{os.environ['MPY_TEST_MIRROR']}/mirror", cwd=cwd, code=0)
            case ["mpy", *args]:
                done = mpy(*args, cwd=cwd)
                if done.code in (4, 5) and ("apt install" in readme or args[0] == "lock"):
                    pytest.skip(done.stderr.splitlines()[0])
                asks_for_help = args[0] == "run" and "--help" in args
                assert done.code == (63 if asks_for_help else 0), f"{line}\n{done.stderr}"
                assert not shown or log_lines(done) == shown
            case _:
                pytest.fail(f"{name}/README.md has a command that nobody runs: {line}")


# ---------------------------------------------------------------------------------------------------------------------
# What each one prints


def built(name: str, project: MakeProject, mpy: Mpy, *options: str, files: dict[str, str] | None = None) -> Path:
    """The folder of config.py in a copy of an example that is configured and built for unix."""
    needs_pkg_config(name)
    folder = project(name, files)
    folder = next(folder.rglob("config.py")).parent
    mpy("configure", "-t", "unix", *options, cwd=folder, code=0)
    mpy("build", cwd=folder, code=0)
    return folder


def test_hello_greets_once_a_second(project: MakeProject, mpy: Mpy, start: Start) -> None:
    finished = start(built("hello", project, mpy) / "dist/hello")
    assert log_lines(finished) == [f"{APPLICATION}hello"] * 4
    times = re.findall(r":(\d\d)Z: ", finished.stdout + finished.stderr)
    assert len(set(times)) == 4


def test_hello_key_says_what_it_is_told_at_boot(project: MakeProject, mpy: Mpy, start: Start) -> None:
    image = built("hello-key", project, mpy) / "dist/hello-key"
    assert log_lines(start(image)) == [f"{APPLICATION}Hello World!"] * 4
    assert log_lines(start(image, "--hello", "Good morning")) == [f"{APPLICATION}Good morning"] * 4
    shown = start(image, "--help=plain", code=63).stdout
    assert "--hello=WORDS (absent=Hello World!)" in shown
    assert "--logs=LEVEL" in shown
    assert "unknown option" in start(image, "--helo", "Good morning", code=64).stderr


def test_noop_ends_without_a_word(project: MakeProject, mpy: Mpy, start: Start) -> None:
    finished = start(built("noop", project, mpy) / "dist/noop")
    assert (finished.stdout, finished.stderr) == ("", "")


def test_timeout_does_not_wait_for_ever(project: MakeProject, mpy: Mpy, start: Start) -> None:
    image = built("timeout", project, mpy) / "dist/timeout"
    answer, late = "[INFO] [timeout] the answer is 42", "[WARNING] [timeout] no answer within half a second"
    takes = "[DEBUG] [timeout] an answer takes"
    assert log_lines(start(image)) == [answer, late]
    assert log_lines(start(image, "-l", "debug")) == [f"{takes} 100.000ms", answer, f"{takes} 30.000s", late]
    assert log_lines(start(image, "--logs", "warning")) == [late]


def test_keys_choose_the_modules_of_the_image(project: MakeProject, mpy: Mpy, start: Start) -> None:
    folder = built("keys", project, mpy)
    plain = [f"{APPLICATION}{words}" for words in ("guest: Good morning", "host: Good morning")]
    assert log_lines(start(folder / "dist/keys"))[:2] == plain
    main = (folder / "mirage/keys-unix/main.ml").read_text()
    assert "Shouting" not in main
    assert "Somebody" not in main

    assert "--guest-language english|french|german" in mpy("configure", "--help", code=0).stdout
    mpy("configure", "--guest-language", "french", "--host-loud", code=0)
    mpy("build", code=0)
    interpreted = log_lines(start(folder / "dist/keys"))
    assert interpreted[0].startswith(f"{APPLICATION}interpreter: ")
    assert interpreted[1:3] == [f"{APPLICATION}guest: Bonjour", f"{APPLICATION}host: GOOD MORNING!"]


def test_c_stubs_come_from_the_host_library_on_unix_only(project: MakeProject, mpy: Mpy, start: Start) -> None:
    checksum = f"{APPLICATION}crc32 414fa339: The quick brown fox jumps over the lazy dog"
    folder = built("c-stubs", project, mpy)
    assert log_lines(start(folder / "dist/c-stubs")) == [checksum]
    mpy("configure", "-t", "hvt", code=0)
    freestanding = (folder / "mirage/c-stubs-hvt/dune").read_text()
    assert "crc32_table" in freestanding
    assert "-O3" in freestanding
    assert "zlib" not in freestanding

    config = (folder / "config.py").read_text().replace("key.is_unix", "key.is_xen")
    (folder / "config.py").write_text(config)
    mpy("build", "-t", "unix", code=0)
    assert log_lines(start(folder / "dist/c-stubs")) == [checksum]


def test_two_unikernels_share_a_folder_and_a_module(project: MakeProject, mpy: Mpy, start: Start) -> None:
    folder = built("two-unikernels", project, mpy)
    assert "run it: mpy run -t unix -u parter" in mpy("build", code=0).stdout
    assert log_lines(start(folder / "dist/greeter")) == [f"{APPLICATION}Hello, and welcome."]
    assert log_lines(start(folder / "dist/parter")) == [f"{APPLICATION}Goodbye, and come back."]
    copied = re.findall(r"copy_files# \.\./\.\./(\S+)\)", (folder / "mirage/greeter-unix/dune").read_text())
    assert copied == ["greeter.ml", "phrases.ml", "phrases.mli"]


def test_a_unikernel_is_linked_with_the_library_beside_it(project: MakeProject, mpy: Mpy, start: Start) -> None:
    folder = built("beside-library", project, mpy)
    assert log_lines(start(folder / "dist/numerals"))[2] == f"{APPLICATION}2013 is MMXIII"

    (folder.parent / "lib/roman.ml").write_text('let of_int _ = "many"\n')
    mpy("build", cwd=folder, code=0)
    assert log_lines(start(folder / "dist/numerals"))[2] == f"{APPLICATION}2013 is many"


def test_own_devices_are_chosen_by_a_key_of_their_own(project: MakeProject, mpy: Mpy, start: Start) -> None:
    folder = built("own-device", project, mpy)
    result = f"{APPLICATION}fibonacci 30 is 832040"
    summary = f"{APPLICATION}a table of 31, asked 59 times, knew 28"
    assert log_lines(start(folder / "dist/own-device")) == [result, summary]
    start(folder / "dist/own-device", "--slots", "2", code=64)

    mpy("configure", "--cache", "slots", code=0)
    mpy("build", code=0)
    first, second = log_lines(start(folder / "dist/own-device", "--slots", "2"))
    assert first == result
    assert second.startswith(f"{APPLICATION}2 slots, asked ")


# ---------------------------------------------------------------------------------------------------------------------
# What is left in the folder

HELLO_FILES = {
    ".merlin",
    "dist/",
    "dist/hello",
    "dist/hello.unix.debug",
    "dune-project",
    "mirage/",
    "mirage/.lock",
    "mirage/choices.json",
    "mirage/dune",
    "mirage/dune-workspace",
    "mirage/hello-unix/",
    "mirage/hello-unix/dune",
    "mirage/hello-unix/hello-unix.opam",
    "mirage/hello-unix/main.ml",
    "mirage/owned.json",
}
SCRATCH = ("mirage/_build", "mirage/machine", "mirage/.stubs")


def test_a_build_leaves_what_is_its_own_and_nothing_else(project: MakeProject, mpy: Mpy) -> None:
    before = snapshot(EXAMPLES / "hello", without=("mirage", "dist", "dune-project"))
    folder = built("hello", project, mpy)
    assert snapshot(folder, without=SCRATCH).names == before.names | HELLO_FILES


def test_python_leaves_no_cache_beside_an_imported_module(project: MakeProject, mpy: Mpy) -> None:
    folder = project("own-device")
    mpy("configure", "-t", "unix", code=0, env={"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": ""})
    assert not list(folder.rglob("__pycache__"))


def test_a_project_around_it_is_left_alone(project: MakeProject, mpy: Mpy) -> None:
    whole = project("beside-library")
    before = snapshot(whole)
    folder = whole / "unikernel"
    mpy("configure", "-t", "unix", cwd=folder, code=0)
    mpy("build", cwd=folder, code=0)
    after = snapshot(whole, without=("unikernel/mirage", "unikernel/dist", "unikernel/.merlin"))
    assert after.entries == before.entries

    done = subprocess.run(("dune", "build"), cwd=whole, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["hello", "two-unikernels", "own-device"])
def test_clean_leaves_the_folder_as_it_was(name: str, project: MakeProject, mpy: Mpy) -> None:
    folder = project(name)
    before = snapshot(folder)
    mpy("configure", "-t", "unix", "-t", "hvt", code=0)
    mpy("build", "-t", "unix", code=0)
    mpy("clean", code=0)
    assert snapshot(folder).entries == before.entries


def test_a_build_with_nothing_to_do_touches_nothing(project: MakeProject, mpy: Mpy) -> None:
    folder = built("hello", project, mpy)
    quiet = ("mirage/_build", "mirage/.lock")
    before = snapshot(folder, without=quiet)
    done = mpy("build", code=0)
    mpy("configure", code=0)
    assert "unchanged" in done.stdout + done.stderr
    assert snapshot(folder, without=quiet).entries == before.entries


def test_an_edit_is_noticed(project: MakeProject, mpy: Mpy, start: Start) -> None:
    folder = built("noop", project, mpy)
    (folder / "unikernel.ml").write_text('let start () = Logs.warn (fun m -> m "new"); Lwt.return_unit\n')
    mpy("build", code=0)
    assert log_lines(start(folder / "dist/noop")) == ["[WARNING] [application] new"]

    (folder / "helper.ml").write_text("let word = 3\n")
    (folder / "unikernel.ml").write_text("let start () = exit Helper.word\n")
    mpy("build", code=0)
    start(folder / "dist/noop", code=3)


def test_targets_live_side_by_side(project: MakeProject, mpy: Mpy, start: Start) -> None:
    folder = project("hello-key")
    mpy("configure", "-t", "unix", code=0)
    mpy("build", code=0)
    before = snapshot(folder / "mirage/hello-key-unix")
    image = snapshot(folder / "dist")
    mpy("configure", "-t", "hvt", "-t", "xen", code=0)
    assert snapshot(folder / "mirage/hello-key-unix").entries == before.entries
    assert {path.name for path in (folder / "mirage").iterdir() if path.is_dir() and path.name.startswith("hello")} == {
        "hello-key-unix",
        "hello-key-hvt",
        "hello-key-xen",
    }
    mpy("build", "-t", "unix", code=0)
    assert snapshot(folder / "dist").entries == image.entries


def test_the_image_needs_nothing_of_the_build(project: MakeProject, mpy: Mpy, start: Start, tmp_path: Path) -> None:
    folder = built("noop", project, mpy)
    shutil.copy2(folder / "dist/noop", tmp_path / "elsewhere")
    shutil.rmtree(folder)
    start(tmp_path / "elsewhere")


def test_a_failing_unikernel_says_so(project: MakeProject, mpy: Mpy, start: Start) -> None:
    folder = built("noop", project, mpy, files={"unikernel.ml": 'let start () = failwith "no luck"\n'})
    finished = start(folder / "dist/noop", code=2)
    assert "no luck" in finished.stderr

"""What compilers of several versions, linkers and dune say, and what mpy says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirage_py.build.diagnostics import build_failed, lost_its_memory
from mirage_py.doors.processes import Result
from mirage_py.errors import ToolFailed
from mirage_py.model.command import Command


def told(text: str, tmp_path: Path, folder: str = ".") -> ToolFailed:
    """The error for a dune run with this output, in a root that has a config.py, a unikernel.ml and a stub.c."""
    base = tmp_path / folder
    base.mkdir(exist_ok=True)
    for name in ("config.py", "unikernel.ml", "stub.c"):
        (base / name).touch()
    result = Result(command=Command(argv=("dune",), purpose="build x", cwd=tmp_path), code=1, stderr=text)
    return build_failed(result, base)


def at(place: str, text: str) -> str:
    file, line = place.split(":")
    return f'File "{file}", line {line}, characters 2-13:\n{line} | some code\n    ^^^^^^^\n{text}\n'


def test_source_is_shown_with_what_is_meant_in_it_and_the_message_once(tmp_path: Path) -> None:
    source = 'let a = 1\n\tlet s = "h\u00e9" in Duration.of_secc 1\n'
    text = (
        'File "unikernel.ml", line 2, characters 18-34:\nError: Unbound value Duration.of_secc\nHint: Did you mean x?\n'
    )
    told(text, tmp_path)
    (tmp_path / "unikernel.ml").write_text(source, encoding="utf-8")
    command = Command(argv=("dune",), purpose="build x", cwd=tmp_path)
    error = build_failed(Result(command=command, code=1, stderr=f"    ocamlc x.cmo (exit 2)\n{text}"), tmp_path)
    assert error.message == "Unbound value Duration.of_secc"
    assert error.output.splitlines() == [
        'File "unikernel.ml", line 2, characters 18-34:',
        '2 | \tlet s = "h\u00e9" in Duration.of_secc 1',
        "    \t" + " " * 16 + "^" * 16,
        "Hint: Did you mean x?",
    ]


def test_one_error_of_two_targets_is_told_once_without_the_command_lines(tmp_path: Path) -> None:
    one = "(cd _build/default/mirage/x && gcc -c stub.c)\nstub.c:1:3: error: expected ;\n    1 | code\n"
    error = told(f"     gcc mirage/x/stub.o (exit 1)\n{one}     gcc mirage/x/stub.o [solo5] (exit 1)\n{one}", tmp_path)
    assert error.output == "mirage/x/stub.c:1:3: error: expected ;\n    1 | code"


def test_c_of_a_vendored_library_is_named_as_seen_from_the_root(tmp_path: Path) -> None:
    (tmp_path / "duniverse/noop").mkdir(parents=True)
    (tmp_path / "duniverse/noop/st.c").write_text("")
    said = "st.c:2:10: fatal error: pthread.h: No such file or directory\n    2 | #include <pthread.h>\n"
    for begin in ("/r/mirage/_build/solo5", "'/a b/mirage/_build/solo5"):
        end = "'" if begin.startswith("'") else ""
        error = told(f"   cc duniverse/noop/st.o\n(cd {begin}/duniverse/noop{end} && cc -c st.c)\n{said}", tmp_path)
        assert error.location
        assert error.location.file.endswith("duniverse/noop/st.c")
        assert error.message == "there is no header pthread.h for this target"
        assert "pkg_config" not in (error.hint or "")


def test_message_that_was_put_into_other_words_stays_in_those_of_the_compiler(tmp_path: Path) -> None:
    error = told(at("config.py:8", "Error: Unbound value Unikernel.start"), tmp_path)
    assert error.message == "Unikernel has no start"
    assert "Error: Unbound value Unikernel.start" in error.output


def test_error_without_a_place_is_told_to_its_end(tmp_path: Path) -> None:
    error = told("Error: Module Unikernel in directory\n/x depends on Foo.\n\nMore of it.\n", tmp_path)
    assert error.message == "Module Unikernel in directory /x depends on Foo."


CONFIG = "config.py:8"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("Error: Unbound module Words", "Unbound module Words"),
        ('Error: Unbound value "Unikernel.start"', "Unikernel has no start"),
        ("Error: Unbound value Unikernel.hello", "Unikernel has no value hello"),
        (
            "Error: The module Dune__exe.Unikernel.Main is a functor, it cannot have any components",
            "Unikernel.Main takes more arguments than config.py gives it",
        ),
        (
            'Error: The module "Unikernel.Main" is not a functor, it cannot be applied.',
            "a module is given more arguments than it takes",
        ),
        (
            (
                "Error: The functor application is ill-typed.\n       These arguments:\n         A B\n"
                "       1. The following extra argument is provided\n              B : sig end"
            ),
            "a module is given more arguments than it takes",
        ),
        (
            (
                "Error: Modules do not match: sig type t = unit end is not included in\n       sig val x : int end\n"
                "     The value `x' is required but not provided"
            ),
            "an argument is not what the functor wants: The value `x' is required but not provided",
        ),
        (
            (
                "Error: This expression has type unit -> unit Lwt.t\n"
                "       but an expression was expected of type unit io = unit Lwt.t"
            ),
            "start takes more arguments than config.py gives it",
        ),
        (
            (
                'Error: The function "Unikernel.start" has type "unit -> unit Lwt.t"\n'
                "       It is applied to too many arguments\n       This extra argument is not expected."
            ),
            "start takes fewer arguments than config.py gives it",
        ),
    ],
)
def test_where_config_py_and_ocaml_meet_it_is_said_in_the_words_of_config_py(
    said: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = told(at(CONFIG, said), tmp_path)
    assert str(error.location) == CONFIG
    assert error.message == message
    assert error.hint
    assert said.splitlines()[0] in f"Error: {error.message}\n{error.output}"


def test_the_users_file_comes_before_a_generated_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mirage/x-unix").mkdir(parents=True)
    (tmp_path / "mirage/x-unix/main.ml").touch()
    text = at("mirage/x-unix/main.ml:70", "Error: first") + at("unikernel.ml:3", "Error: second")
    error = told(text, tmp_path)
    assert (str(error.location), error.message) == ("unikernel.ml:3", "second")


def test_a_warning_before_it_does_not_hide_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = at("unikernel.ml:1", "Warning 26 [unused-var]: unused variable x.") + at("unikernel.ml:3", "Error: wrong")
    assert str(told(text, tmp_path).location) == "unikernel.ml:3"


def test_a_warning_that_is_an_error_is_called_one(tmp_path: Path) -> None:
    error = told(at("unikernel.ml:2", "Error (warning 26 [unused-var]): unused variable x."), tmp_path)
    assert error.message == "unused variable x. (warning 26 is an error here)"


def test_places_below_the_root_are_told_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = at("uni/unikernel.ml:3", "Error: wrong")
    monkeypatch.chdir(tmp_path)
    assert str(told(text, tmp_path, "uni").location) == "uni/unikernel.ml:3"
    monkeypatch.chdir(tmp_path / "uni")
    assert str(told(text, tmp_path, "uni").location) == "unikernel.ml:3"
    assert str(told(at(CONFIG, "Error: wrong"), tmp_path, "uni").location) == CONFIG


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("stub.c:3:10: error: 'y' undeclared (first use in this function)\n", "stub.c:3", "'y' undeclared"),
        ("stub.c:1:10: fatal error: zlib.h: No such file or directory\n", "stub.c:1", "there is no header zlib.h"),
        (
            (
                "ld: x.o: in function `f':\n/r/_build/default/unikernel.ml:4: undefined reference to `stub_f'\n"
                'File "caml_startup", line 1:\nError: Error during linking (exit code 1)\n'
            ),
            "unikernel.ml:4",
            "no C code defines stub_f",
        ),
        ("/usr/bin/ld: x.o:(.data+0xc0): undefined reference to `stub_f'\n", "None", "no C code defines stub_f"),
    ],
)
def test_c_compilers_and_linkers_are_understood(
    text: str, place: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = told(text, tmp_path)
    assert str(error.location) == place
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        (
            "Error: Dependency cycle between the following files:\n   /a/.eobjs/dune__exe__Foo.impl.all-deps\n"
            "-> /a/.eobjs/dune__exe__Bar.impl.all-deps\n-> /a/.eobjs/dune__exe__Foo.impl.all-deps\n"
        ),
        "Error: dependency cycle between modules in _build/default/mirage/x-unix:\n   Foo\n-> Bar\n-> Foo\n",
        "Error: Dependency cycle between:\n   Foo\n-> Bar\n-> Foo\n-> required by Main\n-> required by _build/log\n",
        (
            "Error: Dependency cycle between:\n   transitive deps of dune__exe__Foo.impl in\n   /b\n"
            "-> transitive deps of dune__exe__Bar.impl in\n   /b\n-> transitive deps of dune__exe__Foo.impl in\n   /b\n"
            "-> required by transitive deps of dune__exe__Main.impl in\n   /b\n-> required by /b/main.exe\n"
        ),
    ],
    ids=["dune-2.9", "dune-3.6", "dune-3.17", "dune-3.24"],
)
def test_a_circle_of_modules_is_named(text: str, tmp_path: Path) -> None:
    assert told(text, tmp_path).message == "modules need each other in a circle: Foo -> Bar -> Foo"


def test_a_library_that_dune_does_not_find_is_named_without_the_generated_file(tmp_path: Path) -> None:
    error = told(at("mirage/x-unix/dune:12", 'Error: Library "romans" not found.'), tmp_path)
    assert error.location is None
    assert error.message == 'no library of this project is named "romans"'


def test_a_signature_of_a_hundred_lines_is_cut(tmp_path: Path) -> None:
    error = told(at("unikernel.ml:3", "Error: wrong\n" + "       val x : int\n" * 100), tmp_path)
    assert len(error.message) < 210
    assert error.message.endswith(" ...")


def test_colours_are_left_out(tmp_path: Path) -> None:
    text = '\x1b[1mFile "unikernel.ml", line 3, characters 1-2\x1b[0m:\n\x1b[1;31mError\x1b[0m: wrong\n'
    assert told(text, tmp_path).message == "wrong"


def test_what_nobody_understands_is_shown_as_it_is(tmp_path: Path) -> None:
    error = told("the disk is on fire\n", tmp_path)
    assert error.message == "build x failed"
    assert error.output == "the disk is on fire"


@pytest.mark.parametrize(("code", "output", "lost"), [
    (1, 'Error: exception Failure("input_value: truncated object")\nRaised by primitive operation at Dune_util', True),
    (1, 'Internal error, please report upstream\nexception End_of_file\n  file "src/dune_util/persistent.ml"', True),
    (-11, "", True),
    (1, 'File "unikernel.ml", line 1:\nError: Unbound module Marshal', False),
    (1, "Error: exception Not_found", False),
    (2, "", False),
], ids=["truncated", "ended", "crash", "module", "other", "silent"])  # fmt: skip
def test_damaged_record_of_dune_is_recognised(code: int, output: str, lost: bool) -> None:
    command = Command(argv=("dune", "build"), purpose="build")
    assert lost_its_memory(Result(command=command, code=code, stderr=output)) is lost


@pytest.mark.parametrize(
    "said", ['Too many opam files for package "mirage-unix"', 'The package "mirage-unix" is defined more than once']
)
def test_two_configurations_in_one_dune_project_are_named(said: str, tmp_path: Path) -> None:
    at = "mirage/machine/runtime/mirage-unix/"
    error = told(f"Error: {said}:\n- tutorial/b/{at}dune-project:4\n- a/{at}dune-project:4\n", tmp_path)
    assert "tutorial/b and a are configured in one dune project, where dune finds mirage-unix twice" in error.message
    assert "mpy -C FOLDER clean" in (error.hint or "")
    assert error.location is None

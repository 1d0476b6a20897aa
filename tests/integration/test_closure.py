"""One closure: what is asked for, served, described and compiled are the same libraries, on every target.

Each test is a small project of its own; the libraries in it stand for a kind. Those that are compiled need OCaml, those
for spt a Solo5 toolchain.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import Finished, MakeProject, Mpy
from tests.integration.conftest import Start
from tests.integration.test_freestanding import installed, said, tender

pytestmark = [pytest.mark.slow, pytest.mark.ocaml]

USER = 'let start () = Logs.info (fun m -> m "%s" ({})); Lwt.return_unit\n'


def config(*packages: str, more: str = "") -> str:
    """A config.py that asks for these packages."""
    asked = ", ".join(f"package({name!r})" for name in packages)
    return f"""from mirage_py import job, main, package, register

register("kinds", [main("Unikernel", job, packages=[{asked}]{more})])
"""


def vendored(name: str, files: Mapping[str, str]) -> dict[str, str]:
    """A vendored package: its files, with the two that make it a dune project."""
    own = {"dune-project": "(lang dune 2.9)\n", f"{name}.opam": "", **files}
    return {f"duniverse/{name}/{file}": text for file, text in own.items()}


def dune_version() -> tuple[int, ...]:
    """Of the dune on PATH; of none where there is no dune."""
    if shutil.which("dune") is None:
        return ()
    said = subprocess.run(("dune", "--version"), capture_output=True, text=True, check=False).stdout
    return tuple(map(int, re.findall(r"\d+", said)[:2]))


def described(mpy: Mpy, *words: str) -> list[str]:
    """The libraries that `mpy query libraries` lists."""
    return mpy("query", "libraries", *words, code=0).stdout.split()


# ---------------------------------------------------------------------------------------------------------------------
# Where the host's libraries are


def installed_by_dune(folder: Path, library: str = "alone", *, version: str = "") -> Path:
    """A library as dune installs one; the folder it is in. Without a version it comes without a META file, too."""
    source = folder / "elsewhere"
    source.mkdir()
    stated = f"(version {version})\n" if version else ""
    files = {
        "dune-project": f"(lang dune 2.9)\n(name {library})\n{stated}",
        f"{library}.opam": "",
        "dune": f"(library (public_name {library}) (name {library.replace('-', '_')}))\n",
        f"{library.replace('-', '_')}.ml": f'let word = "{library}"\n',
    }
    for name, text in files.items():
        (source / name).write_text(text)
    place = folder / "site"
    clean = {key: value for key, value in os.environ.items() if key != "OCAMLPATH"}
    for words in (("build", "@install"), ("install", library, "--prefix", str(place))):
        subprocess.run(("dune", *words, "--root", "."), cwd=source, env=clean, check=True, capture_output=True)
    found = next(place.rglob(f"{library}/META"))
    if not version:
        found.unlink()
    return found.parent.parent


def says_alone(done: Finished) -> bool:
    return "alone" in done.stdout + done.stderr


def test_library_that_dune_alone_knows_serves(
    project: MakeProject, mpy: Mpy, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCAMLPATH", str(installed_by_dune(tmp_path)))
    folder = project({"config.py": config("alone"), "unikernel.ml": USER.format("Alone.word")})
    assert "alone" in described(mpy, "-t", "unix")
    mpy("build", "-t", "unix", code=0)
    assert says_alone(start(folder / "dist/kinds"))


def switch_with(libraries: Path, folder: Path) -> Path:
    """A folder with a local opam switch that has these libraries beside the system's: its findlib says so."""
    programs = folder / "_opam/bin"
    programs.mkdir(parents=True)
    here = Path(shutil.which("ocamlc") or "/usr/bin/ocamlc").parent
    for program in (here / "dune", *here.glob("ocaml*")):
        if program.name != "ocamlfind":
            (programs / program.name).symlink_to(program)
    ours = subprocess.run(("ocamlfind", "printconf", "path"), check=True, capture_output=True, text=True).stdout.split()
    path = ":".join((str(libraries), *ours))
    (folder / "findlib.conf").write_text(f'path="{path}"\ndestdir="{libraries}"\n')
    words = f'#!/bin/sh\nOCAMLFIND_CONF="{folder}/findlib.conf" exec {shutil.which("ocamlfind")} "$@"\n'
    (programs / "ocamlfind").write_text(words)
    (programs / "ocamlfind").chmod(0o755)
    return folder


def test_library_of_a_switch_that_is_named_serves(project: MakeProject, mpy: Mpy, start: Start, tmp_path: Path) -> None:
    switch = str(switch_with(installed_by_dune(tmp_path), tmp_path / "there"))
    folder = project({"config.py": config("alone"), "unikernel.ml": USER.format("Alone.word")})
    assert "alone" in mpy("build", "-t", "unix", code=5).stderr, "the system alone has no such library"
    mpy("build", "-t", "unix", "--switch", switch, code=0)
    assert says_alone(start(folder / "dist/kinds"))


@pytest.mark.solo5
def test_what_generates_files_for_another_target_is_found_where_the_host_has_it(
    project: MakeProject, mpy: Mpy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cross context hides OCAMLPATH from dune: a program of the host has to be linked all the same."""
    monkeypatch.setenv("OCAMLPATH", str(installed_by_dune(tmp_path)))
    made = vendored(
        "made",
        {
            "gen/dune": "(executable (name gen) (libraries alone))\n",
            "gen/gen.ml": 'let () = Printf.printf "let word = %S\\n" Alone.word\n',
            "dune": "(rule (with-stdout-to made.ml (run gen/gen.exe)))\n(library (public_name made))\n",
        },
    )
    folder = project({"config.py": config("made"), "unikernel.ml": USER.format("Made.word"), **made})
    mpy("build", "-t", "spt", code=0)
    assert (folder / "dist/kinds.spt").is_file()


def test_bundled_generator_is_not_set_up_with_another_one(
    project: MakeProject, mpy: Mpy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be set up without a seed, and every unikernel with randomness die at boot."""
    monkeypatch.setenv("OCAMLPATH", str(installed_by_dune(tmp_path, "mirage-crypto-rng", version="2.0.0")))
    project({"config.py": config(), "unikernel.ml": USER.format('"kinds"')})
    served = json.loads(mpy("describe", "-t", "unix", "--format", "json", code=0).stdout)["served"]
    assert {name: one["origin"] for name, one in served.items() if "crypto" in name} == {
        "mirage-crypto-rng": "bundled",
        "mirage-crypto-rng-mirage": "bundled",
    }


# ---------------------------------------------------------------------------------------------------------------------
# What dune files say


def kinds(project: MakeProject, name: str, files: Mapping[str, str], value: str) -> Path:
    """A project that asks for one vendored library and says a value of it."""
    return project({"config.py": config(name), "unikernel.ml": USER.format(value), **vendored(name, files)})


def compiled_libraries(folder: Path, target: str) -> set[str]:
    """The vendored OCaml archives that are in an image, as the linker's map tells."""
    maps = (folder / f"mirage/.stubs/maps/kinds-{target}").glob("*.map")
    text = max(maps, key=lambda file: file.stat().st_mtime).read_text("utf-8", "surrogateescape")
    return {word.split("(")[0] for line in text.splitlines() for word in line.split() if word.startswith("duniverse/")}


SELECT = {
    "pick.ml": "include Num\n",
    "num.small.ml": 'let two = "2"\n',
    "num.big.ml": 'let two = ignore Z.one; "two"\n',
    "dune": "(library (public_name pick)\n"
    " (libraries (select num.ml from (zarith -> num.big.ml) (-> num.small.ml))))\n",
}


@pytest.mark.solo5
def test_alternative_whose_c_is_of_this_machine_is_not_selected(project: MakeProject, mpy: Mpy, start: Start) -> None:
    """zarith is installed, with C stubs for this machine: right for unix, none of spt's."""
    installed("zarith")
    folder = kinds(project, "pick", SELECT, "Pick.two")
    assert "zarith" in described(mpy, "-t", "unix")
    assert "zarith" not in described(mpy, "-t", "spt")
    mpy("build", "-t", "unix", "-t", "spt", code=0)
    assert said(tender(), folder / "dist/kinds.spt") == ["[INFO] [application] 2"]
    assert "two" in start(folder / "dist/kinds").stderr


@pytest.mark.solo5
def test_optional_library_that_lacks_what_it_needs_here_is_none(project: MakeProject, mpy: Mpy) -> None:
    installed("zarith")
    files = {
        "pick.ml": "include Num\n",
        "num.small.ml": 'let two = "2"\n',
        "num.big.ml": "let two = Big.two\n",
        "dune": "(library (public_name pick) (modules pick num)\n"
        " (libraries (select num.ml from (pick.big -> num.big.ml) (-> num.small.ml))))\n",
        "big/dune": "(library (public_name pick.big) (name big) (optional) (libraries zarith))\n",
        "big/big.ml": 'let two = ignore Z.one; "two"\n',
    }
    folder = kinds(project, "pick", files, "Pick.two")
    assert "pick.big" in described(mpy, "-t", "unix")
    assert "pick.big" not in described(mpy, "-t", "spt")
    mpy("build", "-t", "spt", code=0)
    assert said(tender(), folder / "dist/kinds.spt") == ["[INFO] [application] 2"]


STUB = "#include <caml/mlvalues.h>\nvalue kind_same(value x) { return x; }\n"
SAME = 'external same : int -> int = "kind_same"\n'
WAYS = {
    "subdir": {
        "dune": "(subdir inner (library (public_name kind) (foreign_stubs (language c) (names st))))\n",
        "inner/kind.ml": SAME,
        "inner/st.c": STUB,
    },
    "include": {
        "dune": "(include rest.inc)\n",
        "rest.inc": "(library (public_name kind) (foreign_stubs (language c) (names st)))\n",
        "kind.ml": SAME,
        "st.c": STUB,
    },
    "standard": {
        "dune": "(library (public_name kind) (foreign_stubs (language c) (names :standard \\ other)))\n",
        "kind.ml": SAME,
        "st.c": STUB,
        "other.c": "#error is left out\n",
    },
    "re-export": {
        "dune": "(library (public_name kind) (modules kind) (libraries (re_export kind.below)))\n"
        "(library (public_name kind.below) (name below) (modules below) (foreign_stubs (language c) (names st)))\n",
        "kind.ml": "include Below\n",
        "below.ml": SAME,
        "st.c": STUB,
    },
    "renamed": {
        "dune": "(deprecated_library_name (old_public_name kind) (new_public_name kind.now))\n"
        "(library (public_name kind.now) (name kind) (foreign_stubs (language c) (names st)))\n",
        "kind.ml": SAME,
        "st.c": STUB,
    },
    "enabled": {
        "dune": "(library (public_name kind) (modules kind) (foreign_stubs (language c) (names st))\n"
        " (enabled_if (= %{context_name} solo5)))\n",
        "kind.ml": SAME,
        "st.c": STUB,
    },
    "program": {
        "dune": "(* -*- tuareg -*- *)\nlet () = Jbuild_plugin.V1.send\n"
        '  "(library (public_name kind) (foreign_stubs (language c) (names st)))"\n',
        "kind.ml": SAME,
        "st.c": STUB,
    },
    "implemented": {
        "dune": "(library (public_name kind) (virtual_modules kind) (default_implementation kind.c))\n",
        "kind.mli": "val same : int -> int\n",
        "c/dune": "(library (public_name kind.c) (name kind_c) (implements kind)\n"
        " (foreign_stubs (language c) (names st)))\n",
        "c/kind.ml": SAME,
        "c/st.c": STUB,
    },
}


@pytest.mark.solo5
@pytest.mark.parametrize("way", WAYS)
def test_vendored_library_is_known_and_built_as_dune_reads_it(way: str, project: MakeProject, mpy: Mpy) -> None:
    folder = kinds(project, "kind", WAYS[way], "string_of_int (Kind.same 7)")
    listed = {name for name in described(mpy, "-t", "spt") if name.partition(".")[0] == "kind"}
    mpy("build", "-t", "spt", code=0)
    assert said(tender(), folder / "dist/kinds.spt") == ["[INFO] [application] 7"]
    inside = {Path(name).stem.removeprefix("lib").removesuffix("_stubs") for name in compiled_libraries(folder, "spt")}
    assert {name.rpartition(".")[2] for name in listed} >= inside - {"kind_c"}
    assert "kind" in listed


def test_library_of_the_project_itself_serves(project: MakeProject, mpy: Mpy, start: Start) -> None:
    files = {
        "config.py": config("duration", more=', local_libs=["own_words"]'),
        "unikernel.ml": USER.format("Own_words.word"),
        "words/dune": "(library (name own_words) (libraries duration))\n",
        "words/own_words.ml": 'let word = if Duration.of_sec 1 > 0L then "own" else ""\n',
    }
    folder = project(files)
    assert "own_words" in described(mpy, "-t", "unix")
    mpy("build", "-t", "unix", code=0)
    assert "own" in start(folder / "dist/kinds").stderr


@pytest.mark.solo5
def test_what_the_compiler_has_serves_on_every_target(project: MakeProject, mpy: Mpy) -> None:
    """`bigarray` is part of the standard library; many META files and dune files name it still."""
    files = {"dune": "(library (public_name kind) (libraries bigarray))\n", "kind.ml": "let same x = x\n"}
    kinds(project, "kind", files, "string_of_int (Kind.same 7)")
    assert "bigarray" in described(mpy, "-t", "spt")
    mpy("audit", "-t", "spt", code=0)
    mpy("build", "-t", "unix", "-t", "spt", code=0)


# ---------------------------------------------------------------------------------------------------------------------
# What is told before dune runs


BELOW = {"below.opam": 'version: "9.0.0"\n', "dune": "(library (public_name below))\n", "below.ml": ""}
UNMET = {
    '"below" {>= "9.0.1"}': "kind 2.1.8 needs below >= 9.0.1, and the vendored below 9.0.0 is what is here",
    '"below" {>= "9.0.1"} | "below" {< "8"}': "kind 2.1.8 needs below >= 9.0.1, and",
    '"ocaml" {>= "4.08"} "below" {with-test & >= "10"} "nowhere" "below" {= version | < "10"}': "",
    '"ocaml" {>= "99"} "below" {< "10"}': "kind 2.1.8 needs ocaml >= 99, and OCaml",
    '"ocaml-variants" {>= "99"} | "ocaml-base-compiler" {>= "99"}': "kind 2.1.8 needs ocaml-variants >= 99, and OCaml",
    '"dune" {>= "99"} "below" {>= "9"}': "kind 2.1.8 needs dune >= 99, and dune",
    '"below" {< "9"} | "nowhere"': "",
    '"below"]\nversion: "dev"\ndepends: ["below" {= version}': "",
    '"below"]\nconflicts: ["below" {< "9.0.1"}': "kind 2.1.8 cannot be with below < 9.0.1, and",
    '"below" {': "",
}


@pytest.mark.parametrize("depends", UNMET)
def test_bounds_of_vendored_packages_hold_for_those_beside_them(depends: str, project: MakeProject, mpy: Mpy) -> None:
    opam = f'version: "2.1.8"\ndepends: [{depends}]\n'
    files = {"kind.opam": opam, "dune": "(library (public_name kind) (libraries below))\n", "kind.ml": ""}
    project({"config.py": config("kind"), "unikernel.ml": "", **vendored("kind", files), **vendored("below", BELOW)})
    told = " ".join(mpy("doctor", "-t", "unix", code=0).stdout.split())
    assert UNMET[depends] in told
    assert ("kind 2.1.8 needs" in told or "cannot be with" in told) == bool(UNMET[depends])


def test_error_in_a_vendored_package_is_told_by_the_bound_that_does_not_hold(project: MakeProject, mpy: Mpy) -> None:
    files = {
        "kind.opam": 'version: "2.1.8"\ndepends: ["below" {>= "9.0.1"}]\n',
        "dune": "(library (public_name kind) (libraries below))\n",
        "kind.ml": "let word = Below.added\n",
    }
    needs = "kind 2.1.8 needs below >= 9.0.1, and the vendored below 9.0.0 is what is here"
    unikernel = {"config.py": config("kind"), "unikernel.ml": USER.format("Kind.word")}
    folder = project({**unikernel, **vendored("kind", files), **vendored("below", BELOW)})
    failed = mpy("build", "-t", "unix", code=6)
    assert f"warning: {needs}" in failed.stderr
    assert f"error: duniverse/kind/kind.ml:1: {needs}\n" in failed.stderr
    assert re.search('Unbound value "?Below.added"?\n', failed.stderr.partition("hint:")[0])
    (folder / "duniverse/below/below.ml").write_text('let added = "it fits all the same"\n')
    assert f"warning: {needs}" in mpy("build", "-t", "unix", code=0).stderr


def test_project_of_a_newer_dune_is_told_by_the_bound_that_it_states(project: MakeProject, mpy: Mpy) -> None:
    files = {
        "kind.opam": 'version: "2.1.8"\ndepends: ["dune" {>= "99.0"} "ocaml" {>= "98"}]\n',
        "dune-project": "(lang dune 99.0)\n",
        "dune": "(library (public_name kind))\n",
        "kind.ml": "",
    }
    project({"config.py": config("kind"), "unikernel.ml": "", **vendored("kind", files)})
    failed = mpy("build", "-t", "unix", code=6)
    assert "error: duniverse/kind/dune-project:1: kind 2.1.8 needs dune >= 99.0, and dune" in failed.stderr
    assert "kind 2.1.8 needs ocaml >= 98, and OCaml" in failed.stderr
    assert "mpy lock" in failed.stderr.partition("hint:")[2]


def test_copy_of_a_package_inside_another_is_told_before_dune_runs(project: MakeProject, mpy: Mpy) -> None:
    inner = {"vendor/bar/dune-project": "(lang dune 2.9)\n", "vendor/bar/bar.opam": "", "vendor/bar/bar.ml": ""}
    files = {
        **vendored("bar", {"dune": "(library (public_name bar))\n", "bar.ml": 'let word = "outer"\n'}),
        **vendored("foo", {"dune": "(library (public_name foo) (libraries bar))\n", "foo.ml": "", **inner}),
    }
    folder = project({"config.py": config("foo"), "unikernel.ml": USER.format("Bar.word"), **files})
    refused = mpy("build", "-t", "unix", code=4)
    assert "error: the sources hold package bar twice" in refused.stderr
    assert "duniverse/foo/vendor/bar" in refused.stderr
    assert not (folder / "mirage/_build").exists()
    said_so = "(data_only_dirs bar)"
    assert f"say {said_so} in duniverse/foo/vendor/dune" in refused.stderr
    (folder / "duniverse/foo/vendor/dune").write_text(f"{said_so}\n")
    mpy("build", "-t", "unix", code=0)


def test_opam_file_that_dune_takes_for_a_project_is_told_before_dune_runs(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop", {"3.8.0.opam": ""})
    refused = mpy("build", "-t", "unix", code=4)
    assert "error: dune takes 3.8.0.opam for a project named 3.8.0" in refused.stderr
    assert not (folder / "mirage/_build").exists()
    (folder / "dune-project").write_text("(lang dune 2.9)\n(name noop)\n")
    mpy("build", "-t", "unix", code=0)


def test_two_copies_of_a_package_by_name_are_nothing_to_a_folder_that_dune_leaves_alone(
    project: MakeProject, mpy: Mpy
) -> None:
    files = vendored("bar", {"dune": "(library (public_name bar))\n", "bar.ml": 'let word = "outer"\n'})
    hidden = {name.replace("duniverse/bar", "_old/bar"): text for name, text in files.items()}
    project({"config.py": config("bar"), "unikernel.ml": USER.format("Bar.word"), **files, **hidden})
    mpy("build", "-t", "unix", code=0)


def test_projects_within_a_cram_test_are_no_part_of_the_sources(project: MakeProject, mpy: Mpy) -> None:
    files = vendored("bar", {"dune": "(library (public_name bar))\n", "bar.ml": 'let word = "outer"\n'})
    test = {"run.t": "  $ true\n", "A/dune-project": "(lang dune 2.9)\n", "A/bar.opam": "", "B/bar.opam": ""}
    files |= {f"duniverse/bar/test/twice.t/{name}": text for name, text in test.items()}
    files["duniverse/bar/dune-project"] = "(lang dune 2.9)\n(cram enable)\n(name bar)\n"
    project({"config.py": config("bar"), "unikernel.ml": USER.format("Bar.word"), **files})
    mpy("build", "-t", "unix", code=0)


MAKERS = {
    "dune": """(rule (with-stdout-to flags.sexp (run config/discover.exe)))
(rule (with-stdout-to made.ml (run no-such-crunch data)))
(menhir (modules grammar))
(library (public_name kind) (c_library_flags (:include flags.sexp)) (foreign_stubs (language c) (names st))
 (preprocess (pps no-such-ppx)))
""",
    "config/dune": "(executable (name discover) (libraries no-such-configurator))\n",
    "config/discover.ml": "",
    "kind.ml": SAME,
    "grammar.mly": "",
    "st.c": STUB,
}


@pytest.mark.solo5
def test_what_makes_files_is_told_at_once_before_anything_is_compiled(project: MakeProject, mpy: Mpy) -> None:
    """Programs, libraries of programs and preprocessors: each would else stop dune by itself, one after the other."""
    folder = kinds(project, "kind", MAKERS, "string_of_int (Kind.same 7)")
    refused = mpy("build", "-t", "unix", "-t", "spt", code=5)
    for name in ("no-such-crunch", "no-such-configurator", "no-such-ppx"):
        told = [line for line in refused.stderr.splitlines() if line.strip().startswith(f"{name}")]
        assert told == [f"       {name}, to build with: asked for by kind"], "once, and for all targets"
    assert "mpy lock && mpy pull" in refused.stderr
    assert not (folder / "mirage/_build").exists()


NEWER = {
    "dune-project": "(lang dune 3.14)\n",
    "lib/dune": "(library (public_name kind))\n(dynamic_include ../made/rules.inc)\n",
    "lib/kind.ml": "let same = Words.same\n",
    "made/dune": "(rule (with-stdout-to rules.inc (run ../gen/gen.exe)))\n",
    "gen/dune": "(executable (name gen) (libraries below))\n",
    "gen/gen.ml": "let () = print_string Below.rules\n",
}


@pytest.mark.skipif(dune_version() < (3, 14), reason="dune knows dynamic_include since 3.14")
def test_rules_that_a_rule_writes_are_known_as_dune_makes_them(project: MakeProject, mpy: Mpy, start: Start) -> None:
    rules = 'let rules = {|(rule (with-stdout-to words.ml (%s "let same x = x")))|}\n'
    files = {**BELOW, "below.ml": rules % "run no-such-writer"}
    folder = project(
        {
            "config.py": config("kind"),
            "unikernel.ml": USER.format("string_of_int (Kind.same 7)"),
            **vendored("kind", NEWER),
            **vendored("below", files),
        }
    )
    assert "no-such-writer, to build with: asked for by kind" in mpy("build", "-t", "unix", code=5).stderr
    assert not list(folder.glob("duniverse/**/_build"))
    (folder / "duniverse/below/below.ml").write_text(rules % "echo")
    mpy("build", "-t", "unix", code=0)
    assert "7" in start(folder / "dist/kinds").stderr


# ---------------------------------------------------------------------------------------------------------------------
# The doctor looks at the same closure


def problems(mpy: Mpy, *words: str, code: int) -> list[str]:
    """What the doctor says that has to be mended, by what it is about."""
    lines = map(json.loads, mpy("doctor", *words, "--json", code=code).stdout.splitlines())
    return [line["subject"] for line in lines if line["status"] == "problem"]


@pytest.mark.solo5
def test_doctor_fails_where_the_build_would(project: MakeProject, mpy: Mpy) -> None:
    folder = kinds(project, "kind", MAKERS, "string_of_int (Kind.same 7)")
    found = problems(mpy, "-t", "spt", code=5)
    assert {"no-such-crunch", "no-such-configurator", "no-such-ppx"} <= set(found)
    mpy("build", "-t", "spt", code=5)
    for name in ("config", "grammar.mly"):
        place = folder / "duniverse/kind" / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    (folder / "duniverse/kind/dune").write_text(
        "(library (public_name kind) (foreign_stubs (language c) (names st)))\n"
    )
    assert problems(mpy, "-t", "spt", code=0) == []
    mpy("build", "-t", "spt", code=0)


@pytest.mark.solo5
def test_doctor_knows_a_library_that_serves_one_target_alone(project: MakeProject, mpy: Mpy) -> None:
    installed("zarith")
    project({"config.py": config("zarith"), "unikernel.ml": USER.format("Z.to_string Z.one")})
    assert problems(mpy, "-t", "unix", code=0) == []
    assert problems(mpy, "-t", "spt", code=5) == ["zarith"]


def test_doctor_tells_of_sources_that_dune_refuses(project: MakeProject, mpy: Mpy) -> None:
    project("noop", {**vendored("bar", {}), "duniverse/foo/bar/bar.opam": ""})
    assert problems(mpy, "-t", "unix", code=5) == ["bar"]


def test_doctor_tells_of_a_dune_project_that_is_too_old_for_a_build(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop", {"dune-project": "(lang dune 2.7)\n"})
    assert [Path(one).name for one in problems(mpy, "-t", "unix", code=5)] == ["dune-project:1"]
    mpy("build", "-t", "unix", code=5)
    (folder / "dune-project").write_text("(lang dune 2.9)\n")
    assert problems(mpy, "-t", "unix", code=0) == []


def test_a_missing_package_is_not_said_to_be_meant(project: MakeProject, mpy: Mpy) -> None:
    text = 'main("Unikernel", job, packages=[package("chamelon", libs=["chamelon.kv"])])'
    project("noop", {"config.py": f"from mirage_py import job, main, package, register\nregister('noop', [{text}])\n"})
    told = mpy("build", "-t", "unix", code=5).stderr
    assert "chamelon.kv" in told
    assert "did you mean" not in told


def test_doctor_tells_of_a_configuration_that_is_none(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": "from mirage_py import main, register\nregister('x', [main('Unikernel')])\n"})
    assert problems(mpy, code=5) == ["config.py:2"]


def test_doctor_sums_up_who_serves(project: MakeProject, mpy: Mpy) -> None:
    project("noop")
    assert "libraries of noop-unix" in mpy("doctor", "-t", "unix", code=0).stdout

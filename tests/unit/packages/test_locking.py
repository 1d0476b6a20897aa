"""mpy lock over a repository that the test makes: what is chosen, what stays, what is told when nothing can be."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from mirage_py.cli.app import main
from mirage_py.packages.lock import FILE, Folder, GitTree, Lock
from mirage_py.packages.lock_file import read_lock
from tests.unit.packages.repository import Published

CONFIG = """\
from mirage_py import *

register("hello", [main("Unikernel", job, packages=[{packages}])])
"""
HERE = ("--ocaml", "4.14.2", "--dune", "3.17.2")


@pytest.fixture
def published(tmp_path: Path) -> Published:
    made = Published(tmp_path)
    for name in ("lwt", "logs", "cmdliner", "ptime", "mtime", "fmt"):
        made.publish(name, "9.0.0")
    return made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with a cache of its own, where a socket raises."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "unikernel.ml").write_text("let start () = Lwt.return_unit\n")
    monkeypatch.chdir(folder)
    configure(folder, 'package("one")')
    return folder


def configure(folder: Path, packages: str) -> None:
    (folder / "config.py").write_text(CONFIG.format(packages=packages))


def lock(published: Published, *words: str) -> int:
    return main(["lock", "-t", "unix", "--repo", published.source, *HERE, *words])


def versions(folder: Path) -> dict[str, str]:
    return {one.name: one.version for one in held(folder).packages}


def held(folder: Path) -> Lock:
    return read_lock(folder)


def test_newest_that_fits_is_locked(project: Path, published: Published) -> None:
    published.publish("one", "1.0.0")
    published.publish("one", "2.0.0", '"two" {>= "1.0"}')
    published.publish("one", "3.0.0", '"ocaml" {>= "5.0"}')
    published.publish("two", "0.9.0")
    published.publish("two", "1.1.0")
    assert lock(published) == 0
    found = versions(project)
    assert (found["one"], found["two"]) == ("2.0.0", "1.1.0")
    assert "ocaml" not in found
    two = held(project).package("two")
    assert two is not None
    assert [(one.by, one.bound) for one in two.asked] == [("one", ">= 1.0")]
    assert two.unikernels == ("hello-unix",)


def test_same_request_gives_the_same_bytes(project: Path, published: Published) -> None:
    published.publish("one", "1.0.0")
    lock(published)
    first = (project / FILE).read_bytes()
    (project / FILE).unlink()
    lock(published)
    assert (project / FILE).read_bytes() == first


def test_what_is_locked_stays_until_update(project: Path, published: Published) -> None:
    published.publish("one", "1.0.0", '"two"')
    published.publish("two", "1.0.0")
    lock(published)
    published.publish("one", "2.0.0", '"two"')
    published.publish("two", "2.0.0")
    lock(published)
    assert (versions(project)["one"], versions(project)["two"]) == ("1.0.0", "1.0.0")
    lock(published, "--update", "two")
    assert (versions(project)["one"], versions(project)["two"]) == ("1.0.0", "2.0.0")
    lock(published, "--update")
    assert versions(project)["one"] == "2.0.0"


def test_diff_shows_and_writes_nothing(project: Path, published: Published, capsys: pytest.CaptureFixture[str]) -> None:
    published.publish("one", "1.0.0")
    lock(published)
    before = (project / FILE).read_bytes()
    published.publish("one", "2.0.0")
    capsys.readouterr()
    assert lock(published, "--diff") == 0
    assert "~ one 1.0.0 -> 2.0.0" in capsys.readouterr().out
    assert (project / FILE).read_bytes() == before


def test_json_names_what_was_chosen(project: Path, published: Published, capsys: pytest.CaptureFixture[str]) -> None:
    published.publish("one", "1.0.0")
    assert lock(published, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["packages"]["one"] == "1.0.0"
    assert answer["written"] is True


def test_check_tells_what_no_longer_fits(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    published.publish("two", "1.0.0")
    lock(published)
    assert main(["lock", "--check", "-t", "unix"]) == 0
    configure(project, 'package("one", min="2.0"), package("two")')
    capsys.readouterr()
    assert main(["lock", "--check", "-t", "unix"]) == 4
    told = capsys.readouterr().err
    assert "hello-unix asks for one >= 2.0, which is not in it" in told
    assert "hello-unix asks for two, which is not in it" in told
    assert "hint:  mpy lock" in told


def test_check_sees_a_version_that_was_edited(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    lock(published)
    text = (project / FILE).read_text()
    (project / FILE).write_text(text.replace('version = "1.0.0"', 'version = "0.1.0"'))
    assert main(["lock", "--check", "-t", "unix"]) == 4
    assert "one 0.1.0 is in none of its repositories" in capsys.readouterr().err


def test_check_sees_that_a_lock_was_edited_where_it_still_makes_sense(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    lock(published)
    checksum = held(project).sources[0].origin.checksums[0]  # type: ignore[union-attr]  # an archive
    (project / FILE).write_text((project / FILE).read_text().replace(checksum, f"sha256={'0' * 64}"))
    assert main(["lock", "--check"]) == 4
    assert "it was changed after mpy lock wrote it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--ocaml", "5.3.0"), "it was made for OCaml 4.14.2; named is 5.3.0"),
        (("--dune", "3.20.2"), "it was made for dune 3.17.2; named is 3.20.2"),
        (("--no-bundled",), "it was made with the libraries that come with mpy"),
        (("--installed",), "it was made without the libraries that are installed"),
    ],
)
def test_check_compares_what_the_command_line_says(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    published.publish("one", "1.0.0")
    lock(published)
    assert main(["lock", "--check", *words]) == 4
    assert told in capsys.readouterr().err


def test_check_sees_another_pin_and_none(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("here", "there"):
        (project / name).mkdir()
        (project / name / "one.opam").write_text('opam-version: "2.0"\n')
    published.publish("one", "1.0.0")
    configure(project, 'package("one", pin="here")')
    lock(published)
    assert main(["lock", "--check"]) == 0
    configure(project, 'package("one", pin="there")')
    assert main(["lock", "--check"]) == 4
    assert "one is pinned to there, and locked from here" in capsys.readouterr().err
    configure(project, 'package("one")')
    assert main(["lock", "--check"]) == 4
    assert "one is locked from here, and not pinned any more" in capsys.readouterr().err


def test_in_a_fresh_clone_a_lock_stays_for_the_targets_that_it_names(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    for name in ("cmdliner-stdlib", "mirage-solo5"):
        published.publish(name, "9.0.0")
    lock(published, "-t", "spt")
    before = (project / FILE).read_bytes()
    assert b"hello-spt" in before
    assert main(["lock", "--repo", published.source, *HERE]) == 0
    assert (project / FILE).read_bytes() == before
    configure(project, 'package("one"), package("two")')
    assert main(["lock", "--check"]) == 4
    assert "hello-unix, hello-spt ask for two, which is not in it" in capsys.readouterr().err


def test_check_tells_a_unikernel_that_is_no_longer_there(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    lock(published)
    (project / "config.py").write_text((project / "config.py").read_text().replace('"hello"', '"other"'))
    assert main(["lock", "--check"]) == 4
    told = capsys.readouterr().err
    assert "other-unix is not in it" in told
    assert "it is for hello-unix too, which config.py does not have" in told


def test_compiler_that_is_named_has_a_version(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lock(published, "--ocaml", "newest") == 2
    assert "--ocaml newest: this is no version" in capsys.readouterr().err


def test_compiler_that_is_too_old_is_told_at_the_end_of_the_chain(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0", '"two"')
    published.publish("two", "1.0.0", '"ocaml" {>= "5.1"}')
    assert lock(published) == 4
    told = capsys.readouterr().err.splitlines()
    assert [line.strip() for line in told[1:5]] == [
        "config.py wants one",
        "one 1.0.0 wants two",
        "two 1.0.0 wants ocaml >= 5.1",
        "this machine has ocaml 4.14.2",
    ]
    assert "with OCaml 5.3.0 and dune 3.17.2 (Debian 13 has both) there is a solution" in "\n".join(told)
    assert not (project / FILE).exists()


def test_all_that_dune_cannot_build_is_named_at_once_with_its_port(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, 'package("one"), package("two", min="2.0"), package("three"), package("five")')
    published.publish("one", "1.0.0", '"four" {>= "2.0"}', '"tool" {build}', dune=False)
    published.publish("two", "2.0.0", dune=False)
    published.publish("two", "1.0.0")
    published.publish("three", "1.0.0", dune=False)
    published.publish("three", "1.0.0+dune", '"ocaml" {>= "5.1"}')
    published.publish("four", "2.0.0", dune=False)
    published.publish("five", "1.0.0", '"four"')
    published.publish("tool", "1.0.0", dune=False)
    assert lock(published) == 4
    told = capsys.readouterr().err.splitlines()
    assert told[0].endswith("dune has to build what goes into an image, and cannot build four, one, three, two")
    assert [line.strip() for line in told[1:5]] == [
        "four 2.0.0, asked for by five, one (>= 2.0); port: none",
        "one 1.0.0, asked for by config.py; port: none",
        "three 1.0.0, asked for by config.py; port: 1.0.0+dune, but this machine has ocaml 4.14.2",
        "two 2.0.0, asked for by config.py (>= 2.0); a version with one: 1.0.0, but config.py wants >= 2.0",
    ]


def test_what_dune_cannot_build_is_named_beside_another_reason(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, 'package("one"), package("two")')
    published.publish("one", "1.0.0", '"ocaml" {< "4.0"}')
    published.publish("two", "1.0.0", dune=False)
    assert lock(published) == 4
    told = capsys.readouterr().err
    assert "one 1.0.0 wants ocaml < 4.0" in told
    assert "two 1.0.0, asked for by config.py; port: none" in told


def test_version_that_dune_builds_is_taken_before_a_newer_one(project: Path, published: Published) -> None:
    published.publish("one", "2.0.0", dune=False)
    published.publish("one", "1.0.0")
    assert lock(published) == 0
    assert versions(project)["one"] == "1.0.0"


def test_packages_of_one_repository_come_from_one_archive(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, 'package("one"), package("one-more", min="2.0")')
    of = 'dev-repo: "git+https://example.org/one.git"\n'
    published.publish("one", "1.0.0", more=of)
    published.publish("one-more", "2.0.0", '"one"', more=of)
    assert lock(published) == 4
    told = capsys.readouterr().err
    assert "one 1.0.0 and one-more 2.0.0 come from one repository, and no archive of it has all that is wanted" in told


def test_two_wishes_that_disagree_are_both_told(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, 'package("one"), package("two")')
    published.publish("one", "1.0.0", '"base" {>= "2.0"}')
    published.publish("two", "1.0.0", '"base" {< "2.0"}')
    published.publish("base", "1.0.0")
    published.publish("base", "2.0.0")
    assert lock(published) == 4
    told = capsys.readouterr().err
    assert "one comes down to base >= 2.0" in told
    assert "two comes down to base < 2.0" in told


def test_newest_of_what_is_to_be_avoided_is_taken_where_nothing_else_will_do(
    project: Path, published: Published
) -> None:
    published.publish("one", "1.0.0", '"two" {= "1.0.0"}')
    published.publish("one", "2.0.0", '"two"')
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        published.publish("two", version, more="flags: deprecated\n")
    assert lock(published) == 0
    assert (versions(project)["one"], versions(project)["two"]) == ("2.0.0", "1.2.0")


def test_package_that_nobody_has_is_named(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lock(published) == 4
    assert "no repository has a package one" in capsys.readouterr().err


def test_bound_that_is_in_the_way_is_named(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, 'package("one", min="2.0")')
    published.publish("one", "1.0.0")
    assert lock(published) == 4
    told = capsys.readouterr().err
    assert "no version of one >= 2.0 is there: the newest that the repositories have is 1.0.0" in told
    assert 'override(package("one"' in told


def test_cycle_is_solved_as_any_other_requirement(project: Path, published: Published) -> None:
    published.publish("one", "1.0.0", '"two"')
    published.publish("two", "1.0.0", '"one"')
    assert lock(published) == 0
    assert {"one", "two"} <= {*versions(project)}


def test_folder_that_is_pinned_stays_a_folder(project: Path, published: Published) -> None:
    published.publish("two", "1.0.0")
    pinned = project.parent / "lib"
    pinned.mkdir()
    (pinned / "one.opam").write_text('opam-version: "2.0"\ndepends: [ "two" {>= "1.0"} ]\n')
    configure(project, 'package("one", pin="../lib")')
    assert lock(published) == 0
    assert held(project).source("one").origin == Folder(path="../lib")
    assert versions(project)["two"] == "1.0.0"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on PATH")
def test_pin_to_a_branch_stays_at_its_commit_until_update(project: Path, published: Published) -> None:
    def commit(text: str) -> str:
        (repository / "one.opam").write_text(text)
        for words in (("add", "."), ("-c", "user.name=n", "-c", "user.email=n@invalid", "commit", "-qm", text)):
            subprocess.run(("git", *words), cwd=repository, check=True)
        return subprocess.check_output(("git", "rev-parse", "HEAD"), cwd=repository, text=True).strip()

    def locked() -> str:
        origin = held(project).source("one").origin
        assert isinstance(origin, GitTree)
        return origin.commit

    repository = project.parent / "lib"
    subprocess.run(("git", "init", "-q", "-b", "main", str(repository)), check=True)
    first = commit('opam-version: "2.0"\n')
    configure(project, 'package("one", pin="git+file://PLACE#main")'.replace("PLACE", str(repository)))
    lock(published)
    assert locked() == first
    second = commit('opam-version: "2.0" # two\n')
    lock(published)
    assert locked() == first
    lock(published, "--update", "one")
    assert locked() == second
    configure(project, 'package("one", pin="../lib#main")')
    third = commit('opam-version: "2.0" # three\n')
    lock(published)
    assert locked() == third


def test_first_repository_that_has_a_version_wins(project: Path, published: Published, tmp_path: Path) -> None:
    other = Published(tmp_path / "other")
    published.publish("one", "1.0.0")
    other.publish("one", "1.0.0", more="# another file\n", dune=True)
    other.publish("one", "0.5.0")
    words = ("--repo", other.source)
    assert lock(published, *words) == 0
    made = held(project)
    assert [one.source for one in made.repositories] == [published.source, other.source]
    assert versions(project)["one"] == "1.0.0"


BROKEN = {
    "a broken opam file": ('depends: [ "two"\n', "one.1.0.0/opam:2"),
    "a bound that is none": ('depends: [ "two" {>= } ]\n', "one.1.0.0/opam:1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_opam_file_is_told_with_its_line(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    text, place = BROKEN[name]
    published.write("one", "1.0.0", text)
    assert lock(published) == 1
    assert place in capsys.readouterr().err


def test_repository_without_packages_is_refused(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["lock", "-t", "unix", "--repo", str(tmp_path / "empty"), *HERE]) == 1
    assert "there are no packages in it" in capsys.readouterr().err


def test_archive_that_is_cut_short_is_refused(
    project: Path, published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    whole = tmp_path / "index.tar.gz"
    with tarfile.open(whole, "w:gz") as tar:
        tar.add(published.source, arcname=".")
    assert main(["lock", "-t", "unix", "--repo", str(whole), *HERE]) == 0
    whole.write_bytes(whole.read_bytes()[:-40])
    assert main(["lock", "-t", "unix", "--repo", str(whole), *HERE]) == 1
    assert "only half of it came" in capsys.readouterr().err


def test_repositories_of_a_project_are_named_in_mpy_toml(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    source = os.path.relpath(published.source, project)
    assert main(["repo", "add", source]) == 0
    assert main(["repo", "add", source]) == 2
    for default in ("https://opam.ocaml.org/index.tar.gz",):
        assert main(["repo", "remove", default]) == 0
    capsys.readouterr()
    assert main(["repo", "list"]) == 0
    assert source in capsys.readouterr().out
    assert main(["repo", "remove", "elsewhere"]) == 2


def test_build_locks_first_where_nothing_is_locked(
    project: Path, published: Published, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mirage_py.cli.build.make", lambda *_, **__: 0)
    published.publish("one", "1.0.0")
    (project / "mpy.toml").write_text(f'repositories = ["{published.source}"]\n')
    words = ["build", "-t", "unix", "--pull", "--offline", "--mirror", str(published.mirror)]
    assert main(words) == 0
    assert (project / "mirage/duniverse/one/one.opam").is_file()
    made = (project / FILE).read_bytes()
    published.publish("one", "2.0.0")
    assert main(words) == 0
    assert (project / FILE).read_bytes() == made
    configure(project, 'package("two")')
    capsys.readouterr()
    assert main(words) == 4
    assert "this lock does not fit config.py" in capsys.readouterr().err


def test_why_names_who_asked(project: Path, published: Published, capsys: pytest.CaptureFixture[str]) -> None:
    published.publish("one", "1.0.0", '"two" {>= "1.0"}')
    published.publish("two", "1.0.0")
    lock(published)
    capsys.readouterr()
    assert main(["why", "two"]) == 0
    told = capsys.readouterr().out
    assert "one wants >= 1.0" in told
    assert "config.py > one > two" in told
    assert main(["why", "tow"]) == 4
    assert "did you mean two?" in capsys.readouterr().err


def c_library(published: Published, name: str, *depends: str) -> None:
    """A package that stands for header files of the system."""
    wanted = " ".join(depends)
    published.write(
        name, "1", f'opam-version: "2.0"\ndepends: [ {wanted} ]\nflags: conf\ndepexts: [ ["lib{name}-dev"] {{true}} ]\n'
    )


def test_check_that_runs_while_building_may_want_a_c_library(project: Path, published: Published) -> None:
    c_library(published, "conf-c")
    c_library(published, "conf-c-has-it", '"conf-c"')
    published.publish("one", "1.0.0", '"conf-c-has-it" {build}')
    assert main(["lock", "-t", "spt", "--repo", published.source, *HERE]) == 0
    assert versions(project)["one"] == "1.0.0"


def test_library_of_the_host_is_in_no_freestanding_image(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    c_library(published, "conf-c")
    published.publish("one", "1.0.0", '"conf-c"')
    assert main(["lock", "-t", "spt", "--repo", published.source, *HERE]) == 4
    told = [line.strip() for line in capsys.readouterr().err.splitlines()]
    assert told[1:3] == [
        "config.py wants one",
        "one 1.0.0 links C libraries of this machine (conf-c), which no freestanding image can hold",
    ]
    assert lock(published) == 0


def test_package_that_may_lead_to_a_library_of_the_host_is_named(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which of its libraries an image links, only the sources tell: irmin-git leads to libffi for its unix part."""
    c_library(published, "conf-c")
    published.publish("one", "1.0.0", '"two"')
    published.publish("two", "1.0.0", '"conf-c"')
    assert main(["lock", "-t", "spt", "--repo", published.source, *HERE]) == 0
    assert "two 1.0.0 links C libraries of this machine" in capsys.readouterr().err
    published.publish("two", "0.9.0")
    assert main(["lock", "--update", "-t", "spt", "--repo", published.source, *HERE]) == 0
    assert versions(project)["two"] == "0.9.0"


def test_much_newer_versions_of_newer_tools_are_told_in_a_line(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    published.publish("one", "2.1.0", '"ocaml" {>= "5.1"}')
    published.publish("dune", "3.99.0")
    assert lock(published) == 0
    told = capsys.readouterr().err
    assert "with OCaml 5.3.0 and dune 3.17.2 (Debian 13 has both) there would be much newer versions: one 2.1.0" in told
    published.publish("one", "3.0.0", '"dune" {>= "3.98"}')
    assert lock(published, "--update") == 0
    assert "with dune 3.99.0 there would be much newer versions: one 3.0.0 instead of 1.0.0" in capsys.readouterr().err
    published.publish("one", "1.5.0")
    assert lock(published, "--update", "--dune", "3.99.0", "--ocaml", "5.3.0") == 0
    assert "newer versions" not in capsys.readouterr().err


def test_slightly_newer_version_is_not_worth_a_line(
    project: Path, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    published.publish("one", "1.0.0")
    published.publish("one", "1.9.0", '"ocaml" {>= "5.1"}')
    assert lock(published) == 0
    assert "newer" not in capsys.readouterr().err


ASIDE = """\
from mirage_py import *

register("hello", [main("Unikernel", job)])
register("aside", [main("Aside", job, packages=[{packages}])])
"""


def aside(folder: Path, packages: str) -> None:
    """Two unikernels: hello for spt, and aside for unix alone, which asks for more."""
    (folder / "config.py").write_text(ASIDE.format(packages=packages))
    (folder / "aside.ml").write_text("let start () = Lwt.return_unit\n")
    assert main(["configure", "-u", "hello", "-t", "spt"]) == 0
    assert main(["configure", "-u", "aside", "-t", "unix"]) == 0


def test_library_of_the_host_serves_the_unix_target_beside_a_freestanding_one(
    project: Path, published: Published
) -> None:
    aside(project, 'package("one")')
    c_library(published, "conf-c")
    published.publish("one", "1.0.0", '"two"')
    published.publish("two", "1.0.0", '"conf-c"')
    assert main(["lock", "--repo", published.source, *HERE]) == 0
    c = held(project).package("conf-c")
    assert c is not None
    assert c.unikernels == ("aside-unix",)


@pytest.mark.parametrize("choice", ['"conf-c" | "port"', '"port" | "conf-c"'])
def test_of_a_choice_each_image_has_what_it_can_hold(project: Path, published: Published, choice: str) -> None:
    """What both link has the port; that of the host serves only what is of unix alone."""
    configure(project, 'package("one")')
    c_library(published, "conf-c")
    published.publish("port", "1.0.0")
    published.publish("one", "1.0.0", f"({choice})")
    assert main(["lock", "-t", "spt", "--repo", published.source, *HERE]) == 0
    assert "conf-c" not in versions(project)
    aside(project, 'package("two")')
    text = (
        (project / "config.py").read_text().replace('"Unikernel", job', '"Unikernel", job, packages=[package("one")]')
    )
    (project / "config.py").write_text(text)
    published.publish("two", "1.0.0", '"conf-c"', '"one"')
    assert main(["lock", "--update", "--repo", published.source, *HERE]) == 0
    found = held(project)
    assert {name: found.package(name).unikernels for name in ("one", "two", "conf-c", "port")} == {  # type: ignore[union-attr]
        "one": ("aside-unix", "hello-spt"),
        "two": ("aside-unix",),
        "conf-c": ("aside-unix",),
        "port": ("hello-spt",) if choice.startswith('"conf-c"') else ("aside-unix", "hello-spt"),
    }


def test_older_version_without_c_of_the_host_is_taken_for_a_freestanding_image(
    project: Path, published: Published
) -> None:
    c_library(published, "conf-c")
    published.publish("one", "1.0.0")
    published.publish("one", "2.0.0", '"conf-c"')
    assert main(["lock", "-t", "unix", "-t", "spt", "--repo", published.source, *HERE]) == 0
    assert versions(project)["one"] == "1.0.0"
    assert lock(published, "--update") == 0
    assert versions(project)["one"] == "2.0.0"


def test_only_the_toolchain_is_of_the_machine(project: Path, published: Published) -> None:
    configure(project, 'package("solo5-elftool"), package("solo5", scope="switch")')
    published.publish("solo5-elftool", "1.0.0")
    assert lock(published) == 0
    assert versions(project)["solo5-elftool"] == "1.0.0"
    assert "solo5" not in versions(project)


def test_patch_for_another_platform_is_not_fetched(project: Path, published: Published) -> None:
    more = """patches: [ "a.patch" {os = "macos"} "b.patch" ]
extra-source "a.patch" { src: "http://releases.invalid/a.patch" checksum: "md5=00" }
extra-source "b.patch" { src: "http://releases.invalid/b.patch" checksum: "md5=11" }
"""
    published.publish("one", "1.0.0", more=more)
    assert lock(published) == 0
    source = held(project).source("one")
    assert (source.patches, [one.name for one in source.extra_sources]) == (("b.patch",), ["b.patch"])


@pytest.mark.ocaml
def test_that_this_machine_has_what_is_missing_is_told(
    published: Published, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(project, 'package("findlib")')
    assert main(["lock", "-t", "unix", "--repo", published.source]) == 4
    told = "with libraries that this machine has there is a solution: mpy lock --installed"
    assert told in capsys.readouterr().err
    assert lock(published) == 4, "a compiler that was named may be that of another machine"
    assert told not in capsys.readouterr().err


def test_installed_library_serves_where_that_is_asked_for(project: Path, published: Published) -> None:
    configure(project, 'package("findlib")')
    assert lock(published) == 4
    assert lock(published, "--installed") == 0
    assert held(project).package("findlib").served == "installed"  # type: ignore[union-attr]


def test_bundled_libraries_serve_where_released_ones_cannot(project: Path, published: Published) -> None:
    published.publish("one", "1.0.0")
    assert lock(published) == 0
    assert held(project).package("mirage-runtime").served == "bundled"  # type: ignore[union-attr]
    assert lock(published, "--no-bundled") == 4

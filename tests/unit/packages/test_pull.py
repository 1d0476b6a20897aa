"""mpy pull from a mirror that the test makes: what is laid, what is left alone, what is refused."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mirage_py.doors.files import Tree
from mirage_py.errors import FetchFailed, LockError, MpyError, PackageConflict, WouldOverwrite
from mirage_py.libraries.versions import version_of
from mirage_py.packages import duniverse, unpack
from mirage_py.packages.lock import Archive, Folder, Subst
from mirage_py.workflow.pull import Pulled, Where, pull
from tests.unit.packages.releases import Releases, library, sha256, tarball


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A socket raises; caches are the test's own."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OPAMROOT", str(tmp_path / "opam"))


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "mirror")


Run = Callable[..., Pulled]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def run(releases: Releases, root: Path) -> Run:
    """Pulls what the releases lock, without a network."""

    def pulled(**options: object) -> Pulled:
        releases.write(root)
        return pull(root, Where(mirrors=(str(releases.mirror),), offline=True), **options)  # type: ignore[arg-type]

    return pulled


def shown(folder: Path) -> dict[str, str]:
    """The texts below a folder, without mpy's notes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".mpy" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_sources_are_laid_one_folder_a_source(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    releases.add("two", library("two", "one"))
    assert run().laid == ("one", "two")
    assert sorted(os.listdir(root / "mirage/duniverse")) == [".mpy", "one", "two"]
    assert (root / "mirage/duniverse/two/src/two.ml").read_text() == 'let version = "1.0.0"\n'
    assert not (root / "mirage/.pull").exists()


def test_what_is_right_is_left_alone(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    run()
    before = (root / "mirage/duniverse").stat()
    assert run().kept == ("one",)
    assert (root / "mirage/duniverse").stat().st_ino == before.st_ino


def test_a_touched_file_is_right_again_by_its_content(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    run()
    os.utime(root / "mirage/duniverse/one/src/one.ml", (1, 1))
    assert run().kept == ("one",)


def test_what_stays_keeps_its_times_when_something_else_changes(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    releases.add("two")
    run()
    file = root / "mirage/duniverse/one/src/one.ml"
    before = file.stat()
    releases.add("two", version="2.0.0")
    done = run()
    assert (done.laid, done.kept) == (("two",), ("one",))
    assert (file.stat().st_mtime_ns, file.stat().st_ino, file.stat().st_nlink) == (before.st_mtime_ns, before.st_ino, 1)
    assert '"2.0.0"' in (root / "mirage/duniverse/two/src/two.ml").read_text()


def test_a_source_that_is_no_longer_locked_goes(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    releases.add("two")
    run()
    releases.forget("two")
    assert run().removed == ("two",)
    assert sorted(os.listdir(root / "mirage/duniverse")) == [".mpy", "one"]


def test_a_deleted_folder_comes_back(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    run()
    shutil.rmtree(root / "mirage/duniverse/one")
    assert run().laid == ("one",)


def test_an_edit_is_noticed_named_and_kept(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    releases.add("two")
    run()
    (root / "mirage/duniverse/one/src/one.ml").write_text("let mine = 1\n")
    (root / "mirage/duniverse/one/new.txt").write_text("new\n")
    releases.add("two", version="2.0.0")
    assert run().edited == {"one": ("new.txt", "src/one.ml")}
    assert (root / "mirage/duniverse/one/src/one.ml").read_text() == "let mine = 1\n"
    assert run().edited == {"one": ("new.txt", "src/one.ml")}


def test_an_edit_in_the_way_of_another_version_stops_the_pull(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    releases.add("two")
    run()
    (root / "mirage/duniverse/one/src/one.ml").write_text("let mine = 1\n")
    before = shown(root / "mirage/duniverse")
    releases.add("one", version="2.0.0")
    releases.add("two", version="2.0.0")
    with pytest.raises(WouldOverwrite, match="were edited") as failed:
        run()
    assert failed.value.details == ("one: src/one.ml",)
    assert shown(root / "mirage/duniverse") == before


def test_a_folder_of_the_users_is_kept_and_never_replaced(run: Run, releases: Releases, root: Path) -> None:
    mine = root / "mirage/duniverse/mine"
    mine.mkdir(parents=True)
    (mine / "dune-project").write_text("(lang dune 2.9)\n")
    releases.add("one")
    run()
    assert (mine / "dune-project").is_file()
    releases.add("mine")
    with pytest.raises(WouldOverwrite, match="this folder is not mpy's"):
        run()
    assert (mine / "dune-project").is_file()


def test_a_checksum_that_does_not_hold_is_told_with_both_values(
    run: Run, releases: Releases, root: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.tgz"
    other.write_bytes(tarball(library("one", version="6.6.6")))
    source = releases.add("one", urls=(other.as_uri(),))
    assert isinstance(source.origin, Archive)
    shutil.rmtree(releases.mirror)
    releases.mirror.mkdir()
    with pytest.raises(FetchFailed, match=r"one 1\.0\.0: what comes is not the archive that mpy\.lock names") as failed:
        run()
    assert f"  expected {source.origin.checksums[0]}" in failed.value.details
    assert f"  came     {sha256(other.read_bytes())}" in failed.value.details
    assert not (root / "mirage/duniverse").exists()
    assert not (root / "mirage/.pull").exists()


def test_a_damaged_cache_entry_is_fetched_again(run: Run, releases: Releases, root: Path, tmp_path: Path) -> None:
    archive = tmp_path / "one.tgz"
    source = releases.add("one", urls=(archive.as_uri(),))
    assert isinstance(source.origin, Archive)
    shutil.move(next(path for path in releases.mirror.rglob("*") if path.is_file()), archive)
    run()
    kept = [path for path in (tmp_path / "cache/mpy/archives").rglob("*") if path.is_file()]
    assert len(kept) == 1
    kept[0].write_bytes(b"damaged")
    shutil.rmtree(root / "mirage/duniverse/one")
    assert run().laid == ("one",)


def test_the_cache_of_opam_serves(releases: Releases, root: Path, tmp_path: Path) -> None:
    releases.add("one")
    releases.write(root)
    shutil.copytree(releases.mirror, tmp_path / "opam/download-cache")
    assert pull(root, Where(offline=True)).laid == ("one",)


def test_everything_that_cannot_be_had_offline_is_named_at_once(releases: Releases, root: Path) -> None:
    releases.add("one")
    releases.add("two")
    releases.write(root)
    with pytest.raises(FetchFailed, match="2 of 2 sources cannot be had") as failed:
        pull(root, Where(offline=True))
    text = "\n".join(failed.value.details)
    assert "one 1.0.0 is in no cache, and --offline opens no connection" in text
    assert "two 1.0.0" in text


def test_a_failure_changes_nothing(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    run()
    before = shown(root / "mirage/duniverse")
    releases.add("one", version="2.0.0")
    releases.add("two", b"no archive at all")
    with pytest.raises(FetchFailed, match=r"two 1\.0\.0: the archive is damaged"):
        run()
    assert shown(root / "mirage/duniverse") == before
    assert not (root / "mirage/.pull").exists()


def test_a_full_disk_while_unpacking_changes_nothing(
    run: Run, releases: Releases, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.add("one")
    run()
    before = shown(root / "mirage/duniverse")
    releases.add("one", version="2.0.0")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unpack, "_strip", full)
    with pytest.raises(MpyError, match="cannot write: No space left on device"):
        run()
    assert shown(root / "mirage/duniverse") == before


@pytest.mark.parametrize("step", ["_gather", "write_manifest", "write_digests"])
def test_a_full_disk_while_laying_changes_nothing(
    step: str, run: Run, releases: Releases, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases.add("one")
    run()
    before = shown(root / "mirage/duniverse")
    releases.add("one", version="2.0.0")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(duniverse, step, full)
        with pytest.raises(MpyError, match="cannot write: No space left on device"):
            run()
    assert shown(root / "mirage/duniverse") == before
    assert not list((root / "mirage").glob(".mpy-*"))
    assert run().laid == ("one",)


class Killed(BaseException):
    """Stands for the moment at which a process is ended."""


def test_wherever_a_pull_is_ended_the_sources_are_the_old_or_the_new(
    run: Run, releases: Releases, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each renaming is where the process may end; the next command finds one state or the other, whole."""
    releases.add("one")
    releases.add("two")
    run()
    old = shown(root / "mirage/duniverse")
    releases.add("one", version="2.0.0")
    releases.add("two", version="2.0.0")
    rename, ended = Path.rename, 0
    for moment in range(20):
        left = moment

        def dying(self: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return rename(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", dying)
            try:
                run()
            except Killed:
                ended += 1
            else:
                break
        with Tree(root).locked():
            pass
        now = shown(root / "mirage/duniverse")
        assert now == old or all('"2.0.0"' in now[f"{name}/src/{name}.ml"] for name in ("one", "two"))
    assert ended > 3
    assert run().edited == {}
    assert '"2.0.0"' in (root / "mirage/duniverse/one/src/one.ml").read_text()


def test_trees_that_no_library_needs_are_kept_from_dune(run: Run, releases: Releases, root: Path) -> None:
    files = library("one") | {
        "test/dune": "(test (name t) (libraries one alcotest))\n",
        "test/t.ml": "",
        "src/bench/dune": "(executable (name b) (libraries core_bench))\n",
        "examples/readme.md": "no dune file: dune does not mind\n",
    }
    releases.add("one", files)
    assert run().left_out == 2
    assert set(shown(root / "mirage/duniverse/one")) == {*library("one"), "examples/readme.md"}


def test_a_tree_with_a_library_that_another_needs_stays(run: Run, releases: Releases, root: Path) -> None:
    helper = {"test/dune": "(library (public_name one.mock))\n", "test/mock.ml": ""}
    releases.add("one", library("one") | helper)
    run()
    assert not (root / "mirage/duniverse/one/test").exists()
    releases.add("two", library("two", "one.mock"))
    assert run().laid == ("one", "two")
    assert (root / "mirage/duniverse/one/test/dune").is_file()


def test_a_tree_with_another_library_of_a_name_that_is_there_too_goes(run: Run, releases: Releases, root: Path) -> None:
    """dune's own tests have libraries of the names of released ones; each is seen in its project only."""
    beside = {"lib/dune": "(library (name info))\n", "lib/info.ml": "", "test/dune": "(library (name info))\n"}
    releases.add("one", library("one", "info") | beside)
    run()
    assert not (root / "mirage/duniverse/one/test").exists()


def test_a_tree_that_a_rule_reads_from_stays(run: Run, releases: Releases, root: Path) -> None:
    files = library("one")
    files["src/dune"] += "(rule (with-stdout-to g.ml (run ../examples/gen.exe)))\n"
    releases.add("one", files | {"examples/dune": "(executable (name gen))\n"})
    run()
    assert (root / "mirage/duniverse/one/examples/dune").is_file()


def test_version_is_that_of_the_lock_whatever_the_sources_say(run: Run, releases: Releases, root: Path) -> None:
    """Release 0.15.1 of sexplib0 says in its opam file that it is 0.15.0."""
    files = library("one", version="1.0.0") | {"one.opam": 'opam-version: "2.0"\nversion: "1.0.0"\n'}
    releases.add("one", files, version="1.0.1")
    run()
    top = root / "mirage/duniverse"
    assert version_of(top / "one/src", "one", (top,)) == "1.0.1"
    releases.add("one", files, version="1.0.2")
    run()
    assert version_of(top / "one/src", "one", (top,)) == "1.0.2"
    assert version_of(top / "one/src", "other", (top,)) == "1.0.0"


def test_two_libraries_of_one_name_are_found_before_dune_does(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    releases.add("other", library("other") | {"vendor/dune": "(library (public_name one))\n"})
    with pytest.raises(PackageConflict, match="the library one is in 2 folders") as failed:
        run()
    assert failed.value.details == ("mirage/duniverse/one", "mirage/duniverse/other")
    assert not (root / "mirage/duniverse").exists()


def test_a_library_that_the_user_has_too_is_named(run: Run, releases: Releases, root: Path) -> None:
    for name, text in library("one").items():
        (root / "duniverse/mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "duniverse/mine" / name).write_text(text)
    releases.add("one")
    with pytest.raises(PackageConflict, match="the library one is in 2 folders") as failed:
        run()
    assert failed.value.hint is not None
    assert "remove duniverse/mine" in failed.value.hint


def test_extra_sources_files_substs_and_patches_in_opams_order(run: Run, releases: Releases, root: Path) -> None:
    patch = b'--- a/src/one.ml\n+++ b/src/one.ml\n@@ -1 +1 @@\n-let version = "1.0.0"\n+let version = "%{version}%+p"\n'
    releases.add(
        "one",
        library("one") | {"src/where.ml.in": 'let name = "%{name}%, 100%%"\n'},
        extra={"src/extra.ml": b"let extra = 1\n"},
        laid={"fix.patch.in": patch, "META.one": b"from files/\n"},
        patches=("fix.patch",),
        substs=(Subst(name="src/where.ml", package="one"), Subst(name="fix.patch", package="one")),
    )
    run()
    laid = shown(root / "mirage/duniverse/one")
    assert laid["src/one.ml"] == 'let version = "1.0.0+p"\n'
    assert laid["src/where.ml"] == 'let name = "one, 100%"\n'
    assert laid["src/extra.ml"] == "let extra = 1\n"
    assert laid["META.one"] == "from files/\n"


def test_a_patch_that_does_not_fit_is_told_and_nothing_is_kept(run: Run, releases: Releases, root: Path) -> None:
    releases.add(
        "one",
        laid={"fix.patch": b"--- a/src/one.ml\n+++ b/src/one.ml\n@@ -1 +1 @@\n-other\n+new\n"},
        patches=("fix.patch",),
    )
    with pytest.raises(MpyError, match=r"one: fix.patch does not fit the source"):
        run()
    assert not (root / "mirage/duniverse").exists()


def test_a_folder_stays_a_folder(run: Run, releases: Releases, root: Path, tmp_path: Path) -> None:
    source = releases.add("one")
    releases.lock(replace(source, origin=Folder(path="../one")))
    with pytest.raises(LockError, match=r"takes one from the folder \.\./one, which is not there"):
        run()
    for name, text in library("one").items():
        (tmp_path / "one" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "one" / name).write_text(text)
    assert run().linked == {"one": "../one"}
    assert os.readlink(root / "mirage/duniverse/one") == "../../../one"
    assert run().linked == {"one": "../one"}
    releases.lock(source)
    assert run().laid == ("one",)
    assert (tmp_path / "one/dune-project").is_file()


def test_two_sources_for_one_folder_are_refused(run: Run, releases: Releases) -> None:
    source = releases.add("one")
    releases.sources["again"] = replace(source, folder="One")
    with pytest.raises(LockError) as refused:
        run()
    assert "source.one: would be laid into the same folder" in refused.value.details


@pytest.mark.parametrize("folder", ["../../out", ".git", "/tmp/out", "a/b"])
def test_a_lock_is_not_believed_for_its_digest(run: Run, releases: Releases, root: Path, folder: str) -> None:
    releases.sources["one"] = replace(releases.add("one"), folder=folder)
    with pytest.raises(LockError, match="none that mpy would write"):
        run()
    assert sorted(os.listdir(root)) == ["mirage", "mpy.lock"]
    assert not (root / "mirage/duniverse").exists()


def test_without_a_lock(root: Path) -> None:
    with pytest.raises(LockError, match=r"there is no mpy.lock beside config.py"):
        pull(root, Where(offline=True))


def test_a_lock_of_a_newer_mpy(run: Run, releases: Releases, root: Path) -> None:
    releases.add("one")
    releases.write(root)
    lock = root / "mpy.lock"
    lock.write_text(lock.read_text().replace("format = 1", "format = 99"))
    with pytest.raises(LockError, match="written by a newer mpy"):
        pull(root, Where(offline=True))

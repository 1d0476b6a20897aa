"""The door to files: what is the user's stays, what is mpy's is whole, and a crash leaves nothing unknown."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mirage_py.doors import exchange as exchanging
from mirage_py.doors.files import OWNED, Tree, create
from mirage_py.errors import MpyError, WouldOverwrite
from tests.unit.doors.faults import CHANGES, Killed, killed, quick_folder

FOLDERS = ("mirage/a-unix", "mirage/a-hvt")
names = st.sampled_from(["main.ml", "dune", "a.opam", "manifest.json"])
contents = st.sampled_from(["", "one\n", "two\n", "é\n"])
Wanted = tuple[dict[str, dict[str, str]], dict[str, str]]
wanted = st.tuples(
    st.dictionaries(st.sampled_from(FOLDERS), st.dictionaries(names, contents, min_size=1), max_size=2),
    st.dictionaries(st.sampled_from(["dune-project", "mirage/dune", "mirage/choices.json"]), contents, max_size=3),
)
USERS = {"config.py": "x", "dune": "user's", "unikernel.ml": "let () = ()", "src/dune-project": "deep"}


def fill(root: Path) -> None:
    for name, text in USERS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def files(root: Path) -> dict[str, str]:
    found = {str(p.relative_to(root)): p.read_text(encoding="utf-8") for p in root.rglob("*") if p.is_file()}
    return {name: text for name, text in found.items() if name not in (OWNED, "mirage/.lock")}


def flat(these: Wanted) -> dict[str, str]:
    folders, loose = these
    return {f"{folder}/{name}": text for folder, of in folders.items() for name, text in of.items()} | loose


@contextmanager
def fresh(base: Path) -> Iterator[Tree]:
    root = base / "tree"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    fill(root)
    yield Tree(root)


quiet = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.slow
@quiet
@given(steps=st.lists(wanted, min_size=1, max_size=4))
def test_tree_holds_exactly_what_was_asked_for(memory: Path, steps: list[Wanted]) -> None:
    with fresh(memory) as tree:
        expected: dict[str, str] = {}
        for folders, loose in steps:
            expected = {p: t for p, t in expected.items() if str(Path(p).parent) not in folders} | flat(
                (folders, loose)
            )
            before = files(tree.root)
            promised = tree.preview(folders, loose)
            assert files(tree.root) == before
            with tree.locked():
                assert tree.write(folders, loose) == promised
                again = tree.write(folders, loose)
            assert (again.created, again.changed, again.removed) == ((), (), ())
            assert files(tree.root) == expected | USERS


@pytest.mark.slow
@quiet
@given(steps=st.lists(wanted, min_size=1, max_size=4))
def test_clean_leaves_the_directory_as_it_was(memory: Path, steps: list[Wanted]) -> None:
    with fresh(memory) as tree:
        before = sorted(tree.root.rglob("*"))
        for folders, loose in steps:
            with tree.locked():
                tree.write(folders, loose)
        with tree.locked():
            tree.clean()
        assert sorted(tree.root.rglob("*")) == before
        assert files(tree.root) == USERS


@contextmanager
def killed_after(steps: int, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process ends before the n-th change of a file."""
    with killed(steps).within(patch, CHANGES):
        yield


FIRST: Wanted = (
    {FOLDERS[0]: {"main.ml": "one", "dune": "one"}, FOLDERS[1]: {"main.ml": "one"}},
    {"dune-project": "one", "mirage/dune": "one"},
)
SECOND: Wanted = (
    {FOLDERS[0]: {"main.ml": "two", "a.opam": "two"}, FOLDERS[1]: {"main.ml": "two"}},
    {"dune-project": "two", "mirage/dune": "two"},
)


def attempt(tree: Tree, these: Wanted) -> bool:
    try:
        with tree.locked():
            tree.write(*these)
    except Killed:
        return False
    return True


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only a power cut would tell costs milliseconds."""

    def fsync(_descriptor: int) -> None:
        pass

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    with quick_folder(tmp_path) as folder:
        yield folder


def generated(root: Path) -> dict[str, str]:
    """What dune and people see of a write: the files that are generated, wherever nothing hides them."""
    return {name: text for name, text in files(root).items() if name.startswith("mirage/") and "/.mpy-" not in name}


def whole(these: Wanted) -> dict[str, str]:
    return {name: text for name, text in flat(these).items() if name.startswith("mirage/")}


def lived_in(tree: Tree) -> dict[str, str]:
    """Put there what lies in such a folder besides: a build directory, vendored sources, files of nobody's."""
    others = {"_build/log": "log", "duniverse/x/dune": "x", "machine/a": "a", "notes.txt": "mine", "deep/er": "mine"}
    for name, text in others.items():
        (tree.root / "mirage" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree.root / "mirage" / name).write_text(text, encoding="utf-8")
    return {f"mirage/{name}": text for name, text in others.items()}


@pytest.mark.slow
@pytest.mark.parametrize("able", [True, False])
def test_killed_write_leaves_all_old_or_all_new(memory: Path, monkeypatch: pytest.MonkeyPatch, *, able: bool) -> None:
    if not able:
        monkeypatch.setattr(exchanging, "exchange", lambda *_: False)
    for steps in range(400):
        with fresh(memory) as tree:
            attempt(tree, FIRST)
            others = lived_in(tree)
            with killed_after(steps, monkeypatch):
                done = attempt(tree, SECOND)
            seen = {name: text for name, text in generated(tree.root).items() if name not in others}
            if able or "data_only_dirs" not in seen["mirage/dune"]:
                shown = seen | ({"mirage/dune": "two"} if "data_only_dirs" in seen["mirage/dune"] else {})
                assert shown in (whole(FIRST), whole(SECOND)), f"half is written after {steps} steps"
            with tree.locked():  # the next start recovers
                pass
            now = files(tree.root)
            assert {name: now[name] for name in {**USERS, **others}} == USERS | others
            if able:
                left = {name: text for name, text in now.items() if name not in {**USERS, **others, "dune-project": ""}}
                assert left in (whole(FIRST), whole(SECOND))
            assert attempt(tree, SECOND)
            assert files(tree.root) == flat(SECOND) | USERS | others
            if done:
                return
    pytest.fail("the write never came to its end")


def test_killed_clean_is_run_again(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for steps in range(200):
        with fresh(memory) as tree:
            before = sorted(tree.root.rglob("*"))
            attempt(tree, FIRST)
            done = True
            try:
                with killed_after(steps, monkeypatch), tree.locked():
                    tree.clean()
            except Killed:
                done = False
            assert {n: t for n, t in files(tree.root).items() if n in USERS} == USERS
            with tree.locked():
                tree.clean()
            assert sorted(tree.root.rglob("*")) == before, f"something is left after {steps} steps"
            if done:
                return
    pytest.fail("the clean never came to its end")


@pytest.mark.parametrize("path", ["dune-project", "mirage/a-unix/main.ml", "mirage/dune"])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_file_of_the_user_is_never_overwritten(tmp_path: Path, path: str, kind: str) -> None:
    with fresh(tmp_path) as tree:
        target = tree.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        match kind:
            case "file":
                target.write_text("; Generated by mpy, says the user\n", encoding="utf-8")
            case "folder":
                target.mkdir()
            case _:
                target.symlink_to("config.py")
        before = files(tree.root)
        for act in (tree.preview, tree.write):
            with pytest.raises(WouldOverwrite, match="not mpy's"):
                act(*FIRST)
        assert files(tree.root) == before


def test_file_that_was_changed_is_the_users(tmp_path: Path) -> None:
    with fresh(tmp_path) as tree:
        attempt(tree, FIRST)
        (tree.root / FOLDERS[0] / "main.ml").write_text("mine", encoding="utf-8")
        with pytest.raises(WouldOverwrite, match="changed since mpy wrote it"):
            tree.write(*SECOND)
        with tree.locked():
            done = tree.clean()
        assert done.kept == (f"{FOLDERS[0]}/main.ml",)
        assert (tree.root / FOLDERS[0] / "main.ml").read_text(encoding="utf-8") == "mine"


def test_stranger_in_a_folder_of_mpy_is_seen_before_anything_is_written(tmp_path: Path) -> None:
    with fresh(tmp_path) as tree:
        attempt(tree, FIRST)
        (tree.root / FOLDERS[0] / "notes.txt").write_text("mine", encoding="utf-8")
        before = files(tree.root)
        with pytest.raises(WouldOverwrite, match="not mpy's"):
            tree.write(*SECOND)
        assert files(tree.root) == before


def test_unchanged_file_is_not_touched(tmp_path: Path) -> None:
    with fresh(tmp_path) as tree:
        attempt(tree, FIRST)
        before = {p: p.stat().st_mtime_ns for p in tree.root.rglob("*") if p.is_file() and p.name != ".lock"}
        attempt(tree, FIRST)
        assert {p: p.stat().st_mtime_ns for p in before} == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": []}', '{"files": {"a": 1}}', "\x00"])
def test_manifest_that_cannot_be_read_stops_mpy(tmp_path: Path, text: str) -> None:
    with fresh(tmp_path) as tree:
        attempt(tree, FIRST)
        (tree.root / OWNED).write_text(text, encoding="utf-8")
        with pytest.raises(MpyError, match="does not know which files are its own"):
            tree.write(*SECOND)


def test_manifest_lists_every_file_once(tmp_path: Path) -> None:
    with fresh(tmp_path) as tree:
        attempt(tree, SECOND)
        listed = json.loads((tree.root / OWNED).read_text(encoding="utf-8"))["files"]
        assert sorted(listed) == sorted(flat(SECOND))
        assert all(len(digests) == 1 for digests in listed.values())


def install(tree: Tree, **built: str) -> set[str]:
    """Install files of this content below `dist/`; the names of those that changed."""
    with tree.installing() as installing:
        for name, text in built.items():
            (tree.root / "built").write_text(text, encoding="utf-8")
            installing.bring(f"dist/{name}", tree.root / "built")
    return {path.removeprefix("dist/") for path in installing.changed}


def test_built_image_is_installed_whole_and_only_over_its_own(tmp_path: Path) -> None:
    with fresh(tmp_path) as tree:
        assert install(tree, a="image", b="other") == {"a", "b"}
        assert install(tree, a="image", b="another") == {"b"}
        (tree.root / "dist/a").write_text("mine", encoding="utf-8")
        with pytest.raises(WouldOverwrite):
            install(tree, b="new", a="image")
        assert {file.name: file.read_text() for file in (tree.root / "dist").iterdir()} == {"a": "mine", "b": "another"}


@pytest.mark.slow
def test_what_was_looked_at_ahead_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    with fresh(tmp_path) as tree:
        install(tree, a="image", b="image")
        time.sleep(0.05)
        tree.look_ahead("dist/a", "dist/b", "dist/none")
        before = (tree.root / "dist/a").stat()
        (tree.root / "dist/a").write_text("egami", encoding="utf-8")
        os.utime(tree.root / "dist/a", ns=(before.st_atime_ns, before.st_mtime_ns))
        assert install(tree, b="image") == set()
        with pytest.raises(WouldOverwrite):
            install(tree, a="image")


@pytest.mark.slow
def test_killed_installation_leaves_each_file_whole_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quick_folder(tmp_path) as folder:
        for at in range(1000):
            with fresh(folder) as tree:
                if at % 2:
                    install(tree, a="old", b="old")
                faults = killed(at // 2)
                with suppress(Killed), faults.within(monkeypatch, CHANGES):
                    install(tree, a="new", b="new")
                with tree.locked():
                    pass
                found = {file.name: file.read_text() for file in (tree.root / "dist").glob("*")}
                assert found.keys() <= {"a", "b"}
                assert set(found.values()) <= {"old", "new"}
                install(tree, a="new", b="new")
            if not faults.reached:
                return
    pytest.fail("the calls never came to an end")


def test_create_writes_all_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine", encoding="utf-8")
    with pytest.raises(WouldOverwrite):
        create(tmp_path, {"a": "1", "b": "2"})
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("path", ["config.py", "../victim", "mirage/../config.py", "/victim", "src/dune-project"])
def test_manifest_is_believed_only_where_mpy_writes(tmp_path: Path, path: str) -> None:
    with fresh(tmp_path) as tree:
        attempt(tree, FIRST)
        victim = tree.root / path if path != "/victim" else tmp_path / "victim"
        victim.write_text("mine", encoding="utf-8")
        named = str(victim) if path == "/victim" else path
        digest = hashlib.sha256(b"mine").hexdigest()
        (tree.root / OWNED).write_text(json.dumps({"files": {named: [digest]}}), encoding="utf-8")
        with pytest.raises(MpyError, match="no place where mpy writes"):
            tree.clean()
        assert victim.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("path", ["mirage", "mirage/.lock", "mirage/machine", "mirage/a-unix", "dist", OWNED])
def test_link_in_the_folders_of_mpy_is_not_followed(tmp_path: Path, path: str) -> None:
    docs = tmp_path / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "main.ml").write_text("mine", encoding="utf-8")
    with fresh(tmp_path) as tree:
        link = tree.root / path
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(docs if path not in ("mirage/.lock", OWNED) else docs / "main.ml")
        with pytest.raises(WouldOverwrite), tree.locked():
            tree.write(*FIRST)
        with pytest.raises(WouldOverwrite), tree.locked():
            tree.mirror(path, {"new": "text"})
        assert {p.name: p.read_text(encoding="utf-8") for p in docs.iterdir()} == {"main.ml": "mine"}


def test_pipe_in_place_of_the_manifest_is_refused_at_once(tmp_path: Path) -> None:
    with fresh(tmp_path) as tree:
        (tree.root / "mirage").mkdir()
        os.mkfifo(tree.root / OWNED)
        with pytest.raises(WouldOverwrite, match="no ordinary file"):
            tree.preview(*FIRST)

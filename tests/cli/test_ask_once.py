"""What was answered before is answered again, exactly until something changes that the answer came of."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from mirage_py.doors import answers
from tests.cli.test_sessions import HELLO
from tests.conftest import ROOT

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.slow

START = "from mirage_py.__main__ import main; main()"
"""As the script that one types: `python -m` loads more of Python before mpy than it does."""

READING = """
import json, os
from pathlib import Path
import compiled, ours
told = [
    ours.WORD,
    Path("beside.json").read_text(),
    sorted(os.listdir("parts")),
    os.environ.get("SEEN"),
    Path("there").exists(),
    Path("sized").stat().st_size,
    list(os.walk("walked")),
    os.stat("stated")[8],
    Path("way/../there").exists(),
    open("way/../read").read(),
    open("large").read(4),
    os.access("sized", os.X_OK),
    Path("../above").exists(),
    compiled.WORD,
]
try:
    import later
    told.append("later is there")
except ImportError:
    pass
import sys
print(*told, file=sys.stderr)
"""


def ran(folder: Path, cache: Path, *line: str, **env: str) -> tuple[int, str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MPY_")}
    done = subprocess.run(
        (sys.executable, "-X", "importtime", "-c", START, *line),
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache), "COLUMNS": "80", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    imports = [one for one in done.stderr.splitlines() if one.startswith("import time:")]
    told = "\n".join(one for one in done.stderr.splitlines() if not one.startswith("import time:"))
    asked = any(one.endswith("mirage_py.cli.app") for one in imports)
    return done.returncode, done.stdout + told, "asked" if asked else "remembered"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / "parts").mkdir(parents=True)
    texts = {"config.py": READING + HELLO, "ours.py": "WORD = 1", "beside.json": "{}", "sized": "12", "x.ml": ""}
    for name, text in texts.items():
        (made / name).write_text(text)
    for name in ("walked", "stated", "ours", "else/where"):
        (made / name).mkdir(parents=True)
    (made / "way").symlink_to("else/where")
    (made / "walked" / "one").touch()
    (made / "else" / "read").touch()
    (made / "large").write_bytes(bytes(answers.LARGEST + 1))
    compiled(made, 1)
    return made


def compiled(folder: Path, word: int) -> None:
    """A module without its source."""
    source = folder.parent / "source.py"
    source.write_text(f"WORD = {word}")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(source), str(folder / "compiled.pyc"), invalidation_mode=unchecked)


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def write_in_place(path: Path) -> None:
    """Other content of the same size, and the time set back."""
    before = path.stat()
    path.write_bytes(b"1" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def settled(folder: Path, cache: Path, *line: str, **env: str) -> str:
    """Ask until it is remembered, and tell the answer."""
    for _ in range(3):
        time.sleep(0.05)
        code, told, how = ran(folder, cache, *line, **env)
        assert code == 0, told
        if how == "remembered":
            return told
    pytest.fail(f"{line} is never remembered")


CHANGES: dict[str, Callable[[Path], object]] = {
    "config.py": lambda folder: (folder / "config.py").write_text(READING + HELLO + "\n#"),
    "a module": lambda folder: (folder / "ours.py").write_text("WORD = 2"),
    "a file that is read": lambda folder: (folder / "beside.json").write_text("[]"),
    "a folder that is listed": lambda folder: (folder / "parts" / "new").touch(),
    "a path that is looked for": lambda folder: (folder / "there").touch(),
    "a size that is asked": lambda folder: (folder / "sized").write_text("123"),
    "the sources": lambda folder: (folder / "y.ml").touch(),
    "what a name in a folder is of": lambda folder: become_folder(folder / "walked" / "one"),
    "a path above the project": lambda folder: (folder.parent / "above").touch(),
    "the time of a folder": lambda folder: os.utime(folder / "stated", (1, 1)),
    "a path by way of a link": lambda folder: (folder / "else" / "there").touch(),
    "a file by way of a link": lambda folder: (folder / "else" / "read").write_text("1"),
    "a large file whose time is set back": lambda folder: write_in_place(folder / "large"),
    "rights": lambda folder: (folder / "sized").chmod(0o755),
    "a module without source": lambda folder: compiled(folder, 2),
    "a module that was not there": lambda folder: (folder / "later.py").touch(),
    "a package before a module": lambda folder: (folder / "ours" / "__init__.py").write_text("WORD = 3"),
    "the saved choices": lambda folder: (folder / "mirage" / "choices.json").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_input_is_seen(change: str, folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    ran(folder, cache, "configure", "-t", "unix")
    before = settled(folder, cache, "query", "plan", "--json")
    CHANGES[change](folder)
    code, told, how = ran(folder, cache, "query", "plan", "--json")
    assert (code, how) == (0, "asked")
    assert (told != before) == (change not in {"config.py", "the saved choices"})


def test_what_python_compiles_for_itself_is_no_input(folder: Path, tmp_path: Path) -> None:
    """Another program may import the same modules at any time."""
    before = settled(folder, tmp_path / "cache", "query", "name")
    subprocess.run((sys.executable, "-c", "import ours"), cwd=folder, env={"PYTHONPYCACHEPREFIX": ""}, check=True)
    assert (folder / "__pycache__").is_dir()
    assert ran(folder, tmp_path / "cache", "query", "name")[1:] == (before, "remembered")


def test_the_environment_is_an_input(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = settled(folder, cache, "query", "name", SEEN="1")
    assert ran(folder, cache, "query", "name", SEEN="2")[1:] != (before, "remembered")
    assert ran(folder, cache, "query", "name", SEEN="1")[1:] == (before, "remembered")
    assert ran(folder, cache, "query", "name", SEEN="1", MPY_REMEMBER="no")[1:] == (before, "asked")


def test_a_tree_that_was_touched_is_configured_again(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    ran(folder, cache, "configure", "-t", "hvt")
    assert "up to date" in settled(folder, cache, "configure")
    (folder / "mirage" / "hello-hvt" / "main.ml").unlink()
    assert "1 file created" in ran(folder, cache, "configure")[1]
    assert (folder / "mirage" / "hello-hvt" / "main.ml").exists()


@pytest.mark.parametrize(
    "line",
    [
        "import time; time.time()",
        "from datetime import datetime; datetime.now()",
        "import random",
        "import os; os.getpid()",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import socket; socket.socket().close()",
        "__import__('time')",
        "open('written', 'w').close()",
        "open('/dev/urandom', 'rb').read(1)",
        "open(0).read()",
        "getattr(__import__('os'), 'getpid')()",
        "import os; vars(os)['get' + 'pid']()",
        "import os; [one.stat().st_size for one in os.scandir('.')]",
        "import os; os.read(0, 1)",
        "import os; os.listxattr('.')",
    ],
)
def test_a_configuration_that_does_more_than_read_is_never_remembered(line: str, folder: Path, tmp_path: Path) -> None:
    (folder / "config.py").write_text(f"{line}\n{HELLO}")
    for _ in range(3):
        time.sleep(0.05)
        assert ran(folder, tmp_path / "cache", "query", "name")[1:] == ("hello\n", "asked")


def test_a_file_that_became_a_pipe_is_not_waited_for(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    settled(folder, cache, "query", "name")
    (folder / "config.py").unlink()
    os.mkfifo(folder / "config.py")
    code, told, how = ran(folder, cache, "query", "name")
    assert (code, how) == (3, "asked")
    assert "no regular file" in told


def test_odd_questions_are_refused_as_ever(folder: Path, tmp_path: Path) -> None:
    odd = """
import os, sys
for path in ("a\\0b", 3.5, b"no", -7):
    for ask in (os.stat, os.path.exists, open, os.listdir, os.scandir):
        try:
            ask(path)
        except Exception as error:
            print(ask.__name__, type(error).__name__, file=sys.stderr)
"""
    (folder / "config.py").write_text(odd + HELLO)
    plain = ran(folder, tmp_path / "cache", "query", "name", MPY_REMEMBER="no")
    assert ran(folder, tmp_path / "cache", "query", "name") == plain


def test_a_damaged_memory_is_none(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    told = settled(folder, cache, "query", "name")
    for file in (cache / "mpy" / "answers").iterdir():
        file.write_bytes(file.read_bytes()[:-3] + b"abc")
    assert ran(folder, cache, "query", "name")[1:] == (told, "asked")


EDITS = st.sampled_from(["hello", "other", "hello2", "beside", "choices", "module", "target", "undo"])
LINES = st.sampled_from(["query name", "query files", "configure", "configure -t hvt", "describe --json", "query keys"])


@given(steps=st.lists(st.tuples(EDITS, LINES), min_size=2, max_size=5))
@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_of_edits_tells_memory_from_none(
    steps: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("pair")
    folders = pair(base, {"config.py": HELLO})
    for edit, line in steps:
        for folder in folders:
            edited(folder, edit)
        for _ in range(2):
            assert_one_answer(base, folders, line, edit)
        assert tree(folders[0]) == tree(folders[1])


def pair(base: Path, files: dict[str, str]) -> list[Path]:
    """Two equal folders, which go through the same steps."""
    folders = [base / "with" / "p", base / "without" / "p"]
    for folder in folders:
        written(folder, files)
    return folders


def assert_one_answer(base: Path, folders: list[Path], line: str, edit: str) -> None:
    """What is told in the first folder is what is told in the other one, where nothing is ever remembered."""
    one = ran(folders[0], base / "cache", *line.split())
    code, told, _ = ran(folders[1], base / "cache", *line.split(), MPY_REMEMBER="no")
    assert one[:2] == (code, told.replace("/without/p", "/with/p")), (edit, line)


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def edited(folder: Path, edit: str) -> None:
    config = folder / "config.py"
    match edit:
        case "hello" | "other" | "hello2":
            config.write_text(HELLO.replace('"hello"', f'"{edit}"'))
        case "beside":
            (folder / "beside.ml").write_text("let x = 1")
        case "choices":
            (folder / "mirage" / "choices.json").unlink(missing_ok=True)
        case "module":
            (folder / "ours.py").write_text("X = 1")
            config.write_text(f"import ours\n{HELLO}")
        case "target":
            for path in folder.glob("mirage/*/main.ml"):
                path.unlink()
        case _:
            (folder / "beside.ml").unlink(missing_ok=True)


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


VENDORED = {
    "config.py": HELLO.replace('"duration"', '"said"'),
    "duniverse/said/dune-project": "(lang dune 2.9)\n",
    "duniverse/said/said.opam": 'opam-version: "2.0"\nversion: "1.0"\n',
    "duniverse/said/dune": "(library (public_name said))\n",
    "duniverse/said/said.ml": "let word = 1\n",
    "duniverse/said/more/more.ml": "let more = 1\n",
    "duniverse/sung/dune-project": "(lang dune 2.9)\n",
    "duniverse/sung/sung.opam": 'opam-version: "2.0"\nversion: "2.0"\n',
    "duniverse/sung/lib/dune": "(library (public_name sung))\n",
    "duniverse/sung/lib/sung.ml": "let word = 2\n",
}


def rewritten(file: Path, text: str) -> None:
    """Other content of the same size, and the time set back."""
    if file.is_file():
        before = file.stat()
        file.write_text(text.ljust(before.st_size)[: before.st_size])
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def moved(one: Path, other: Path) -> None:
    if one.exists() and not other.exists():
        one.rename(other)


def linked(path: Path, to: str) -> None:
    if not path.is_symlink():
        path.symlink_to(to)


TREES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "a time": lambda one: os.utime(one / "said/dune") if (one / "said/dune").is_file() else None,
    "rules in place": lambda one: rewritten(one / "said/dune", "(library (public_name sang))"),
    "rules that ask": lambda one: (one / "said/dune").write_text("(library (public_name said) (libraries sung))\n"),
    "rules as before": lambda one: (one / "said/dune").write_text(VENDORED["duniverse/said/dune"]),
    "a version in place": lambda one: rewritten(one / "said/said.opam", 'opam-version: "2.0"\nversion: "9.9"\n'),
    "what it asks for": lambda one: (one / "said/said.opam").write_text('opam-version: "2.0"\ndepends: ["none"]\n'),
    "a source": lambda one: (one / "said/said.ml").write_text("let word = 3\n"),
    "another source": lambda one: (one / "said/other.ml").touch(),
    "rules below": lambda one: (one / "said/more/dune").write_text("(library (name more))\n"),
    "no rules below": lambda one: (one / "said/more/dune").unlink(missing_ok=True),
    "another name": lambda one: moved(one / "sung", one / "song"),
    "its name again": lambda one: moved(one / "song", one / "sung"),
    "another package": lambda one: moved(one / "sung/lib", one / "said/lib"),
    "a link": lambda one: linked(one / "said/way", "../sung"),
    "left out": lambda one: (one / "dune").write_text("(vendored_dirs sung)\n"),
    "left in": lambda one: (one / "dune").unlink(missing_ok=True),
}
ASKED = st.sampled_from(
    ["describe --format json", "query packages", "query plan --json", "describe -t unix", "configure"]
)


@given(steps=st.lists(st.tuples(st.sampled_from([*TREES]), ASKED), min_size=3, max_size=6))
@settings(
    deadline=None,
    max_examples=30 if os.environ.get("MPY_TEST_ALL") else 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_edit_of_vendored_trees_tells_memory_from_none(
    steps: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("pair")
    folders = pair(base, VENDORED)
    for edit, line in [("nothing", "describe -t unix"), *steps]:
        for folder in folders:
            TREES[edit](folder / "duniverse")
        for pause in (0.0, 0.06):
            assert_one_answer(base, folders, line, edit)
            time.sleep(pause)


SEEN: dict[str, Callable[[Path], object]] = {
    "rules in place": TREES["rules in place"],
    "a version in place": TREES["a version in place"],
    "rules below": TREES["rules below"],
    "another name": TREES["another name"],
    "rights of a folder": lambda one: (one / "said/more").chmod(0o700),
    "a file that became a folder": lambda one: become_folder(one / "said/said.ml"),
    "a link to elsewhere": lambda one: os.replace(one / "said/other way", one / "said/way"),
}


@pytest.mark.parametrize("change", SEEN)
def test_a_change_of_a_vendored_tree_is_seen(change: str, tmp_path: Path) -> None:
    folder, cache = tmp_path / "project", tmp_path / "cache"
    written(folder, VENDORED)
    linked(folder / "duniverse/said/way", "more")
    linked(folder / "duniverse/said/other way", "said.ml")
    time.sleep(0.05)
    settled(folder, cache, "describe", "-t", "unix")
    SEEN[change](folder / "duniverse")
    assert ran(folder, cache, "describe", "-t", "unix")[2] == "asked"


def test_edits_of_sources_alone_leave_the_answer(tmp_path: Path) -> None:
    folder, cache = tmp_path / "project", tmp_path / "cache"
    written(folder, VENDORED)
    told = settled(folder, cache, "describe", "-t", "unix")
    (folder / "duniverse/said/said.ml").write_text("let word = 3\n")
    os.utime(folder / "duniverse/said/dune")
    assert ran(folder, cache, "describe", "-t", "unix")[1:] == (told, "remembered")


@pytest.mark.ocaml
def test_doctor_is_asked_once_until_a_tool_comes_or_goes(folder: Path, tmp_path: Path) -> None:
    cache, tools = tmp_path / "cache", tmp_path / "tools"
    tools.mkdir()
    path = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    told = settled(folder, cache, "doctor", "-t", "unix", **path)
    assert "dune" in told
    (tools / "dune").symlink_to(shutil.which("dune") or "")
    again = ran(folder, cache, "doctor", "-t", "unix", **path)
    assert again[2] == "asked"
    assert str(tools / "dune") in again[1]


def test_machine_is_looked_at_in_what_can_be_told_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.statvfs(tmp_path)

    def free(size: int) -> object:
        made = os.statvfs_result([*real[:4], size // real.f_frsize, *real[5:]])
        monkeypatch.setattr(os, "statvfs", lambda _: made)
        return answers.seen("room", str(tmp_path))

    assert free(68 << 30) == free((68 << 30) + (500 << 20)) == 68 << 30
    assert free(69 << 30) != free(68 << 30)
    assert free(100 << 20) != free(101 << 20)
    (tmp_path / "file").touch(0o644)
    before = answers.seen("access", str(tmp_path / "file"))
    (tmp_path / "file").chmod(0o755)
    assert answers.seen("access", str(tmp_path / "file")) != before
    assert answers.seen("capabilities", "") == answers.capabilities()


def test_tree_tells_whether_anything_below_it_was_written_to_since(tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/one.ml").write_text("let one = 1\n")
    before, later = answers.seen("tree", str(tmp_path)), time.time_ns() + 10 * answers.GRAIN
    assert answers.older(before, later)
    assert answers.seen("tree", str(tmp_path)) == before
    os.utime(tmp_path / "deep/er/one.ml", ns=(later, later))
    after = answers.seen("tree", str(tmp_path))
    assert after != before
    assert not answers.older(after, later)

"""The scripts on machines of several kinds: each is a folder of pretended tools, and nothing else on PATH."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REAL = ("bash", "basename", "cat", "cksum", "dirname", "env", "sed", "uname")
PYTHON = """\
case "$*" in
  *"-m venv"*) /bin/mkdir -p .venv/bin; /bin/cp "$0" .venv/bin/python ;;
  *"-m pip"*) echo "pip $*" >>"$CALLS" ;;
esac
"""


class Machine:
    """A machine with the given tools; what was called with which words is in `calls`."""

    def __init__(self, folder: Path, *, user: int = 0, installed: str = "", tools: tuple[str, ...] = ()) -> None:
        self.root = folder / "mpy"
        self.bin = folder / "bin"
        self.log = folder / "calls"
        self.bin.mkdir()
        shutil.copytree(ROOT / "scripts", self.root / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.root)
        for tool in REAL:
            self.pretend(tool, f'exec {shutil.which(tool)} "$@"')
        self.pretend("id", f"echo {user}")
        self.pretend("python3", PYTHON)
        self.pretend("dpkg-query", f"printf 'installed %s ' {installed}" if installed else "exit 1")
        for tool in tools:
            self.pretend(tool, f'echo "{tool} $*" >>"$CALLS"')

    def pretend(self, tool: str, script: str) -> None:
        (self.bin / tool).write_text(f"#!{shutil.which('bash')}\n{script}\n")
        (self.bin / tool).chmod(0o755)

    def setup(self, what: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run("setup", what, **env)

    def run(self, script: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (self.root / "scripts" / script, *words),
            env={"PATH": str(self.bin), "CALLS": str(self.log), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def test_root_installs_what_is_missing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, installed="gcc make", tools=("apt-get",))
    assert machine.setup("demo").returncode == 0
    install = next(call for call in machine.calls if " install " in call)
    assert "ocaml-dune" in install
    assert "gcc" not in install.split()


def test_second_time_does_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tools=("apt-get",))
    machine.pretend("dpkg-query", 'shift 2; printf "installed %s " "$@"')
    machine.setup("demo")
    first = machine.calls
    assert machine.setup("demo").returncode == 0
    assert machine.calls == first
    assert [call.split()[0] for call in first] == ["pip"]


def test_developers_get_more_than_the_demo_needs(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tools=("apt-get",))
    machine.pretend("dpkg-query", 'shift 2; printf "installed %s " "$@"')
    machine.setup("demo")
    machine.setup("dev")
    assert [call.split()[-1] for call in machine.calls] == [".", ".[dev]"]


def test_without_a_terminal_nothing_is_asked_and_nothing_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000, tools=("apt-get", "sudo"))
    done = machine.setup("demo")
    assert done.returncode == 5
    assert "sudo apt-get install" in done.stderr
    assert machine.calls == []


def test_yes_goes_ahead_with_sudo(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000, tools=("apt-get", "sudo"))
    assert machine.setup("demo", MPY_YES="1").returncode == 0
    assert machine.calls[0] == "sudo apt-get update -qq"


def test_without_apt_it_says_what_to_install_instead(tmp_path: Path) -> None:
    done = Machine(tmp_path).setup("demo")
    assert done.returncode == 5
    assert "no apt-get" in done.stderr
    assert "opam install dune ocamlfind" in done.stderr


def test_without_apt_but_with_the_tools_it_goes_on(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tools=("gcc", "make", "ocamlopt", "dune", "ocamlfind"))
    assert machine.setup("demo").returncode == 0
    assert machine.calls[-1].startswith("pip ")


@pytest.mark.parametrize("words", ["", "everything"])
def test_other_words_get_the_help(tmp_path: Path, words: str) -> None:
    done = Machine(tmp_path).setup(words)
    assert done.returncode == 2
    assert "scripts/setup demo" in done.stdout


# ---------------------------------------------------------------------------------------------------------------------
# scripts/test-debian13, as far as it goes without such a root


@pytest.mark.parametrize(
    ("user", "tools", "reason"),
    [
        (1000, ("unshare", "debootstrap"), "only root may make and enter such a root"),
        (0, ("unshare",), "no debootstrap here"),
        (0, ("debootstrap",), "no mount namespace can be made here"),
    ],
)
def test_debian_13_is_left_out_with_the_reason(user: int, tools: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    done = Machine(tmp_path, user=user, tools=(*tools, "git")).run("test-debian13", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"test-debian13: skipped: {reason}" in done.stdout


def test_a_root_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tools=("unshare", "git"))
    done = machine.run("test-debian13", HOME=str(tmp_path), MPY_TEST_DEBIAN13=str(tmp_path / "none"))
    assert done.returncode == 5
    assert "there is no root in" in done.stderr


def test_a_root_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tools=("unshare", "git"))
    for tool in ("mkdir", "rm", "tail"):
        machine.pretend(tool, f'exec {shutil.which(tool)} "$@"')
    machine.pretend("debootstrap", "echo no such mirror; exit 1")
    done = machine.run("test-debian13", HOME=str(tmp_path))
    assert done.returncode == 0
    assert "no such mirror" in done.stderr
    assert "skipped: debootstrap failed" in done.stdout
    assert [path.name for path in (tmp_path / ".cache" / "mpy").iterdir()] == ["debian13.log"]

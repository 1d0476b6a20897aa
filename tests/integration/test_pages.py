"""Every shell block of the documentation is carried out, page by page, as it is written.

A page is one session of bash: its files are written where it shows them (`% file: NAME` above a block), its `sh` blocks
are run one after the other, and the lines of a CI job (`- run: ...`) as well. `SETTINGS` says what a reader of a page
has before it begins, and what stands for the places and hosts that it takes as examples. What a block wants that not
every machine has is said above it (`% needs: solo5`), and where another folder is meant than the one of the page, too
(`% in: web`).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from tests.conftest import EXAMPLES, GENERATED, ROOT, copy_example, lacks
from tests.integration.test_run import why_no_namespace
from tests.sources import mirror, put_lock, skip_where_lacking, why_no_sources
from tests.unit.packages.releases import Releases, library
from tests.unit.packages.repository import Published

DOCS = ROOT / "docs"
ELSEWHERE = {"docs/tutorial/first-unikernel.md": "test_tutorial.py"}
"""Pages that a test of their own carries out."""

BLOCK = re.compile(
    r"(?:^% file: (?P<file>\S+)\n)?(?:^% in: (?P<place>\S+)\n)?(?:^% needs: (?P<needs>\S+)\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LONGEST = 900


class Block(NamedTuple):
    language: str
    text: str
    file: str | None
    place: str | None
    needs: str | None

    @property
    def lines(self) -> list[str]:
        """What is typed: the lines of a shell block, what a CI job runs."""
        if self.language == "sh":
            return self.text.splitlines()
        if self.language == "zsh":
            return [f"zsh -c {shlex.quote(f'autoload -U compinit; compinit -u; {self.text}')}"]
        return re.findall(r"^ *- run: (.*)$", self.text, re.MULTILINE) if self.language == "yaml" else []


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(one["language"], one["text"], one["file"], one["place"], one["needs"]) for one in BLOCK.finditer(text)
    ]


def pages() -> list[str]:
    """The pages that tell somebody to type something."""
    files = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    names = [file.relative_to(ROOT).as_posix() for file in files if "_build" not in file.parts]
    return [name for name in names if name not in ELSEWHERE and any(one.lines for one in blocks(name))]


# ---------------------------------------------------------------------------------------------------------------------
# What a reader has


@dataclass
class Desk:
    """Where a page is carried out: a folder to begin in, one for commands of ours, and what the environment says."""

    root: Path
    place: Path = field(init=False)
    bin: Path = field(init=False)
    env: dict[str, str] = field(default_factory=dict)
    stand_for: dict[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()
    begin: str = ""

    def __post_init__(self) -> None:
        self.place, self.bin = self.root / "hello", self.root / "bin"
        for folder in (self.place, self.bin, self.root / "home", self.root / "cache"):
            folder.mkdir(parents=True)
        self.command("mpy", f'exec {shlex.quote(sys.executable)} -m mirage_py "$@"')

    def command(self, name: str, script: str) -> None:
        """A command of ours."""
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)

    def write(self, files: Mapping[str, str], below: Path | None = None) -> None:
        for name, text in files.items():
            file = (below or self.place) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def clone_from(self, address: str, files: Mapping[str, str]) -> None:
        """Have git find these files at an address."""
        folder = self.root / "git" / str(len(self.env))
        self.write(files, folder)
        for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "release")):
            subprocess.run(
                ("git", "-c", "user.name=us", "-c", "user.email=us@localhost", *words), cwd=folder, check=True
            )
        count = int(self.env.get("GIT_CONFIG_COUNT", "0"))
        self.env |= {
            f"GIT_CONFIG_KEY_{count}": f"url.file://{folder}.insteadOf",
            f"GIT_CONFIG_VALUE_{count}": address,
            "GIT_CONFIG_COUNT": str(count + 1),
        }

    def session(self, script: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MPY_", "GIT_"))}
        fixed = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.root / "home"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
        }
        return subprocess.run(
            (*self.inside, "bash", "-c", script),
            cwd=self.place,
            env={**kept, **fixed, **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )


def unikernel(*packages: str) -> dict[str, str]:
    """A unikernel that is quickly built, and asks for these packages."""
    asked = ", ".join(f'package("{name}")' for name in packages)
    return {
        "config.py": "from mirage_py import job, main, package, register\n\n"
        f'register("hello", [main("Unikernel", job, packages=[{asked}])])\n',
        "unikernel.ml": 'let start () = Lwt.return (print_endline "hello")\n',
    }


def hello(desk: Desk) -> None:
    desk.write(unikernel())


def readme(desk: Desk) -> None:
    """A clone with its virtual environment, and make: what its targets do is tested with them."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = "|".join(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    desk.command("make", f'case "$1" in {targets}) ;; *) exit 2 ;; esac')
    desk.write({".venv/bin/activate": ""})


def network(desk: Desk) -> None:
    desk.write(
        {
            "config.py": "from mirage_py import *\n\n"
            'register("hello", [main("Unikernel.Main", stackv4v6 >> job)(generic_stackv4v6(default_network))])\n'
        }
    )


def several(desk: Desk) -> None:
    """A unikernel that is built as it is, and has the key --net."""
    network(desk)
    config = (desk.place / "config.py").read_text(encoding="utf-8")
    one = 'on, off = main("Unikernel", job), main("Unikernel", job)\n'
    chosen = f"{config.splitlines()[0]}\n\n{one}"
    desk.write(
        unikernel() | {"config.py": chosen + 'register("hello", [match_impl(key.net(), {"host": off}, default=on)])\n'}
    )


def locked(desk: Desk, *names: str) -> Releases:
    """A unikernel whose libraries are locked, and lie in mpy's cache."""
    desk.write(unikernel(*names))
    releases = Releases(desk.root / "cache" / "mpy" / "archives")
    for name in names:
        releases.add(name, library(name))
    releases.write(desk.place)
    return releases


def air_gapped(desk: Desk) -> None:
    releases = locked(desk, "one")
    stick = desk.root / "stick"
    shutil.copytree(releases.mirror, stick / "archives")
    published = Published(desk.root / "published")
    for name in ("one", "lwt", "logs", "cmdliner", "ptime", "mtime", "fmt"):
        published.publish(name, "9.0.0")
    for name in ("opam-repository", "opam-overlays"):
        with tarfile.open(stick / f"{name}.tar.xz", "w:xz") as tar:
            tar.add(published.source, arcname=name)
    desk.stand_for["/media/stick"] = str(stick)


def vendored(desk: Desk) -> None:
    locked(desk, "tcpip")
    desk.write(library("tcpip", version="2.0.0"), desk.root / "mirage-tcpip")
    desk.clone_from("https://github.com/mirage/ocaml-cstruct", library("cstruct"))


def dependencies(desk: Desk, place: str = "hello") -> None:
    """A repository and archives that are the only ones, where there are some; and a repository to add."""
    folder = desk.root / place
    shutil.copytree(copy_example(EXAMPLES / "hello", desk.root / "copied"), folder, dirs_exist_ok=True)
    known = mirror().parent / "repo"
    if why_not("mirror") is None:
        (desk.root / "cache" / "mpy").mkdir(exist_ok=True)
        shutil.copytree(mirror(), desk.root / "cache" / "mpy" / "archives")
    else:
        published = Published(desk.root / "published")
        published.publish("one", "1.0.0")
        known = Path(published.source)
    desk.write({"mpy.toml": f'repositories = ["{known}"]\n'}, folder)
    opam = {"repo": 'opam-version: "2.0"\n', "packages/one/one.1/opam": 'opam-version: "2.0"\n'}
    desk.clone_from("https://example.org/metadata.git", opam)


def mirage(desk: Desk) -> None:
    """What somebody has who comes from there."""
    desk.write(
        {
            "config.ml": 'open Mirage\n\nlet main = main "Unikernel" job ~packages:[ package "duration" ]\n'
            'let () = register "hello" [ main ]\n',
            "unikernel.ml": "let start () = Lwt.return_unit\n",
        }
    )


CONNECTED = """\
from mirage_py import Resource, impl, job, main, register, typ

link = typ("link")
both = impl("Links", link, resources=[Resource(kind="net", name="service"), Resource(kind="block", name="storage")])
register("web", [main("Unikernel.Main", link >> job)(both)])
"""
"""An image that wants a network and a disk from its tender, and leaves them alone."""


def run(desk: Desk) -> None:
    """Built images: one that takes a word at boot, and one that is connected; in a network of their own."""
    shutil.copytree(copy_example(EXAMPLES / "hello-key", desk.root / "copied"), desk.place, dirs_exist_ok=True)
    start = "module Main (_ : sig end) = struct let start () = Lwt.return_unit end\n"
    desk.write({"config.py": CONNECTED, "links.ml": "", "unikernel.ml": start}, desk.root / "web")
    if lacks("solo5"):
        return
    emulated = why_not("emulation") is None
    if emulated:
        put_lock(desk.place, "noop")
        pulled = desk.session(f"mpy pull --offline --mirror {shlex.quote(str(mirror()))}")
        skip_where_lacking(pulled.stderr)
        assert pulled.returncode == 0, pulled.stderr
    more = " -t hvt -t xen" if emulated else ""
    made = desk.session(
        f"set -e; mpy build -t spt -t virtio{more}; cd ../web; mpy build -t spt; truncate -s 1M disk.img"
    )
    assert made.returncode == 0, made.stderr
    if why_no_namespace() is None:
        desk.inside = ("unshare", "-rn")
        desk.begin = "ip tuntap add dev tap0 mode tap && ip link set tap0 up"


def venvs(desk: Desk) -> None:
    """python3, whose virtual environments know what is installed here, so that pip asks nobody else for it."""
    ours = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (desk.root / "ours.pth").write_text("\n".join([*ours, str(ROOT)]), encoding="utf-8")
    python, pip = shlex.quote(sys.executable), f"{shlex.quote(sys.executable)} -m pip --python"
    desk.command(
        "python3",
        f"""test "$1 $2" = "-m venv" || exec {python} "$@"
{python} -m venv --without-pip "$3"
cp {desk.root}/ours.pth "$(echo "$3"/lib/python*/site-packages)"
cd "$3/bin"
echo "#!/bin/sh" | tee pip mpy >/dev/null
echo 'exec {pip} "$(dirname "$0")/python" "$@"' >>pip
echo 'exec "$(dirname "$0")/python" -m mirage_py "$@"' >>mpy
chmod +x pip mpy""",
    )
    desk.env |= {"PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONPATH": ""}


def own_venv(desk: Desk) -> None:
    """A virtual environment that has mpy, and where pip installs."""
    venvs(desk)
    made = desk.session(f"python3 -m venv {desk.root}/venv")
    assert made.returncode == 0, made.stderr
    for name in ("mpy", "pip"):
        desk.command(name, f'exec {desk.root}/venv/bin/{name} "$@"')


def checkout(desk: Desk) -> None:
    """The sources of mpy, and a wheel of them for pipx and uv."""
    folder = desk.root / "checkout"
    shutil.copytree(ROOT / "mirage_py", folder / "mirage_py", ignore=shutil.ignore_patterns(*GENERATED))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    if why_not("pipx") is None or why_not("uv") is None:
        made = desk.session(f"cd {folder} && {sys.executable} -m hatchling build -t wheel -d {desk.root}/wheels")
        assert made.returncode == 0, made.stderr
        desk.command("uv", f'exec {shlex.quote(sys.executable)} -m uv "$@"')
        desk.env |= {"PIP_FIND_LINKS": f"{desk.root}/wheels", "UV_FIND_LINKS": f"{desk.root}/wheels"}


def debian(desk: Desk) -> None:
    """apt-get that knows which packages there are, and installs none."""
    asked = (
        "for word; do case $word in -*|install|update) ;; "
        "*) dpkg-query -W $word || apt-cache show $word || exit 100 ;; esac; done >/dev/null 2>&1"
    )
    desk.command("apt-get", asked if shutil.which("apt-cache") else "exit 0")
    desk.command("sudo", 'exec "$@"')


def with_lock(desk: Desk) -> None:
    """A project with a lock, where there are versions to choose from."""
    hello(desk)
    if why_not("mirror") is None:
        dependencies(desk, "locked")
        made = desk.session("cd ../locked && mpy configure -t unix && mpy lock")
        assert made.returncode == 0, made.stderr


def nothing(desk: Desk) -> None:
    """An empty folder."""


Setting = Callable[[Desk], None]
SETTINGS: Mapping[str, tuple[Setting, ...]] = {
    "README.md": (readme,),
    "docs/how-to/air-gapped.md": (air_gapped,),
    "docs/how-to/another-scheduler.md": (nothing,),
    "docs/how-to/c-stubs.md": (hello,),
    "docs/how-to/ci.md": (with_lock, venvs, debian),
    "docs/how-to/dependencies.md": (dependencies,),
    "docs/how-to/device-package.md": (own_venv,),
    "docs/how-to/from-mirage.md": (mirage,),
    "docs/how-to/install.md": (checkout, venvs, debian),
    "docs/how-to/own-device.md": (nothing,),
    "docs/how-to/run.md": (run, debian),
    "docs/how-to/several-targets.md": (several,),
    "docs/how-to/shell-completion.md": (hello,),
    "docs/how-to/vendored-libraries.md": (vendored,),
}


# ---------------------------------------------------------------------------------------------------------------------
# Carrying it out


@cache
def why_no_solution() -> str | None:
    """Why the examples of pages cannot be locked from the mirror by this machine's OCaml, or None."""
    repository = mirror().parent / "repo"
    if not (repository.is_dir() and mirror().is_dir()):
        return "MPY_TEST_MIRROR names no folder with repo/ and mirror/"
    with TemporaryDirectory() as place:
        folder = copy_example(EXAMPLES / "hello", Path(place) / "hello")
        line = (sys.executable, "-m", "mirage_py", "lock", "-t", "unix", "-t", "spt", "--repo", str(repository))
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": place}
        done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return f"no versions for the OCaml of this machine: {done.stderr.splitlines()[0]}" if done.returncode == 4 else None


def why_not(need: str) -> str | None:
    """Why a block with this need is left out here, or None."""
    match need:
        case "solo5" | "qemu":
            return lacks(need)
        case "ocaml5":
            return why_no_ocaml(5)
        case "tap":
            return lacks("solo5") or why_no_namespace()
        case "emulation":
            given = "" if os.environ.get("MPY_TEST_ALL") else "MPY_TEST_ALL is not set: it builds from sources"
            return lacks("solo5") or lacks("qemu") or given or why_no_sources("noop")
        case "pipx" | "uv" if not os.environ.get("MPY_TEST_ALL"):
            return "MPY_TEST_ALL is not set: it asks an index of packages"
        case "uv":
            return None
        case "pipx" | "zsh":
            return None if shutil.which(need) else f"{need} is not on PATH"
        case "mirror":
            return why_no_solution()
        case _:
            pytest.fail(f"a page needs {need}, which nobody knows", pytrace=False)


def why_no_ocaml(major: int) -> str | None:
    """Why a program for this OCaml, or a newer one, is not compiled here."""
    if reason := lacks("ocaml"):
        return reason
    found = subprocess.run(("ocamlfind", "ocamlopt", "-version"), capture_output=True, text=True, check=True).stdout
    return None if int(found.split(".")[0]) >= major else f"OCaml is {found.strip()} here, not {major}"


TELLS = {"mpy audit": 8}
"""Commands that end with a code of their own where they answer no."""


def script(page: str, desk: Desk, left_out: list[str]) -> Iterator[str]:
    yield "set -eo pipefail"
    yield from (desk.begin,) if desk.begin else ()
    for block in blocks(page):
        reason = why_not(block.needs) if block.needs else None
        if block.file:
            yield f"mkdir -p {shlex.quote(str(Path(block.file).parent))}"
            yield f"cat >{shlex.quote(block.file)} <<'END_OF_FILE'\n{block.text}END_OF_FILE"
        elif reason and block.lines:
            left_out.append(reason)
        elif block.lines:
            yield from [f"cd {shlex.quote(str(desk.root / block.place))}"] if block.place else []
            yield from (_told(line, desk) for line in block.lines)


def _told(line: str, desk: Desk) -> str:
    for example, ours in desk.stand_for.items():
        line = line.replace(example, ours)
    code = next((code for command, code in TELLS.items() if line.startswith(command)), None)
    return f"echo {shlex.quote(f'$ {line}')} >&2\n{line}" + (f" || [ $? = {code} ]" if code else "")


@pytest.mark.ocaml
@pytest.mark.slow
@pytest.mark.parametrize("page", pages())
def test_page_can_be_followed(page: str, tmp_path: Path) -> None:
    assert page in SETTINGS, f"{page} tells to type something: say in SETTINGS what its reader has"
    desk = Desk(tmp_path / "desk")
    for setting in SETTINGS[page]:
        setting(desk)
    left_out: list[str] = []
    done = desk.session("\n".join(script(page, desk, left_out)))
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout}"
    if left_out:
        pytest.skip(f"done but for what needs more: {'; '.join(dict.fromkeys(left_out))}")


def test_every_setting_is_of_a_page() -> None:
    assert {*SETTINGS} <= {*pages()}

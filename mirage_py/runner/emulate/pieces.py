"""What an emulated machine boots from: pieces of Debian's packages, fetched without being installed, and kept.

They live in mpy's cache with the digest of each, so that a damaged one is noticed and made again. Downloads that were
cut short stay until the pieces are made, and apt goes on where it stopped.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.doors import memory
from mirage_py.doors.processes import Result, run, stream, which
from mirage_py.errors import Location, MpyError, ToolFailed, ToolNotFound
from mirage_py.model.command import Command

__all__ = ["Progress", "Recipe", "fetch_pieces"]

DIGESTS: Final = "digests.json"
APT_HELPER: Final = "/usr/lib/apt/apt-helper"
HELPER: Final = (APT_HELPER, "-o", "APT::Sandbox::User=root", "-o", "APT::Status-Fd=1")
"""Without a user of its own, which could not write here; with a line for each step of a download."""

TOOLS: Final = ("apt-get", "apt-cache", APT_HELPER, "dpkg-deb")
STATUS: Final = re.compile(r"dlstatus:\d+:(?P<percent>\d+)")
URI: Final = re.compile(r"^'(?P<uri>[^']*)' (?P<file>\S+) (?P<size>\d+) (?P<digest>\S+)", re.MULTILINE)
FETCH: Final = "fetch Debian's packages"
KERNEL: Final = re.compile(r"linux-image-\d")

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The pieces of one kind of machine.

    `name` changes when their meaning does. `kernel` is the package that depends on the current kernel; `packages` names
    the others; `make` finds the pieces where all are unpacked.
    """

    name: str
    kernel: str
    packages: Callable[[], tuple[str, ...]]
    make: Callable[[Path], Mapping[str, bytes]]


def fetch_pieces(recipe: Recipe, progress: Progress) -> Path:
    """The folder with the pieces, which are made first where they are not there, or not whole.

    `ToolNotFound` where Debian's tools or packages are not to be had, `ToolFailed` when a download fails.
    """
    base = memory.folder() / "emulate"
    with _writing(base), _locked(base, progress):
        if not _whole(base / recipe.name):
            _make(recipe, base, progress)
    return base / recipe.name


def depends(packages: Iterable[str]) -> tuple[str, ...]:
    """The packages that these depend on, by name; ToolNotFound where apt does not know one."""
    names = tuple(packages)
    result = run(Command(argv=("apt-cache", "depends", *names), purpose="ask apt for dependencies"), check=False)
    if not result.ok:
        raise _unknown(names, result)
    lines = (line.strip().removeprefix("|") for line in result.stdout.splitlines())
    found = (line.removeprefix("Depends:").strip() for line in lines if line.startswith("Depends:"))
    return tuple(dict.fromkeys(name for name in found if not name.startswith("<")))


def _unknown(packages: tuple[str, ...], result: Result | None = None) -> ToolNotFound:
    said = [line for line in (result.output if result else "").splitlines() if line.startswith(("E:", "N:"))]
    return ToolNotFound(
        f"apt knows no {' or '.join(packages)}",
        details=("mpy run --emulate boots a kernel from Debian's packages (amd64), which it does not install", *said),
        hint="sudo apt-get update, then again; on another system use Debian 12 in a container",
    )


def _make(recipe: Recipe, base: Path, progress: Progress) -> None:
    """Fetch, unpack, choose; what is finished takes its place in one step."""
    for tool in TOOLS:
        if which(tool) is None:
            raise ToolNotFound(
                f"{tool} is not on this machine",
                details=("mpy run --emulate takes a kernel from Debian's packages",),
                hint="run it on Debian 12, or in a container of it",
            )
    progress("asking apt what a machine is made of")
    kernels = tuple(name for name in depends([recipe.kernel]) if KERNEL.match(name))
    if not kernels:
        raise _unknown((recipe.kernel,))
    downloads, unpacked = base / f"{recipe.name}.debs", base / f".{recipe.name}.unpacked"
    _download((*kernels, *recipe.packages()), downloads, progress)
    try:
        _unpack(downloads, unpacked, progress)
        _keep(recipe.make(unpacked), base / recipe.name)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    shutil.rmtree(downloads)


def _download(packages: tuple[str, ...], folder: Path, progress: Progress) -> None:
    """All packages into the folder; what lies there in part is completed, what is there is not fetched again."""
    files = _files_of(packages)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in {file.name for file in files}:  # of an earlier try, and no longer the newest
            old.unlink()
    lacking = [file for file in files if not file.is_whole(folder)]
    if lacking:
        _fetch(lacking, folder, progress)


def _fetch(files: list[_File], folder: Path, progress: Progress) -> None:
    """The helper of apt goes on where a download was cut short, which `apt-get download` does not."""
    size = sum(file.size for file in files) / 1e6
    what = f"fetching {len(files)} package{'s' * (len(files) > 1)} from Debian ({size:.0f} MB)"
    shown = ""

    def tell(line: str) -> None:
        nonlocal shown
        status = STATUS.match(line)
        if status and status["percent"] != shown:
            shown = status["percent"]
            progress(f"{what}: {shown} %")

    progress(what)
    words = (word for file in files for word in (file.uri, file.name, file.digest))
    _apt(stream(Command(argv=(*HELPER, "download-file", *words), purpose=FETCH, cwd=folder), on_line=tell, check=False))


@dataclass(frozen=True, kw_only=True)
class _File:
    """A package's file as apt would fetch it; `digest` has its kind in front."""

    uri: str
    name: str
    size: int
    digest: str

    def is_whole(self, folder: Path) -> bool:
        """Whether the folder has it already."""
        there = folder / self.name
        return there.is_file() and there.stat().st_size == self.size and f"SHA256:{_digest(there)}" == self.digest


def _files_of(packages: tuple[str, ...]) -> list[_File]:
    """The files that apt would fetch."""
    answer = _apt(run(Command(argv=("apt-get", "download", "--print-uris", *packages), purpose=FETCH), check=False))
    return [
        _File(uri=found["uri"], name=found["file"], size=int(found["size"]), digest=found["digest"])
        for found in URI.finditer(answer)
    ]


def _apt(result: Result) -> str:
    """What apt wrote, when it did what it was asked."""
    if result.ok:
        return result.stdout
    raise _not_fetched(result)


def _not_fetched(result: Result) -> ToolFailed:
    lines = [line for line in result.output.splitlines() if not line.startswith(("dlstatus:", "W:"))]
    return ToolFailed(
        "the packages that an emulated machine is made of could not be fetched",
        details=tuple(line for line in lines if line.startswith("E:"))[:3],
        hint="see that the network is there; after a while a mirror drops old versions: sudo apt-get update",
        output="\n".join(lines),
    )


def _unpack(downloads: Path, folder: Path, progress: Progress) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for package in sorted(downloads.glob("*.deb")):
        progress(f"unpacking {package.name.partition('_')[0]}")
        run(Command(argv=("dpkg-deb", "-x", str(package), str(folder)), purpose=f"unpack {package.name}"))


def _keep(contents: Mapping[str, bytes], place: Path) -> None:
    staged = place.with_name(f".{place.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    for name, content in contents.items():
        (staged / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    (staged / DIGESTS).write_text(json.dumps(digests), "utf-8")
    shutil.rmtree(place, ignore_errors=True)
    staged.rename(place)


def _whole(place: Path) -> bool:
    """Whether every piece is there as it was made."""
    try:
        digests = json.loads((place / DIGESTS).read_text("utf-8"))
        return all(_digest(place / name) == digest for name, digest in digests.items())
    except (OSError, ValueError, AttributeError):
        return False


def _digest(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A cache that cannot be written is told as what it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise MpyError(
            f"cannot keep the pieces of an emulated machine: {error.strerror or error}",
            location=Location(str(error.filename or folder)),
            hint="they take up to 0.6 GB while they are made; XDG_CACHE_HOME names another place",
        ) from error


@contextmanager
def _locked(folder: Path, progress: Progress) -> Iterator[None]:
    """One process makes pieces; others wait for it."""
    with (folder / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another mpy, which prepares an emulated machine")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield

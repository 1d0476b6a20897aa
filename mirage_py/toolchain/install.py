"""A Solo5 toolchain of mpy's own: made by opam in a private root, in versions that fit the host's OCaml.

No switch, repository or configuration of the user's opam is touched: the root is a folder of mpy's cache, where
discovery looks when it has found no other toolchain, and taking it away is removing that folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mirage_py.doors import memory
from mirage_py.doors.processes import failure, run, stream, which
from mirage_py.errors import ToolFailed, ToolNotFound
from mirage_py.model.command import Command

__all__ = ["PRIVATE", "install", "private_prefix", "remove"]

PRIVATE: Final = "solo5"
"""The name of the switch, and of the toolchain."""

REPOSITORY: Final = "https://opam.ocaml.org"

Told = Callable[[str], None]


def install(ocaml: str, repository: str | None = None, *, progress: Told = lambda _: None) -> Path:
    """Install Solo5 and ocaml-solo5 for this version of OCaml; the prefix that has them.

    An older one is replaced. Raises `ToolNotFound` without opam, and `ToolFailed` with opam's own text when it finds no
    fitting version or cannot build it; what was there before is there again then.
    """
    if which("opam") is None:
        raise ToolNotFound(
            "opam is not on this machine, and it is what builds the toolchain",
            details=("Debian 13 and later have the toolchain itself, as ocaml-solo5 and solo5",),
            hint="apt install opam, then: mpy toolchain install",
        )
    with _replaced(_root()):
        _opam("init", "--bare", "--no-setup", *_sandbox(), repository or REPOSITORY, progress=progress)
        _opam("switch", "create", PRIVATE, "--empty", progress=progress)
        packages = (f"ocaml-system.{ocaml}", "solo5", "ocaml-solo5")
        try:
            _opam("install", f"--switch={PRIVATE}", *packages, progress=progress)
        except ToolFailed as failed:
            raise _unsolvable(ocaml, failed) if "o solution found" in failed.output else failed from None
    return _root() / PRIVATE


@contextmanager
def _replaced(folder: Path) -> Iterator[None]:
    """A folder that is made anew, in its own place since opam notes it; the old one comes back where that fails."""
    old = _old(folder)
    if old.is_dir():  # mpy was killed half way
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.is_dir():
        folder.rename(old)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if old.is_dir():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def private_prefix() -> Path | None:
    """The prefix of the toolchain that `install` made, if there is one."""
    prefix = _root() / PRIVATE
    return prefix if (prefix / "bin").is_dir() else None


def remove() -> bool:
    """Take away what `install` made; whether there was anything."""
    places = [place for place in (_root(), _old(_root())) if place.is_dir()]
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
    return bool(places)


def _unsolvable(ocaml: str, failed: ToolFailed) -> ToolFailed:
    """What opam 2.1 means by "a problem with your request"."""
    return ToolFailed(
        f"no release of ocaml-solo5 fits the OCaml of this machine, {ocaml}",
        output=failed.output,
        details=failed.details,
        hint="0.8 is for OCaml 4.12 to 4.14, 1.1 for 5.3, later ones for later ones: install one of these compilers",
    )


def _root() -> Path:
    return memory.folder() / "toolchain"


def _old(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.old")


def _opam(*words: str, progress: Told) -> None:
    what = f"install a Solo5 toolchain (opam {words[0]})"
    progress(what)
    environment = {"OPAMROOT": str(_root()), "OPAMSWITCH": None, "OPAM_SWITCH_PREFIX": None, "OPAMYES": "1"}
    environment |= {"OPAMCOLOR": "never", "OPAMNODEPEXTS": "1", "OPAMROOTISOK": "1"}
    done = stream(Command(argv=("opam", *words), purpose=what, env=environment), on_line=progress, check=False)
    if not done.ok:
        raise failure(done)


def _sandbox() -> tuple[str, ...]:
    """What opam is told where it cannot have its sandbox, as in most containers."""
    probe = Command(argv=("bwrap", "--ro-bind", "/", "/", "true"), purpose="see whether opam can have its sandbox")
    works = which("bwrap") is not None and run(probe, check=False).ok
    return () if works else ("--disable-sandboxing",)

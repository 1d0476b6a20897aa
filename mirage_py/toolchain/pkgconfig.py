"""pkg-config, asked for a target: its search path is the target's and nothing of the host's.

What the host exposes through pkg-config (include paths, `-L/usr/lib`, PIC variants) must not leak into a freestanding
image; Solo5 dropped pkg-config for that reason. So `PKG_CONFIG_LIBDIR` replaces the built-in path, and
`PKG_CONFIG_PATH`, which would be put before it, is removed.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from pathlib import Path

from mirage_py.dataclass import dataclass
from mirage_py.doors.processes import run
from mirage_py.errors import ToolFailed, ToolNotFound
from mirage_py.model.command import Command
from mirage_py.model.toolchain import Toolchain
from mirage_py.toolchain.ask import ask

__all__ = ["HOST", "PkgConfig", "folders_of", "folders_with", "pkg_config_for"]


@dataclass(frozen=True, kw_only=True)
class PkgConfig:
    """The packages in `folders`, and in no other place; in the host's own places when `folders` is None."""

    folders: tuple[Path, ...] | None
    owner: str = "this machine"

    def has(self, package: str) -> bool:
        """Whether the package is there (of the host: whether pkg-config knows it)."""
        if self.folders is None:
            return self._answers(package)
        return any((folder / f"{package}.pc").is_file() for folder in self.folders)

    def packages(self) -> tuple[str, ...]:
        """The names of all packages in the folders."""
        found = {file.stem for folder in self.folders or () for file in folder.glob("*.pc")}
        return tuple(sorted(found))

    def cflags(self, packages: Collection[str]) -> tuple[str, ...]:
        """What C code that uses these packages is compiled with."""
        return self._words(packages, "--cflags")

    def libs(self, packages: Collection[str]) -> tuple[str, ...]:
        """What a program that uses these packages is linked with, statically where it is freestanding."""
        return self._words(packages, "--libs")

    def version(self, package: str) -> str:
        """The version that the package states."""
        return " ".join(self._words([package], "--modversion"))

    def variable(self, package: str, name: str) -> tuple[str, ...]:
        """The words of a package's variable; () where it is missing or empty, which pkg-config does not tell apart."""
        return self._words([package], f"--variable={name}")

    def required(self, package: str, name: str) -> tuple[str, ...]:
        """The words of a variable that a link cannot do without."""
        words = self.variable(package, name)
        if not words:
            raise ToolNotFound(
                f"{package}.pc has no variable {name!r}",
                details=(f"an image for {self.owner} is linked with it", *self._searched()),
                hint=f"reinstall the package that brings {package}.pc; it is not the one that Solo5 installs",
            )
        return words

    def require(self, package: str) -> None:
        """Refuse, with what is there instead, where the package is not."""
        if not self.has(package):
            raise self._missing(package)

    def _answers(self, package: str) -> bool:
        return run(self._command((package,), "--exists"), check=False).ok

    def _answer(self, command: Command) -> str:
        """The host's answers are not remembered: which files they depend on is pkg-config's secret."""
        return ask(command, files=self._files()) if self.folders is not None else run(command).stdout

    def _words(self, packages: Collection[str], question: str) -> tuple[str, ...]:
        for package in packages if self.folders is not None else ():
            self.require(package)
        try:
            text = self._answer(self._command(packages, question))
        except ToolFailed as error:
            raise self._translated(error, packages) from None
        return tuple(shlex.split(text))

    def _command(self, packages: Collection[str], *question: str) -> Command:
        program = os.environ.get("PKG_CONFIG") or "pkg-config"
        static = ("--static",) if self.folders is not None else ()
        return Command(
            argv=(program, *static, *question, *packages),
            purpose=f"ask pkg-config about {' '.join(packages)}",
            env=self._environment(),
        )

    def _environment(self) -> dict[str, str | None]:
        if self.folders is None:
            return {}
        folders = os.pathsep.join(map(str, self.folders))
        return {"PKG_CONFIG_LIBDIR": folders, "PKG_CONFIG_PATH": None, "PKG_CONFIG_SYSROOT_DIR": None}

    def _files(self) -> list[Path]:
        """What an answer depends on: each folder (a new file changes it) and each description in it."""
        folders = self.folders or ()
        return [*folders, *(file for folder in folders for file in sorted(folder.glob("*.pc")))]

    def _missing(self, package: str) -> ToolNotFound:
        there = self.packages()
        return ToolNotFound(
            f"{self.owner} has no pkg-config package {package}",
            details=(*self._searched(), f"there is: {', '.join(there)}" if there else "there is no package at all"),
            hint="install it for the target; the packages of this machine do not count, they are for Unix",
        )

    def _searched(self) -> tuple[str, ...]:
        return (f"looked in: {', '.join(map(str, self.folders))}",) if self.folders else ()

    def _translated(self, error: ToolFailed, packages: Collection[str]) -> ToolNotFound | ToolFailed:
        """What is missing stands in the last line of pkg-config's explanation; the others are about variables."""
        explained = run(self._command(packages, "--exists", "--print-errors"), check=False).output.splitlines()
        lacking = next((line for line in reversed(explained) if "not found" in line or "requires" in line), None)
        if lacking is None:
            return error
        return ToolNotFound(
            f"pkg-config cannot serve {' '.join(packages)} for {self.owner}: {lacking.strip()}",
            details=self._searched(),
            hint=None if self.folders is not None else "install its development package (apt install lib...-dev)",
        )


HOST = PkgConfig(folders=None)
"""The packages of this machine, for the unix target and nothing else."""


def folders_of(prefix: Path) -> tuple[Path, ...]:
    """Where a prefix keeps its descriptions."""
    return prefix / "lib" / "pkgconfig", prefix / "share" / "pkgconfig"


def folders_with(package: str) -> tuple[Path, ...]:
    """The folders of PKG_CONFIG_LIBDIR and PKG_CONFIG_PATH that have this package: what the user points at."""
    named = (os.environ.get(name, "") for name in ("PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"))
    folders = [Path(folder) for value in named for folder in value.split(os.pathsep) if folder]
    return tuple(folder for folder in dict.fromkeys(folders) if (folder / f"{package}.pc").is_file())


def pkg_config_for(toolchain: Toolchain) -> PkgConfig:
    """The packages of a target: the host's on unix, those of the target's own prefixes and no others elsewhere."""
    if not toolchain.freestanding:
        return HOST
    prefixes = dict.fromkeys(place for place in (toolchain.sysroot, toolchain.prefix) if place)
    folders = tuple(folder for prefix in prefixes for folder in folders_of(prefix))
    return PkgConfig(folders=folders, owner=f"target {toolchain.target}")

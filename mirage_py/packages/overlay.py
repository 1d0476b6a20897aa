"""What a repository lays over a released source, in opam's order: extra sources, `files/`, substs, patches.

A file that is both made by substitution and a patch is made before the patches are applied, the others after them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from mirage_py.doors.processes import require, run
from mirage_py.errors import FetchFailed, ToolFailed
from mirage_py.model.command import Command
from mirage_py.packages.lock import LockedSource, Subst

__all__ = ["interpolated", "overlay"]

VARIABLE: Final = re.compile(r"%\{(?P<name>[^}?]*?)(\?(?P<yes>[^:}]*):(?P<no>[^}]*))?\}%")

Variables = Mapping[str, str]


def overlay(source: LockedSource, folder: Path, extra: Mapping[str, Path], versions: Mapping[str, str]) -> None:
    """Lay all of it over `folder`; `extra` has the file of each extra source, `versions` that of each package.

    Raises `FetchFailed` when a file that is named is not there, `ToolFailed` when a patch does not fit, `ToolNotFound`
    without the `patch` program.
    """
    for name, file in extra.items():
        _lay(source, folder, name, file.read_bytes())
    for one in source.files:
        _lay(source, folder, one.name, one.content)
    first = [subst for subst in source.substs if subst.name in source.patches]
    rest = [subst for subst in source.substs if subst.name not in source.patches]
    _substitute(source, folder, first, versions)
    for patch in source.patches:
        _apply(source, folder, patch)
    _substitute(source, folder, rest, versions)


def _lay(source: LockedSource, folder: Path, name: str, content: bytes) -> None:
    target = _below(source, folder, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_bytes(content)
    if content.startswith(b"#!"):
        target.chmod(0o755)


def _below(source: LockedSource, folder: Path, name: str) -> Path:
    """The path of a name in the source, over no link that leads out."""
    target = folder / name
    if not os.path.realpath(target.parent).startswith(os.path.realpath(folder)) or ".." in name.split("/"):
        raise FetchFailed(f"{source.folder}: {name} would be laid outside of its source")
    return target


def _apply(source: LockedSource, folder: Path, patch: str) -> None:
    """As opam does: `patch -p1`. Files of a reject are not left: nothing of this folder is kept then."""
    file = _below(source, folder, patch)
    if not file.is_file():
        raise FetchFailed(
            f"{source.folder}: its patch {patch} is neither in the archive nor among the files of the repository",
            hint="the package is broken in its repository: lock another version of it",
        )
    require("patch", f"apply {patch} to {source.folder}")
    words = ("patch", "-p1", "--batch", "--forward", "--no-backup-if-mismatch", "--silent", "-i", patch)
    done = run(Command(argv=words, purpose=f"apply {patch} to {source.folder}", cwd=folder), check=False)
    if not done.ok:
        raise ToolFailed(
            f"{source.folder}: {patch} does not fit the source that it is for",
            output=done.output,
            hint="the package is broken in its repository: lock another version of it",
        )


# ---------------------------------------------------------------------------------------------------------------------
# Substitution


def _substitute(source: LockedSource, folder: Path, substs: Iterable[Subst], versions: Mapping[str, str]) -> None:
    for subst in substs:
        template = _below(source, folder, f"{subst.name}.in")
        if not template.is_file():
            raise FetchFailed(
                f"{source.folder}: {subst.name}.in, from which {subst.name} is made, is not there",
                hint="the package is broken in its repository: lock another version of it",
            )
        target = _below(source, folder, subst.name)
        text = template.read_bytes().decode("utf-8", "surrogateescape")
        made = interpolated(text, _variables(subst.package, versions.get(subst.package, "")))
        target.write_bytes(made.encode("utf-8", "surrogateescape"))
        target.chmod(template.stat().st_mode)


def interpolated(text: str, variables: Variables) -> str:
    """The text with opam's variables filled in: `%{name}%`, `%{name?yes:no}%`, `%%`; an unknown one is empty."""
    filled = VARIABLE.sub(lambda found: _value(found, variables), text)
    return filled.replace("%%", "%")


def _value(found: re.Match[str], variables: Variables) -> str:
    value = variables.get(found["name"].removeprefix("_:"))
    if found["yes"] is None:
        return "" if value is None else value
    return found["yes"] if value == "true" else found["no"]


def _variables(package: str, version: str) -> Variables:
    """What opam would know of the package here. The number of jobs is one for all: sources are equal everywhere."""
    system = os.uname()
    return {
        "name": package,
        "version": version,
        "os": {"Linux": "linux", "Darwin": "macos"}.get(system.sysname, system.sysname.lower()),
        "arch": {"aarch64": "arm64"}.get(system.machine, system.machine),
        "make": "make",
        "jobs": "4",
        "pinned": "false",
        "dev": "false",
        "build": "true",
        "with-test": "false",
        "with-doc": "false",
        f"{package}:name": package,
        f"{package}:version": version,
    }

"""All that a build needs but the compiler and the toolchain, as one archive that is the same bits each time.

The user's files, mpy.lock, the vendored sources, the saved choices and mpy's own runtime, which a build of the unpacked
archive takes instead of that of the mpy there. mirage/bundle.json has the digest of each file.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from mirage_py._version import __version__
from mirage_py.dataclass import dataclass, replace
from mirage_py.doors.files import Tree
from mirage_py.errors import ConfigError, Location, MpyError
from mirage_py.libraries.bundled import BUNDLED_IN, runtime_sources
from mirage_py.packages.lock import FILE
from mirage_py.packages.manifest import DUNIVERSE, FORMAT, KEPT_IN, read_manifest
from mirage_py.project.reading import bytes_of
from mirage_py.workflow.dev import check_locked

__all__ = ["Bundled", "bundle"]

NOTE: Final = "mirage/bundle.json"
NOT_THEIRS: Final = frozenset(("mirage", "dist", "_build", "_opam", "__pycache__", "node_modules"))
TIME: Final = 315_532_800
"""The first of January 1980: every format that has times has that one, and no tool wonders at it."""


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """An archive that was made: how many files are in it, its size and its digest."""

    path: Path
    files: int
    size: int
    sha256: str


def bundle(root: Path, config_file: str, output: Path) -> Bundled:
    """Put the project into an archive; it unpacks as a folder of the archive's name.

    Raises `LockError` when the vendored sources are not those that mpy.lock names, `MpyError` when the disk refuses.
    """
    if not (root / config_file).is_file():
        raise ConfigError(f"there is no {config_file} here", location=Location.of(root / config_file))
    with Tree(root).locked():
        if (root / FILE).is_file():
            check_locked(root)
        entries = dict(_entries(root, output))
        entries[NOTE] = (_note(entries), False)
        data = _archive(entries, output.name.split(".")[0])
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        half = output.with_name(f".{output.name}.mpy-new")
        half.write_bytes(data)
        half.replace(output)
    except OSError as error:
        raise MpyError(f"cannot write: {error.strerror or error}", location=Location.of(output)) from None
    return Bundled(path=output, files=len(entries), size=len(data), sha256=hashlib.sha256(data).hexdigest())


Entry = tuple[bytes | str, bool]
"""The content of a file, or the target of a link, and whether it may be run."""


def _entries(root: Path, output: Path) -> Iterator[tuple[str, Entry]]:
    yield from _below(root, root, output)
    if (root / "mirage/choices.json").is_file():
        yield "mirage/choices.json", (bytes_of(root / "mirage/choices.json"), False)
    if (root / DUNIVERSE).is_dir():
        yield from _below(root / DUNIVERSE, root, output, hidden=True)  # as they were laid, or they count as edited
        manifest = read_manifest(root)
        folders = {name: replace(laid, stamp="") for name, laid in manifest.folders.items()}
        table = {
            "format": FORMAT,
            "lock": manifest.lock,
            "folders": {n: asdict(one) for n, one in sorted(folders.items())},
        }
        yield f"{DUNIVERSE}/{KEPT_IN}/manifest.json", ((json.dumps(table, indent=1) + "\n").encode(), False)
        for note in sorted((root / DUNIVERSE / KEPT_IN / "files").glob("*.json")):
            yield f"{DUNIVERSE}/{KEPT_IN}/files/{note.name}", (bytes_of(note), False)
    for name, file in runtime_sources():
        yield f"{BUNDLED_IN}/{name}", (file.read_bytes(), False)


def _below(folder: Path, root: Path, output: Path, *, hidden: bool = False) -> Iterator[tuple[str, Entry]]:
    """The files of a folder, without those that mpy or dune made, and, unless `hidden`, what begins with a dot."""
    for here, folders, names in os.walk(folder):
        top = Path(here) == root
        seen = (one for one in folders if (hidden and one != KEPT_IN) or not one.startswith("."))
        kept = (one for one in seen if not (top and one in NOT_THEIRS))
        folders[:] = sorted(kept)
        links = [one for one in folders if os.path.islink(os.path.join(here, one))]
        for name in sorted((*names, *links)):
            path = Path(here) / name
            made = name.endswith((".pyc", ".install")) and not hidden
            if (name.startswith(".") and top) or path == output or made:
                continue
            relative = str(path.relative_to(root))
            if path.is_symlink():
                yield relative, (os.readlink(path), False)
            elif path.is_file():
                yield relative, (path.read_bytes(), os.access(path, os.X_OK))


def _note(entries: dict[str, Entry]) -> bytes:
    files = {name: _digest(content) for name, (content, _) in sorted(entries.items())}
    return (json.dumps({"format": 1, "mpy": __version__, "files": files}, indent=1) + "\n").encode()


def _digest(content: bytes | str) -> str:
    return f"link={content}" if isinstance(content, str) else f"sha256={hashlib.sha256(content).hexdigest()}"


def _archive(entries: dict[str, Entry], top: str) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, (content, executable) in sorted(entries.items()):
            member = tarfile.TarInfo(f"{top}/{name}")
            member.mtime, member.mode = TIME, 0o755 if executable else 0o644
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), 9, mtime=0)

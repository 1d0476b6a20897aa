"""C sources compiled by the target's own compiler, so that objects are judged and not text.

An object is kept under the digest of the command and of all that the compiler may have read from the source's own
folders; a source that does not compile leaves the compiler's words under the same digest. Several are compiled at once.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.doors.processes import run
from mirage_py.errors import MpyError
from mirage_py.model.command import Command
from mirage_py.project.reading import bytes_of

READ: Final = (".h", ".c", ".inc", ".hpp", ".def", ".S")
FIRST_ERROR: Final = re.compile(
    r"^(?P<place>[^\s:][^:\n]*:\d+)(?::\d+)?: (?:fatal )?error: (?P<text>.*)$", re.MULTILINE
)
LONGEST: Final = 60.0
"""Seconds that one source may take."""


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """The target's C compiler with its flags, and the folders that go before PATH for its own tools."""

    argv: tuple[str, ...]
    path: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Source:
    """A C file, the flags its library gives, and the folders that it includes from, its own first."""

    file: Path
    flags: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """What became of a source: an object, or the compiler's first error and the place in the source."""

    source: Source
    object: Path | None = None
    error: str = ""
    place: str = ""


def compile_all(sources: Iterable[Source], compiler: Compiler, folder: Path) -> tuple[Compiled, ...]:
    """Every source as an object below `folder`, or as the error that kept it from being one; in their order."""
    from concurrent.futures import ThreadPoolExecutor  # 10 ms, which few audits need

    folder.mkdir(parents=True, exist_ok=True)
    workers = max(1, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(lambda source: _compiled(source, compiler, folder), sources))


def headers_of(source: Source, compiler: Compiler) -> str:
    """The files that a source includes, as the compiler tells them in the language of make; empty where it does not."""
    argv = (*compiler.argv, *source.flags, *(f"-I{place}" for place in source.folders), "-M", str(source.file))
    command = Command(
        argv=argv,
        purpose=f"list the headers of {source.file.name}",
        cwd=source.file.parent,
        env={"PATH": _search(compiler)},
        timeout=LONGEST,
    )
    try:
        return run(command, check=False).stdout
    except MpyError:
        return ""


def _search(compiler: Compiler) -> str:
    return os.pathsep.join([*map(str, compiler.path), os.environ.get("PATH", os.defpath)])


def _compiled(source: Source, compiler: Compiler, folder: Path) -> Compiled:
    argv = (*compiler.argv, *source.flags, *(f"-I{place}" for place in source.folders), "-c", str(source.file))
    made = folder / f"{_digest(argv, source)}.o"
    refused = made.with_suffix(".err")
    if not made.is_file() and not refused.is_file():
        _compile(argv, source, compiler, made)
    if made.is_file():
        return Compiled(source=source, object=made)
    text, _, place = refused.read_text("utf-8").partition("\n")
    return Compiled(source=source, error=text, place=place)


def _compile(argv: tuple[str, ...], source: Source, compiler: Compiler, made: Path) -> None:
    """Make the object, or the note of why it cannot be made; under its name only when it is whole."""
    half = made.with_name(f"{made.name}.{os.getpid()}")
    command = Command(
        argv=(*argv, "-o", str(half)),
        purpose=f"compile {source.file.name}",
        cwd=source.file.parent,
        env={"PATH": _search(compiler)},
        timeout=LONGEST,
    )
    try:
        result = run(command, check=False)
        if result.code == 0:
            half.replace(made)
            return
        text = result.output
    except MpyError as error:
        text = str(error)
    half.unlink(missing_ok=True)
    half.write_text("\n".join(_first_error(text, source)), "utf-8")
    half.replace(made.with_suffix(".err"))


def _first_error(text: str, source: Source) -> tuple[str, str]:
    """What the compiler said first, and where."""
    found = FIRST_ERROR.search(text)
    if found is None:
        lines = [line for line in text.splitlines() if line.strip()]
        return (lines[-1] if lines else "the compiler gave no reason", source.file.name)
    return found["text"], os.path.basename(found["place"])


def _digest(argv: tuple[str, ...], source: Source) -> str:
    """Of the command, and of every file that the source may include from its own folders."""
    digest = hashlib.blake2b(os.fsencode("\0".join(argv)), digest_size=16)
    for file in (source.file, *near((source.file.parent, *source.folders))):
        try:
            digest.update(os.fsencode(file) + b"\0" + bytes_of(file))
        except OSError:
            digest.update(b"\0unreadable")
    return digest.hexdigest()


def near(folders: Iterable[Path]) -> Iterator[Path]:
    """The files in these folders that a C source may include."""
    for folder in dict.fromkeys(folders):
        if folder.is_dir():
            yield from (folder / name for name in sorted(os.listdir(folder)) if name.endswith(READ))

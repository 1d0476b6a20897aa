"""Verdicts remembered until something they were read from changes.

An entry lists every file that was read with its size, time and digest: an unchanged size and time is believed, else the
digest decides, which large files have none of: most of them are archives, of which a tenth is read for a verdict. An
entry that cannot be read, or is of another format, is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from mirage_py.dataclass import replace
from mirage_py.model.audit import AuditReport, AuditRequest, Finding, LibraryAudit, Problem
from mirage_py.model.closure import Closure
from mirage_py.project.reading import bytes_of

FORMAT: Final = 1
"""Raised when the meaning of an entry changes."""

LARGE: Final = 1 << 16
"""Bytes of a file of which another time is another content."""


def recall(request: AuditRequest, served: Closure | None = None) -> AuditReport | None:
    """The report of an equal request about an equal closure, when nothing that it was read from has changed."""
    if request.cache is None:
        return None
    try:
        stored = json.loads(_file(request.cache, request, served).read_text("utf-8"))
        fresh = stored["format"] == FORMAT and all(_unchanged(path, was) for path, was in stored["files"].items())
        return _report(stored["report"]) if fresh else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remember(request: AuditRequest, served: Closure | None, report: AuditReport, read: Iterable[Path]) -> None:
    """Keep a report; a folder that cannot be written is no error, only a slower next time."""
    if request.cache is None:
        return
    stored = {"format": FORMAT, "files": {str(path): _stamp(path) for path in read}, "report": report}
    target = _file(request.cache, request, served)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(json.dumps(stored, default=vars), "utf-8")
        half.replace(target)
    except OSError:
        half.unlink(missing_ok=True) if half.parent.is_dir() else None


def _file(folder: Path, request: AuditRequest, served: Closure | None) -> Path:
    """Where the answer to this request is kept: everything that is asked is in the name."""
    question = repr((replace(request, cache=None), served, _engine())).encode()
    return folder / "audit" / f"{hashlib.blake2b(question, digest_size=16).hexdigest()}.json"


def _engine() -> list[tuple[str, int, int]]:
    """The audit's own files: another rule or another table is another answer."""
    with os.scandir(Path(__file__).parent) as own, os.scandir(Path(__file__).parent / "data") as data:
        stats = [(entry.name, entry.stat()) for entry in (*own, *data) if entry.is_file()]
    return sorted((name, status.st_size, status.st_mtime_ns) for name, status in stats)


def _stamp(path: Path) -> list[int | str]:
    """Size and time for the quick look, and the digest for the sure one; a folder's digest is its list of names."""
    try:
        status = path.stat()
        return [status.st_size, status.st_mtime_ns, _digest(path, status)]
    except OSError:
        return [-1, 0, ""]


def _unchanged(name: str, was: list[int | str]) -> bool:
    """Whether a file still holds what was read from it."""
    try:
        status = os.stat(name)
    except OSError:
        return was[0] == -1
    if [status.st_size, status.st_mtime_ns] == was[:2]:
        return True
    return bool(was[2]) and _digest(Path(name), status) == was[2]


def _digest(path: Path, status: os.stat_result) -> str:
    """The digest of a folder's names, or of what is in a file; empty for a large one."""
    folder = stat.S_ISDIR(status.st_mode)
    if not folder and status.st_size > LARGE:
        return ""
    content = os.fsencode("\n".join(sorted(os.listdir(path)))) if folder else bytes_of(path)
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _report(stored: Mapping[str, Any]) -> AuditReport:
    """The report from its JSON; a wrong shape raises, and the caller takes that for no answer."""
    libraries = tuple(_library(one) for one in stored["libraries"])
    problems = tuple(Problem(**one) for one in stored["problems"])
    return AuditReport(
        libraries=libraries,
        problems=problems,
        targets=tuple(stored["targets"]),
        libc=stored["libc"],
        fail_on=tuple(stored["fail_on"]),
        cached=True,
    )


def _library(stored: dict[str, Any]) -> LibraryAudit:
    findings = tuple(Finding(**one) for one in stored["findings"])
    lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
    return LibraryAudit(**{**stored, **lists, "findings": findings})

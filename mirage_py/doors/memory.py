"""What was found out about this machine, remembered between two runs of mpy.

An answer counts as long as the question is the same (its key holds the environment variables that matter) and every
file it was read from is unchanged. A cache that cannot be read, or written, is as good as none.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from mirage_py.doors import answers

__all__ = ["environment", "folder", "recall", "remember"]

FORMAT: Final = 1
"""Raised when the meaning of what is stored changes: older answers are not recalled then."""

MOST: Final = 1000

Key = Mapping[str, str | None]


def folder() -> Path:
    """Where mpy keeps what it can find out again."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base) / "mpy"
    if os.uname().sysname == "Linux":
        return Path(os.path.expanduser("~")) / ".cache" / "mpy"
    from platformdirs import user_cache_path  # 10 ms, for the answer above where that is the convention

    return user_cache_path("mpy", appauthor=False)


def environment(*names: str) -> dict[str, str | None]:
    """These variables as the part of a key that they are."""
    return {name: os.environ.get(name) for name in names}


def recall(kind: str, key: Key) -> Any:
    """The remembered answer, or None when there is none that still counts. It is JSON: Any, for the caller to check."""
    try:
        with answers.aside():  # what it says follows from the files it was read from
            stored = json.loads(_file(kind, key).read_text("utf-8"))
        same = stored["format"] == FORMAT and stored["key"] == dict(key)
        fits = same and all(_stamp(file) == stamp for file, stamp in stored["files"].items())
        return stored["answer"] if fits else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remember(kind: str, key: Key, answer: object, files: Iterable[Path | str]) -> None:
    """Keep a JSON answer until one of these files changes, appears or goes."""
    stamps = {str(file): _stamp(file) for file in files}
    stored = {"format": FORMAT, "key": dict(key), "files": stamps, "answer": answer}
    target = _file(kind, key)
    half = target.with_name(f"{target.name}.{os.getpid()}")
    with answers.aside():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            half.write_text(json.dumps(stored), "utf-8")
            half.replace(target)
            _prune(target.parent)
        except OSError:
            with suppress(OSError):
                half.unlink(missing_ok=True)


def _prune(place: Path) -> None:
    """Forget the older half when there are too many: keys hold PATH, and nobody asks for an old one again."""
    files = list(place.glob("*.json"))
    if len(files) > MOST:
        for file in sorted(files, key=lambda one: one.stat().st_mtime_ns)[: MOST // 2]:
            file.unlink(missing_ok=True)


def _file(kind: str, key: Key) -> Path:
    digest = zlib.crc32(json.dumps(dict(key), sort_keys=True).encode())
    return folder() / f"{kind}-{digest:08x}.json"


def _stamp(file: Path | str) -> list[int] | None:
    """What changes when the file does; None while there is no such file."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return [found.st_mtime_ns, found.st_size, found.st_ino]

"""What a person saves below some folders, told as it happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from os.path import samestat
from pathlib import Path
from typing import Final

PAUSE_MS: Final = 500
"""How long nothing has to happen for a question to come back empty."""


def changes(folders: list[Path], concerns: Callable[[Path], bool]) -> Iterator[tuple[Path, ...]]:
    """The files that were written, made or removed since the last time, as far as they concern; in their order.

    The first answer is empty and comes once the folders are watched: what is saved from then on is told, also what is
    saved while somebody works on the answer before. Files that editors keep for themselves are none.
    """
    from watchfiles import DefaultFilter, watch  # 30 ms, and for those who watch only

    unfit = DefaultFilter()
    found = watch(
        *folders,
        watch_filter=lambda change, path: unfit(change, path) and concerns(Path(path)),
        rust_timeout=PAUSE_MS,
        yield_on_timeout=True,
    )
    told = False
    for several in found:
        if several or not told:
            yield tuple(sorted({Path(path) for _, path in several}))
        told = True


def is_output(path: Path) -> bool:
    """Whether a file is where this process itself writes what it tells: that would never end."""
    try:
        found = path.stat()
        return any(samestat(found, os.fstat(descriptor)) for descriptor in (1, 2))
    except OSError:
        return False

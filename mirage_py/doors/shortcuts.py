"""Inputs in short: those that follow from others are left out, and of contents a state is kept that is quick to see.

A folder that is listed tells of each name in it whether something is there, and whether that is a file or a folder. A
file or folder whose whole state is as it was holds what it held: the time of its last change cannot be set. That is
kept only of what was not written to lately, for times are kept in steps; of no folder with links in it, for what they
lead to may become something else; and of nothing on a file system whose times do not tell (`doors.mounts`).
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from mirage_py.doors import answers
from mirage_py.doors.mounts import without_times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mirage_py.doors.answers import Inputs, Known

__all__ = ["shortened"]

MANY: Final = 8
"""Names that are looked for below one folder, and are not there, from which on it is better to look at the folder."""

_THERE: Final = frozenset(("there", "link there"))
_WHETHER: Final = frozenset(("access", "file", "state", "link", "whole", "whole link", *_THERE))

_ELSEWHERE: Final = frozenset(("", ".", ".."))
"""What no listing has, and leads somewhere."""

Listing = list[tuple[str, bool, bool, bool]]
"""Each name in a folder, with whether that is a link, a folder, a file."""


def shortened(inputs: Inputs, since: int) -> tuple[Inputs, Known]:
    """Fewer inputs that hold where these do and no longer, and those of them whose whole states are known.

    `since` is a moment from which on the inputs have been what they are.
    """
    listings: dict[str, Listing] = {
        path: state for (kind, path), state in inputs.items() if kind == "folder" and isinstance(state, list)
    }
    left = _without_implied(inputs, listings)
    far = {path: listing for path, listing in _above_many(left) if path not in listings}
    left = _without_implied(left, far)
    left |= {("inside", path): answers.inside(path, listing) for path, listing in (listings | far).items()}
    linked = {path for path, listing in (listings | far).items() if any(one[1] for one in listing)}
    known: Known = {}
    timeless = without_times()
    for (kind, path), state in left.items():
        if answers.is_of_content(kind) and not isinstance(state, int) and path not in linked:
            whole = answers.settled_state(path, since)
            if whole is not None and whole[1] not in timeless and _is_all(state, whole):
                known[kind, path] = state, whole
    return {one: state for one, state in left.items() if one not in known}, known


def _is_all(state: Any, whole: tuple[int, ...]) -> bool:  # any: what is known of an input
    """Whether a content is as long as the system says: what is made up when it is read has a length of its own."""
    if stat.S_ISDIR(whole[0]):
        return True
    content = state[0] if isinstance(state[0], tuple) else state
    return bool(content == whole or content[0] == whole[3] > 0)


def _without_implied(inputs: Inputs, listings: dict[str, Listing]) -> Inputs:
    """The inputs that do not follow from what is in these folders; the folders are none of them."""
    names = {path: {one[0]: one for one in listing} for path, listing in listings.items()}
    return {
        (kind, path): state
        for (kind, path), state in inputs.items()
        if not (kind == "folder" and path in names)
        and not (
            kind in _WHETHER and any(_follows(kind, state, names[above], rest) for above, rest in _ways(path, names))
        )
    }


def _ways(path: str, names: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The nearest of the folders that a path is below, if it is below one, and the names from there."""
    above, rest = path, list[str]()
    while above not in names or not rest:
        above, _, name = above.rpartition(os.sep)
        rest.insert(0, name)
        if not above:
            return
    yield above, rest


def _follows(kind: str, state: object, names: dict[str, tuple[str, bool, bool, bool]], rest: list[str]) -> bool:
    if rest[0] not in names:
        return state == errno.ENOENT and rest[0] not in _ELSEWHERE
    _, link, folder, file = names[rest[0]]
    known = stat.S_IFDIR if folder else stat.S_IFREG if file else None
    return len(rest) == 1 and kind in _THERE and not link and state == known


def _above_many(inputs: Inputs) -> Iterator[tuple[str, Listing]]:
    """The folders below which many names were looked for that are not there, with what is in them."""
    nearest: dict[str, str] = {}
    below: dict[str, int] = {}
    for (kind, path), state in inputs.items():
        if kind in _WHETHER and state == errno.ENOENT:
            above = _nearest(os.path.dirname(path), nearest)
            below[above] = below.get(above, 0) + 1
    for above, number in below.items():
        listing = answers.seen("folder", above) if number >= MANY else None
        if isinstance(listing, list):
            yield above, listing


def _nearest(path: str, found: dict[str, str]) -> str:
    """The folder itself, or the next one above it that is there."""
    if path not in found:
        above = os.path.dirname(path)
        found[path] = path if above == path or os.path.isdir(path) else _nearest(above, found)
    return found[path]

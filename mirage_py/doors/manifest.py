"""Which files are mpy's: `mirage/owned.json`, and what of it is believed.

It lies in a folder that may come with a checkout, or from anyone. So it is believed only as far as what it says can be
true: files below `mirage/` and `dist/` and the two named ones beside config.py, each with the digests it may have.

While a new `mirage/` takes the place of an old one it says so, as `swap`: whoever comes next ends what was begun.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from mirage_py.dataclass import dataclass, field
from mirage_py.doors.below import is_scratch
from mirage_py.errors import Location, MpyError

__all__ = ["OWNED", "Manifest", "Owned", "Swap", "folders_of", "manifest_text", "read_manifest"]

OWNED: Final = "mirage/owned.json"
FORMAT: Final = 1
FOLDERS: Final = frozenset({"mirage", "dist"})
LOOSE: Final = frozenset({"dune-project", ".merlin"})
"""The files beside config.py that mpy writes; all others are below `mirage/` and `dist/`."""

_LONGEST: Final = 255

Owned = Mapping[str, frozenset[str]]
"""Path relative to the folder of config.py -> the digests that the file may have and still be mpy's."""


@dataclass(frozen=True, kw_only=True)
class Swap:
    """A `mirage/` that took the place of another: where the old one is, and, below the new one, its `dune` to come."""

    old: str
    dune: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The files that are mpy's, and the exchange that is under way."""

    files: Owned = field(default_factory=dict)
    swap: Swap | None = None


def folders_of(owned: Iterable[str]) -> frozenset[str]:
    """The folders that these files are in, but the one of config.py."""
    return frozenset(above for path in owned if (above := path.rpartition("/")[0]))


def manifest_text(manifest: Manifest) -> bytes:
    """The content of the file."""
    files = {path: sorted(digests) for path, digests in sorted(manifest.files.items())}
    whole: dict[str, Any] = {"format": FORMAT, "files": files}  # any: JSON
    if manifest.swap:
        whole["swap"] = {"old": manifest.swap.old, "dune": manifest.swap.dune}
    return (json.dumps(whole, indent=1) + "\n").encode()


def read_manifest(content: bytes, place: Path) -> Manifest:
    """What the file says; `MpyError` where it cannot be read, or says what cannot be."""
    try:
        whole = json.loads(content)
        files = {path: frozenset(map(_text, digests)) for path, digests in whole["files"].items()}
        swap = _swap(whole["swap"]) if "swap" in whole else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _refused(place, "this file cannot be read, so mpy does not know which files are its own") from None
    strange = next((path for path in files if not _may_be_owned(path)), None)
    if strange is not None:
        shown = strange[:100].encode("ascii", "backslashreplace").decode()
        raise _refused(place, f"this file lists {shown!r}, which is no place where mpy writes")
    return Manifest(files=files, swap=swap)


def _swap(entry: Any) -> Swap:  # any: JSON
    old, dune = entry["old"], entry["dune"]
    if not is_scratch(_text(old)) or not (dune == "" or is_scratch(_text(dune))):
        raise ValueError("no name that mpy gives")
    return Swap(old=old, dune=dune)


def _may_be_owned(path: str) -> bool:
    """Whether mpy can have written a file of this path: a manifest may come from anybody."""
    first, *rest = path.split("/")
    return path in LOOSE or (first in FOLDERS and bool(rest) and all(map(_is_name, rest)))


def _is_name(part: str) -> bool:
    try:
        return part not in {"", ".", ".."} and "\0" not in part and len(part.encode()) <= _LONGEST
    except UnicodeEncodeError:  # half of a pair of surrogates, which JSON can spell
        return False


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _refused(place: Path, message: str) -> MpyError:
    return MpyError(
        message,
        location=Location.of(place),
        hint="restore it, or remove it together with the folders below mirage/ that mpy generated",
    )

"""What `pull` laid into mirage/duniverse, so that the next one knows what is right, what is old, and what was edited.

`.mpy/manifest.json` there says, for each folder, from which source it was made and what the file system said of it
then; `.mpy/files/FOLDER.json` has the digest of each file, and is read only when that has changed. The manifest lies
in the folder that it describes: both are swapped at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mirage_py.dataclass import dataclass, field
from mirage_py.errors import Location, MpyError
from mirage_py.project.reading import exact_text_of, json_of

__all__ = [
    "DUNIVERSE",
    "WRITTEN_TO",
    "Laid",
    "Manifest",
    "read_digests",
    "read_manifest",
    "write_digests",
    "write_manifest",
]

DUNIVERSE: Final = "mirage/duniverse"
KEPT_IN: Final = ".mpy"
"""Below the folder: dune looks into no folder with a dot."""

WRITTEN_TO: Final = (DUNIVERSE, f"{DUNIVERSE}/{KEPT_IN}", f"{DUNIVERSE}/{KEPT_IN}/files")
"""The folders in which something is written while they stay; none of them may be a link."""

FORMAT: Final = 1


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A folder as it was laid: `key` names the source and all that was laid over it, `stamp` what it looked like.

    `packages` are what the lock takes from it, with their versions: a tarball may state another, or none. `provides`
    and `needs` are names of libraries; `left_out` are trees that dune is not to see, with the libraries in
    them. A `linked` folder is a link to one elsewhere (relative to config.py): `chosen` with `mpy dev`, or locked so.
    """

    key: str
    stamp: str = ""
    version: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    provides: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    linked: str | None = None
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All folders that were laid, by name, and the digest of the lock that they were laid for."""

    lock: str = ""
    folders: Mapping[str, Laid] = field(default_factory=dict)


def read_manifest(root: Path) -> Manifest:
    """The manifest below the folder of config.py; an empty one before the first pull.

    Raises `MpyError` for one that is damaged.
    """
    path = root / DUNIVERSE / KEPT_IN / "manifest.json"
    try:
        table = json_of(exact_text_of(path))
        if table["format"] > FORMAT:
            raise MpyError("these sources were laid by a newer mpy", location=Location.of(path), hint="upgrade mpy")
        folders = {name: _laid(one) for name, one in table["folders"].items()}
        return Manifest(lock=table["lock"], folders=folders)
    except FileNotFoundError:
        return Manifest()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise MpyError(
            "this file cannot be read, so mpy does not know which of these sources are its own",
            location=Location.of(path),
            hint=f"remove {DUNIVERSE}, and pull again",
        ) from None


def write_manifest(duniverse: Path, manifest: Manifest) -> None:
    """Write the manifest of a folder that is being made, or renew that of one that is there, whole or not at all."""
    from dataclasses import asdict  # 8 ms, which builds need not wait for

    path = duniverse / KEPT_IN / "manifest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    folders = {name: asdict(one) for name, one in sorted(manifest.folders.items())}
    half = path.with_name("manifest.json.new")
    half.write_text(json.dumps({"format": FORMAT, "lock": manifest.lock, "folders": folders}, indent=1) + "\n", "utf-8")
    half.replace(path)


def locked_version(duniverse: Path, folder: str, package: str) -> str | None:
    """The version in which a package of a folder of sources was locked; None where `pull` did not lay it."""
    return _locked(duniverse, folder).get(package)


def locked_beside(duniverse: Path, folder: str) -> str | None:
    """The one version in which all packages of a folder of sources were locked that were."""
    versions = set(_locked(duniverse, folder).values())
    return versions.pop() if len(versions) == 1 else None


def _locked(duniverse: Path, folder: str) -> Mapping[str, str]:
    try:
        noted = os.stat(duniverse / KEPT_IN / "manifest.json").st_mtime_ns
    except OSError:
        return {}
    return _versions(duniverse, noted).get(folder, {})


@lru_cache(maxsize=8)
def _versions(duniverse: Path, noted: int) -> Mapping[str, Mapping[str, str]]:  # noqa: ARG001  # part of the key
    """By folder; what was noted at that time."""
    try:
        table = json.loads((duniverse / KEPT_IN / "manifest.json").read_text("utf-8"))
        return {name: dict(one.get("packages", {})) for name, one in table["folders"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def read_digests(duniverse: Path, folder: str) -> Mapping[str, str] | None:
    """The digest of each file as it was laid; None when that is not known."""
    try:
        found: Mapping[str, str] = json_of(exact_text_of(duniverse / KEPT_IN / "files" / f"{folder}.json"))
    except (OSError, ValueError):
        return None
    return found


def write_digests(duniverse: Path, folder: str, files: Mapping[str, str]) -> None:
    """Note the digest of each file of a folder."""
    path = duniverse / KEPT_IN / "files" / f"{folder}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(files, indent=0, sort_keys=True) + "\n", "utf-8")


def _laid(table: dict[str, Any]) -> Laid:  # any: JSON
    left_out = {name: tuple(names) for name, names in table["left_out"].items()}
    names = {"provides": tuple(table["provides"]), "needs": tuple(table["needs"]), "left_out": left_out}
    return Laid(**{**table, **names})

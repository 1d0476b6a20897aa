"""Opam files as a solver reads them, each once: for all solves of a process, and kept for the next one.

Reading is most of what a solve takes; what came of it depends on the file, the platform and this code alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from mirage_py.packages.formula import AllOf, AnyOf, Both, Bound, Compare, Dependency, Either, Environment, Formula
from mirage_py.packages.metadata import Metadata, Remote, metadata
from mirage_py.packages.snapshot import Snapshot

__all__ = ["Reader", "decoded", "encoded"]

FORMAT: Final = 1
"""Raised when the meaning of what is stored changes, or what is read from an opam file."""

BUILDING: Final = re.compile(r"[{(&|!]\s*build\b|\bbuild\s*[})&|]")
"""The variable `build` in a filter."""

Stored = list[Any]  # any: JSON, as this module writes it


class Reader:
    """The metadata of some repositories on a platform. `keep` stores what was read for the next process."""

    def __init__(self, repositories: Sequence[Snapshot], environment: Environment) -> None:
        self.environment = environment
        self._shelves = [_Shelf(one, environment) for one in repositories]
        self._read: dict[tuple[int, str, str, bool], Metadata] = {}

    def metadata(self, repository: int, name: str, version: str, *, building: bool = True) -> Metadata:
        """What a version says; not `building`: without what it asks for while it is being built only.

        Raises `MpyError` with the place for a file that is broken.
        """
        key = (repository, name, version, building)
        if key not in self._read:
            self._read[key] = self._shelves[repository].read(name, version, building=building)
        return self._read[key]

    def keep(self) -> None:
        """Store what was read; a disk that takes nothing is no matter."""
        for shelf in self._shelves:
            shelf.keep()


class _Shelf:
    """What was read of one snapshot."""

    def __init__(self, snapshot: Snapshot, environment: Environment) -> None:
        self.snapshot = snapshot
        self.environment = environment
        self.fresh: dict[str, Stored] = {}

    @cached_property
    def file(self) -> Path:
        """Where it is kept: beside the snapshot, by platform."""
        said = json.dumps([FORMAT, self.snapshot.digest, sorted(self.environment.items())])
        return self.snapshot.data.with_suffix(f".{hashlib.sha256(said.encode()).hexdigest()[:8]}.read")

    @cached_property
    def known(self) -> Mapping[str, Stored]:
        try:
            found = json.loads(self.file.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def read(self, name: str, version: str, *, building: bool) -> Metadata:
        key = f"{name}.{version}" if building else f"{name}.{version} linked"
        if (stored := self.known.get(key)) is not None:
            with suppress(ValueError, TypeError, IndexError):  # a cache that was damaged is none
                return decoded(name, version, stored)
        text = self.snapshot.text(name, version)
        if not building and not BUILDING.search(text):
            return self.read(name, version, building=True)
        environment = self.environment if building else {**self.environment, "build": False}
        found = metadata(name, version, text, environment, f"{name}.{version}/opam")
        self.fresh[key] = encoded(found)
        return found

    def keep(self) -> None:
        if not self.fresh:
            return
        half = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        try:
            half.write_text(json.dumps({**self.known, **self.fresh}, separators=(",", ":")), "utf-8")
            half.replace(self.file)
        except OSError:
            with suppress(OSError):
                half.unlink(missing_ok=True)
        self.fresh = {}


# ---------------------------------------------------------------------------------------------------------------------
# As JSON


def encoded(found: Metadata) -> Stored:
    """Metadata as lists, for JSON: `decoded` gives it back."""
    remote = [list(found.remote.urls), list(found.remote.checksums)] if found.remote else None
    return [
        _formula(found.depends),
        list(found.optional),
        [_formula(one) for one in found.conflicts],
        list(found.classes),
        found.available,
        sorted(found.flags),
        remote,
        found.dev_repo,
        found.commands,
    ]


def decoded(name: str, version: str, stored: Stored) -> Metadata:
    """The metadata that was encoded. Raises ValueError, TypeError or IndexError for what is none."""
    depends, optional, conflicts, classes, available, flags, remote, dev_repo, commands = stored
    return Metadata(
        name=name,
        version=version,
        depends=_formula_of(depends) if depends is not None else None,
        optional=tuple(optional),
        conflicts=tuple(Dependency(one, _bound_of(bound)) for one, bound in conflicts),
        classes=tuple(classes),
        available=available,
        flags=frozenset(flags),
        remote=Remote(urls=tuple(remote[0]), checksums=tuple(remote[1])) if remote is not None else None,
        dev_repo=dev_repo,
        commands=commands,
    )


def _formula(found: Formula | None) -> Stored | None:
    """A dependency as its name and bound, the others as their parts behind a number."""
    match found:
        case None:
            return None
        case Dependency(name, bound):
            return [name, _bound(bound)]
        case _:
            return [1 if isinstance(found, AllOf) else 2, *map(_formula, found.parts)]


def _formula_of(stored: Stored) -> Formula:
    head = stored[0]
    if isinstance(head, str):
        bound = stored[1]
        return Dependency(head, None if bound is None else _bound_of(bound))
    parts = tuple(map(_formula_of, stored[1:]))
    return AllOf(parts) if head == 1 else AnyOf(parts)


def _bound(bound: Bound) -> Stored | None:
    match bound:
        case None:
            return None
        case Compare(operator, version):
            return [operator, version]
        case _:
            return ["&" if isinstance(bound, Both) else "|", _bound(bound.left), _bound(bound.right)]


def _bound_of(stored: Stored | None) -> Bound:
    if stored is None:
        return None
    if len(stored) == 2:
        return Compare(stored[0], stored[1])
    operator, left, right = stored
    return (Both if operator == "&" else Either)(_bound_of(left), _bound_of(right))

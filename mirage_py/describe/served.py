"""Who serves a library of a plan: what `describe` tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from mirage_py.dataclass import dataclass, field

if TYPE_CHECKING:
    from mirage_py.model.library import Origin


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where a library comes from, or that it is missing; in which version, where that is known.

    `instead` tells who would have served before, and why it does not; `needed_by` is the library that asks for it, None
    where the configuration does; `locked` what mpy.lock has that is not pulled, or which checkout serves.
    """

    origin: Origin | Literal["missing"]
    version: str | None = None
    instead: str | None = None
    needed_by: str | None = None
    locked: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sources:
    """mpy.lock at a glance: how much it is, which folders of it are not pulled, which checkouts serve.

    `trouble` says why it cannot be read.
    """

    size: str = ""
    trouble: str | None = None
    waiting: tuple[str, ...] = ()
    checkouts: Mapping[str, str] = field(default_factory=dict)

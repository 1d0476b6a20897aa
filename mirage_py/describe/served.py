"""Who serves a library of a plan: what `describe` tells of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where a library comes from: vendored, installed or bundled, or missing; in which version, where that is known.

    `instead` tells who would have served before, and why it does not; `needed_by` is the library that asks for it, None
    where the configuration does.
    """

    origin: str
    version: str | None = None
    instead: str | None = None
    needed_by: str | None = None

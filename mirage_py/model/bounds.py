"""The bounds within which a package serves."""

from __future__ import annotations

from typing import Final

from mirage_py.dataclass import dataclass


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """`min <= version < max` for each of several; `pin` is the place that the package is to be taken from instead."""

    min: tuple[str, ...] = ()
    max: tuple[str, ...] = ()
    pin: str | None = None

    def __str__(self) -> str:
        """As one reads them; empty where every version serves."""
        return " and ".join([*(f">= {low}" for low in self.min), *(f"< {high}" for high in self.max)])


ANY: Final = Bounds()
"""Every version, from wherever."""

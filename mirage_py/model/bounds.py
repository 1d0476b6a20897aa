"""The bounds within which a package serves."""

from __future__ import annotations

from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.model.version import fits


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """`min <= version < max` for each of several; `pin` is the place that the package is to be taken from instead."""

    min: tuple[str, ...] = ()
    max: tuple[str, ...] = ()
    pin: str | None = None

    def admit(self, version: str) -> bool:
        """Whether a package of this version serves."""
        low = all(fits(version, bound, None) for bound in self.min)
        return low and all(fits(version, None, bound) for bound in self.max)

    def __str__(self) -> str:
        """As one reads them; empty where every version serves."""
        return " and ".join([*(f">= {low}" for low in self.min), *(f"< {high}" for high in self.max)])


ANY: Final = Bounds()
"""Every version, from wherever."""

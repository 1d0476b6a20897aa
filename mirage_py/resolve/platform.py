"""What the engine must know of a target."""

from __future__ import annotations

from mirage_py.dataclass import dataclass
from mirage_py.dsl.package import Package


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What the engine must know of a target: its runtime module, and the packages that every unikernel needs there."""

    target: str
    os_module: str
    packages: tuple[Package, ...]

"""Why a package is in a lock: who asked for it, and the shortest way to it from config.py."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mirage_py.dataclass import dataclass
from mirage_py.errors import LockError, suggestion
from mirage_py.packages.lock import CONFIG, FILE, Lock, LockedPackage

__all__ = ["Why", "why"]


@dataclass(frozen=True, kw_only=True)
class Why:
    """A locked package; `chain` are the names on the shortest way to it, config.py the first of them."""

    package: LockedPackage
    chain: tuple[str, ...]

    @property
    def data(self) -> dict[str, Any]:  # any: JSON
        """As JSON has it."""
        return {**asdict(self.package), "chain": self.chain}


def why(lock: Lock, name: str) -> Why:
    """Who asked for a package of a lock; `LockError` for one that is not in it."""
    package = lock.package(name)
    if package is None:
        known = [one.name for one in lock.packages]
        raise LockError(f"{FILE} has no package {name}", hint=suggestion(name, known) or "nothing needs it")
    return Why(package=package, chain=_chain(lock, name))


def _chain(lock: Lock, name: str) -> tuple[str, ...]:
    """From who asked back to config.py, over as few as there are."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen = {name}
    while ways:
        longer: list[tuple[str, ...]] = []
        for way in ways:
            package = lock.package(way[0])
            for want in package.asked if package else ():
                if want.by == CONFIG:
                    return (CONFIG, *way)
                if want.by not in seen:
                    seen.add(want.by)
                    longer.append((want.by, *way))
        ways = longer
    return (name,)

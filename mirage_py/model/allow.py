"""The allow-list of the audit, as a config.py states it."""

from __future__ import annotations

from mirage_py.dataclass import dataclass


@dataclass(frozen=True, kw_only=True)
class Allow:
    """One entry of the allow-list: the verdict on `library` is known and accepted, for the reason given.

    `target` narrows it to one target. A library above an allowed one does not inherit what was allowed.
    """

    library: str
    reason: str
    target: str | None = None

    def covers(self, library: str, target: str) -> bool:
        """Whether this entry speaks of that library on that target."""
        return self.library == library and self.target in (None, target)

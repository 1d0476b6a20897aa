"""The console of a machine: lines of the unikernel, with words of the program that runs it in between."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

__all__ = ["QEMU_SAYS", "XL_SAYS", "Console", "guest_status"]

QEMU_SAYS: Final = re.compile(r"qemu-system-\w+: ")
XL_SAYS: Final = re.compile(
    r"(Parsing config|libxl: |xl: |xc: |xenconsole|Waiting for domain|Domain \d+ |Action for |Done\.)"
)

EXIT: Final = re.compile(r"Solo5: solo5_exit\((-?\d+)\) called")
ABORT: Final = re.compile(r"Solo5: solo5_abort\(\) called")
ABORTED: Final = 255
"""SOLO5_EXIT_ABORT, which the tenders give."""

SHUT_DOWN: Final = re.compile(r"has shut down, reason code (\d+)")
"""xl's word on the end of a guest; 0 is a power-off, all else a crash or worse."""

Show = Callable[[str], None]


class Console:
    """Told each line, shows those of the unikernel, keeps the others, and remembers the exit code that Solo5 names.

    QEMU and Xen hand no exit code on: what Solo5 writes last is where it stands.
    """

    def __init__(self, show: Show, others: re.Pattern[str], first: Callable[[], None] | None = None) -> None:
        """`first` is called before the first line of the unikernel."""
        self._show = show
        self._first = first or _nothing
        self._others = others
        self.said: list[str] = []
        self.status: int | None = None

    def __call__(self, line: str) -> None:
        """Take one line, without its end."""
        if self._others.match(line):
            self.said.append(line)
            return
        first, self._first = self._first, _nothing
        first()
        self._show(line)
        if found := EXIT.search(line):
            self.status = int(found[1]) & 0xFF
        elif ABORT.search(line):
            self.status = ABORTED


def _nothing() -> None:
    """After the first line there is no first line."""


def guest_status(said: Iterable[str], told: int | None) -> int | None:
    """The exit code of a guest, from what xl said of its end and what the guest told on its console.

    Xen knows a power-off from a crash, and no number. None when the guest never ended.
    """
    reasons = [found[1] for line in said if (found := SHUT_DOWN.search(line))]
    if not reasons:
        return None
    return (told or 0) if reasons[-1] == "0" else ABORTED

"""Being told to end: SIGINT, SIGTERM and SIGHUP, from the first instruction on.

While there is nothing to take back, the process ends at once with 128 and the signal's number, as shells have it.
While a door has something half done (`unwinding`), the signal is raised as an exception that takes it back on its way
out; where not even that may happen (`held`), it waits.

The module is imported before everything else: what it imports itself is there already, or built into Python.
"""

from __future__ import annotations

# `signal` makes enumerations of this one, which takes 3 ms: too long to be without a handler
import _signal  # type: ignore[import-not-found]  # a part of Python that has no stub
import os
import sys

TYPE_CHECKING = False  # typing's own costs 4 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Self

    Handler = Callable[[int, FrameType | None], object] | int | None

__all__ = ["ENDING", "Stopped", "at_once", "held", "install", "unwinding"]

ENDING = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A signal that ends the program, on its way out; whoever has something half done takes it back."""

    def __init__(self, number: int = _signal.SIGINT) -> None:
        super().__init__()
        self.number = number

    @property
    def exit_code(self) -> int:
        """What the program ends with."""
        return 128 + self.number


_unwinding: list[object] = []
_holding: list[object] = []
_leaving: list[object] = []
_pending: list[int] = []
_raised: list[int] = []
"""The signal that is on its way out: a second one must not cut short what takes things back."""


def install() -> None:
    """Take the signals, for the rest of the process; one that is ignored (nohup) stays so."""
    for number in _untaken():
        _signal.signal(number, _handle)


class unwinding:  # noqa: N801  # used as a function is
    """Within the block a signal raises `Stopped` instead of ending the process at once."""

    def __init__(self) -> None:
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Self:
        _unwinding.append(self)
        if _in_main_thread():  # only that one may set handlers
            self._before = _untaken()
            for number in self._before:
                _signal.signal(number, _handle)
        return self

    def __exit__(self, *_failure: object) -> None:
        for number, handler in self._before.items():
            _signal.signal(number, handler)
        _unwinding.remove(self)
        if not _unwinding:
            _raised.clear()


class held(unwinding):  # noqa: N801  # see above
    """Within the block signals wait; one that came is raised when it is left, or `released`."""

    def __enter__(self) -> Self:
        super().__enter__()
        _holding.append(self)
        return self

    def release(self) -> None:
        """From now on signals raise at once, as in `unwinding`."""
        if self in _holding:
            _holding.remove(self)
        if _pending and not _holding:
            _raise(_pending.pop(0))

    def __exit__(self, *_failure: object) -> None:
        try:
            self.release()
        finally:
            super().__exit__()


class at_once:  # noqa: N801  # see above
    """Within the block a signal ends the process at once: a program of the user's runs, which may catch exceptions."""

    def __enter__(self) -> Self:
        _leaving.append(self)
        return self

    def __exit__(self, *_failure: object) -> None:
        _leaving.remove(self)


def _handle(number: int, _frame: object) -> None:
    if _holding:
        _pending.append(number)
    elif _leaving:
        _leave(number)
    elif _unwinding:
        _raise(number)
    else:
        _leave(number)


def _raise(number: int) -> None:
    _pending.clear()
    if not _raised:
        _raised.append(number)
        raise Stopped(number)


def _leave(number: int) -> None:
    """End without ado: imports, or a config.py, may be under way, and would make of an exception what they like."""
    try:
        os.write(2, b"\ninterrupted\n" if os.isatty(2) else b"interrupted\n")
    except OSError:
        pass
    finally:
        os._exit(128 + number)


def _untaken() -> dict[int, Handler]:
    """The signals that do what they do by default, with their handlers."""
    usual = {_signal.SIGINT: _signal.default_int_handler, _signal.SIGTERM: 0, _signal.SIGHUP: 0}
    found = {number: _signal.getsignal(number) for number in ENDING}
    return {number: handler for number, handler in found.items() if handler == usual[number]}


def _in_main_thread() -> bool:
    threading = sys.modules.get("threading")
    return threading is None or threading.current_thread() is threading.main_thread()

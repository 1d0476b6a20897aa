"""Where in the user's own files something was written, so that every error can point there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import ParamSpec, TypeVar

from mirage_py.errors import ConfigError, Location, MpyError

folder: ContextVar[str] = ContextVar("folder")
"""The folder of the config.py that is running: places below it are told relative to it."""

_PACKAGE = str(Path(__file__).resolve().parent.parent) + "/"


def here() -> Location | None:
    """The line of user code that is running now, or None while mpy's own catalogue is being imported."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # inspect takes 10 ms to import
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and file != "<string>":  # where dataclasses write their constructors
            return None if file.startswith("<frozen importlib") else _place(folder.get(""), file, frame.f_lineno)
        frame = frame.f_back
    return None


def home() -> str | None:
    """The folder of the Python file that is running now, where that is neither config.py's own nor mpy's."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # as above
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    file = frame.f_code.co_filename if frame is not None else ""
    above, _, _ = file.rpartition("/")
    return above if file.startswith("/") and above != folder.get("") else None


def is_users_own() -> bool:
    """Whether the function that asks was called by user code itself, and not on its behalf by the catalogue."""
    caller = sys._getframe(2)  # noqa: SLF001
    if caller.f_code.co_filename == _PACKAGE + "dsl/signature.py" and caller.f_back is not None:
        caller = caller.f_back
    return not caller.f_code.co_filename.startswith((_PACKAGE, "<frozen"))


P = ParamSpec("P")
R = TypeVar("R")


def guarded(function: Callable[P, R], what: str, location: Location | None) -> Callable[P, R]:
    """A user's function, which runs after config.py has: what it raises becomes a `ConfigError` at its place."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except MpyError:
            raise
        except Exception as error:
            raise ConfigError(f"{what} failed: {type(error).__name__}: {error}", location=location) from error

    return call


@lru_cache(maxsize=256)
def _place(folder: str, file: str, line: int) -> Location:
    """One place for all that is made at a line: in a loop that may be every device there is."""
    return Location(file.removeprefix(f"{folder}/"), line)

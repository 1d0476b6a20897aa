"""Where in the user's own files something was written, so that every error can point there."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

from mirage_py.errors import Location

_PACKAGE = str(Path(__file__).resolve().parent.parent) + "/"


def here() -> Location | None:
    """The line of user code that is running now, or None while mpy's own catalogue is being imported."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return None
        if not file.startswith(_PACKAGE):
            return Location(file, frame.f_lineno)
        frame = frame.f_back
    return None

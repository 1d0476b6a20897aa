"""What a config.py imports: verbs, device names, module types and keys.

Names load when they are used, from where the stub file beside this one says: a configuration pays for the families of
devices that it mentions and no others.
"""

from __future__ import annotations

import sys

from mirage_py._version import __version__ as __version__

TYPE_CHECKING = False  # typing's own costs every start 4 ms
if TYPE_CHECKING:
    from typing import Any

_stub: Any = None  # any: what lazy_loader gives: how a name is loaded, `dir`, and all names


def __getattr__(name: str) -> Any:  # any: whatever the name stands for
    if name == "__all__":
        return _read_stub()[2]
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)  # loading a config.py sets it, for that file alone
    try:
        thing = _read_stub()[0](name)
        if type(thing).__name__ == "function":
            from mirage_py.dsl.signature import checked

            thing = globals()[name] = checked(thing)
        return thing
    finally:
        sys.dont_write_bytecode = before


def _read_stub() -> Any:  # any: see _stub
    global _stub  # noqa: PLW0603  # read once, and by a config.py only: it takes 10 ms
    if _stub is None:
        from lazy_loader import attach_stub

        _stub = attach_stub(__name__, __file__)
    return _stub


def __dir__() -> list[str]:
    return sorted(_read_stub()[2])

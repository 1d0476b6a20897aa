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

_modules: dict[str, str] = {}
"""The public names with the modules that they are of, below this one; read when the first is asked for."""


def __getattr__(name: str) -> Any:  # any: whatever the name stands for
    if name == "__all__":
        return [*_public()]
    if name.startswith("__") or name not in _public():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = bool(sys.flags.dont_write_bytecode)  # loading a config.py sets it, for that file alone
    try:
        from importlib import import_module

        thing = getattr(import_module(f"{__name__}.{_public()[name]}"), name)
        if type(thing).__name__ == "function":
            from mirage_py.dsl.signature import checked

            thing = globals()[name] = checked(thing)
        return thing
    finally:
        sys.dont_write_bytecode = before


def _public() -> dict[str, str]:
    """What the stub file says: `from .MODULE import NAME as NAME`, or several names in parentheses."""
    if not _modules:
        with open(f"{__file__}i", encoding="utf-8") as stub:
            _, *statements = stub.read().split("\nfrom .")
        for module, _, names in (statement.partition(" import ") for statement in statements):
            _modules.update({one.split()[-1]: module for one in names.strip("()\n ,").split(",")})
    return _modules


def __dir__() -> list[str]:
    return sorted(_public())

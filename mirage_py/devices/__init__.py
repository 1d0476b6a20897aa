"""The catalogue: one module per family of devices, written with the same words that a config.py has."""

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """A module of this folder that has not been imported yet: `from mirage_py import boot` asks for one."""
    if name != "boot":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.boot")

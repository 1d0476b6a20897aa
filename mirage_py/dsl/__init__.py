"""The language of a config.py: module types, keys, runtime arguments, packages, devices and their composition."""

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """A module of this folder that has not been imported yet: `from mirage_py import key` asks for one."""
    if name != "key":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.key")

"""A toolchain for people and for other programs: each fact with where it came from.

The names are the fields of a toolchain description, so that what is shown can be written into one.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.model.toolchain import Toolchain

__all__ = ["Fact", "as_json", "facts"]

Value = str | list[str] | dict[str, str] | None

INTERNAL: Final = ("sources", "cmx_magic")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One field of a toolchain, as JSON can say it; `source` is empty where it follows from the target."""

    name: str
    value: Value
    source: str


def facts(toolchain: Toolchain) -> tuple[Fact, ...]:
    """All fields in the order of the value, those that are not there as None."""
    names = [one.name for one in fields(toolchain) if one.name not in INTERNAL]
    return tuple(
        Fact(name=name, value=_plain(getattr(toolchain, name)), source=toolchain.sources.get(name, ""))
        for name in names
    )


def as_json(toolchain: Toolchain) -> dict[str, dict[str, Value]]:
    """The facts by name, for `--json`."""
    return {fact.name: {"value": fact.value, "source": fact.source or None} for fact in facts(toolchain)}


def _plain(value: object) -> Value:
    match value:
        case None | str():
            return value
        case Path():
            return str(value)
        case tuple():
            return [str(one) for one in value]
        case dict():
            return {str(name): str(one) for name, one in value.items()}
        case _:
            raise TypeError(f"{value!r} is no fact of a toolchain")

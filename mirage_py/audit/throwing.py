"""Modules that raise an exception while they start, on whatever system, read from the text of one file.

Only what is surely done counts, and functions are followed within the file: that a library raises somewhere is no
finding, and one that cannot start anywhere is seldom. So few files are read: those in which a definition, or a step of
one, is to raise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.audit.mlpassage import Item
from mirage_py.audit.mlsource import Source, Use
from mirage_py.audit.mluses import token_of
from mirage_py.audit.waiting import read_source, text_of
from mirage_py.model.audit import Finding

__all__ = ["thrown_in"]

RAISES: Final = ("failwith", "invalid_arg", "raise", "raise_notrace")
"""Functions of the standard library that do nothing but raise."""

STEP: Final = re.compile(rb"(?:=|;|\(|\b(?:in|begin|if))\s*(?:Stdlib\s*\.\s*)?(?:failwith|invalid_arg|raise)")
"""One of them at the beginning of a definition, or of a step."""


def thrown_in(file: Path) -> Iterator[Finding]:
    """A finding for the first exception that a module raises at start, and that nothing in it catches."""
    source = read_source(file) if STEP.search(text_of(file)) else None
    first = next(_at_start(source), None) if source is not None else None
    if first is not None:
        yield Finding(
            rule="boot-raise",
            severity="aborts",
            message=f"line {first.line} calls {first.name} when the program starts: nothing here catches what it raises"
            " (read from the source)",
            symbol=first.name,
            archive=file.parent.name,
            member=file.name,
            remedy="leave it out: its module cannot start on any system",
        )


def _at_start(source: Source) -> Iterator[Use]:
    """What surely raises while the module starts, by functions of the file too."""
    raising = _raising(source)
    uses = (_raises(item, raising) for item in source.items if not item.waits)
    return (use for use in uses if use is not None)


def _raising(source: Source) -> Mapping[str, int]:
    """The functions that surely raise, each with its number of arguments; a name does where all that have it do."""
    named: dict[str, list[Item]] = {}
    for item in source.items:
        named.setdefault(item.name, []).append(item)
    found = fresh = dict.fromkeys({*RAISES} - named.keys(), 1)
    while fresh:
        fresh = {
            name: max(one.arity for one in items)
            for name, items in named.items()
            if name and name not in found and all(one.waits and one.arity and _raises(one, found) for one in items)
        }
        found = found | fresh
    return found


def _raises(item: Item, raising: Mapping[str, int]) -> Use | None:
    """The use of one of these functions by which a definition surely raises, whatever it is given."""
    tokens = frozenset(map(token_of, raising))
    if not item.says(tokens):
        return None
    uses = item.uses(tokens)
    bound = {*item.parameters, *(use.name for use in uses if use.how == "bind")}
    sure = (use for use in uses if use.how == "call" and not (use.later or use.maybe or use.caught))
    named = ((use.name.removeprefix("Stdlib."), use) for use in sure)
    called = ((raising[name], use) for name, use in named if name in raising and name not in bound)
    return next((use for arity, use in called if use.given >= arity), None)

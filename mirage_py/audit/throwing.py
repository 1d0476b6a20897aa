"""Modules that raise an exception while they start, on whatever system, read from the text of one file.

Only what is surely done counts, and functions are followed within the file: that a library raises somewhere is no
finding, and one that cannot start anywhere is seldom. So few files are read: those in which a definition, or a step of
one, is to raise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mirage_py.audit.mlpassage import Item
from mirage_py.audit.mlsource import Source, Use
from mirage_py.audit.mluses import token_of
from mirage_py.audit.waiting import read_source
from mirage_py.model.audit import Finding
from mirage_py.project.reading import bytes_of

__all__ = ["thrown_in"]

RAISES: Final = ("failwith", "invalid_arg", "raise", "raise_notrace")
"""Functions of the standard library that do nothing but raise."""

STEP: Final = re.compile(rb"(?:=|;|\(|\b(?:in|begin|if))\s*(?:Stdlib\s*\.\s*)?(?:failwith|invalid_arg|raise)")
"""One of them at the beginning of a definition, or of a step."""


def thrown_in(file: Path) -> Iterator[Finding]:
    """A finding for the first exception that a module raises at start, and that nothing in it catches."""
    source = read_source(file) if STEP.search(_text_of(file)) else None
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
    arity = dict.fromkeys({*RAISES} - {item.name for item in source.items}, 1)
    tokens: frozenset[bytes] = frozenset()
    while tokens != (tokens := frozenset(map(token_of, arity)) & source.words):
        for item in source.items:
            if item.name not in arity and _raises(item, arity, tokens) and item.waits and item.arity:
                arity[item.name] = item.arity
    for item in source.items:
        use = None if item.waits else _raises(item, arity, tokens)
        if use is not None:
            yield use


def _raises(item: Item, arity: dict[str, int], tokens: frozenset[bytes]) -> Use | None:
    """The use of one of these functions by which a definition surely raises, whatever it is given."""
    if not item.says(tokens):
        return None
    uses = item.uses(tokens)
    bound = {*item.parameters, *(use.name for use in uses if use.how == "bind")}
    sure = (use for use in uses if use.how == "call" and not (use.later or use.maybe or use.caught))
    named = ((use.name.removeprefix("Stdlib."), use) for use in sure)
    return next((use for name, use in named if name not in bound and use.given >= arity.get(name, 1 << 10)), None)


def _text_of(file: Path) -> bytes:
    """The bytes of a file, none of one that cannot be read: that is told elsewhere."""
    try:
        return bytes_of(file)
    except OSError:
        return b""

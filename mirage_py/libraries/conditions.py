"""`enabled_if`: whether a stanza counts in a dune context."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from mirage_py.libraries.sexp import Sexp
from mirage_py.model.version import compare_versions

__all__ = ["holds"]

VARIABLE: Final = re.compile(r"%\{([^}]*)\}")


def holds(condition: tuple[Sexp, ...], facts: Mapping[str, str]) -> bool:
    """Whether the stanza counts, with what is known of the context (`context_name`, `system`, ...).

    What cannot be decided counts: dune will say so where it is wrong.
    """
    return not condition or _value(condition[0], facts) is not False


def _value(term: Sexp, facts: Mapping[str, str]) -> bool | None:
    match term:
        case "true" | "false":
            return term == "true"
        case str():
            text = _text(term, facts)
            return None if text is None else text == "true"
        case ("and", *parts):
            return _all([_value(part, facts) for part in parts])
        case ("or", *parts):
            return _not(_all([_not(_value(part, facts)) for part in parts]))
        case ("not", part):
            return _not(_value(part, facts))
        case (("=" | "<>" | "<" | "<=" | ">" | ">=") as operator, str(left), str(right)):
            return _compared(operator, _text(left, facts), _text(right, facts))
        case _:
            return None


def _all(values: list[bool | None]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _compared(operator: str, left: str | None, right: str | None) -> bool | None:
    if left is None or right is None:
        return None
    order = compare_versions(left, right)
    match operator:
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case _:
            return order >= 0


def _text(word: str, facts: Mapping[str, str]) -> str | None:
    """The word with its variables replaced; None where one is not known."""
    unknown = False

    def known(found: re.Match[str]) -> str:
        nonlocal unknown
        name = found[1]
        if name.startswith("env:"):
            variable, _, default = name[4:].partition("=")
            return os.environ.get(variable, default)
        unknown = unknown or name not in facts
        return facts.get(name, "")

    text = VARIABLE.sub(known, word)
    return None if unknown else text

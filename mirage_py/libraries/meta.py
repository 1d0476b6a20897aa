"""META files: how findlib, and dune after it, describe an installed library.

The grammar is that of findlib's own scanner, strict where it is strict, so that what is read here is what `ocamlfind`
will read at the link. Predicates choose between definitions: `archive(native)`, `requires(-ppx_driver)`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

__all__ = ["Definition", "MetaError", "Package", "parse", "words"]

_SKIP = r"(?:[ \t\r\n]++|\#[^\n]*+)*+"
_TEXT = r'(?:[^"\\]|\\[\\"])*+'
_STATEMENT = re.compile(
    rf"""{_SKIP}(?:
      package{_SKIP}"(?P<child>{_TEXT})"{_SKIP}(?P<open>\()
    | (?P<name>[A-Za-z0-9_.]++){_SKIP}(?:\((?P<predicates>(?:[^)\#]|\#[^\n]*+)*+)\){_SKIP})?
      (?P<operator>\+?=){_SKIP}"(?P<value>{_TEXT})"
    | (?P<close>\))
    | \Z )""",
    re.VERBOSE,
)
_PREDICATE = re.compile(r"\s*(?P<negated>-?)\s*(?P<name>[A-Za-z0-9_.]+)\s*")
_COMMENT = re.compile(r"#[^\n]*")
_ESCAPE = re.compile(r"\\(.)")


class MetaError(ValueError):
    """A META file that findlib would refuse too: what is wrong, and in which line."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(f"{what} (line {line})")
        self.what = what
        self.line = line


class Definition(NamedTuple):
    """`name(predicates) = "value"`, or `+=` where it `adds`."""

    name: str
    value: str
    wanted: frozenset[str] = frozenset()
    unwanted: frozenset[str] = frozenset()
    adds: bool = False

    def holds(self, predicates: Collection[str]) -> bool:
        """Whether this definition counts under these predicates."""
        return self.wanted.issubset(predicates) and self.unwanted.isdisjoint(predicates)

    @property
    def weight(self) -> int:
        """How specific the definition is: the most specific one that holds wins, the first of equals."""
        return len(self.wanted) + len(self.unwanted)


class Package(NamedTuple):
    """One package of a META file with those inside it."""

    definitions: tuple[Definition, ...]
    children: dict[str, Package]

    def value(self, name: str, predicates: Collection[str] = ()) -> str | None:
        """The value under these predicates, additions behind it; None where no plain definition holds."""
        holding = [one for one in self.definitions if one.name == name and one.holds(predicates)]
        plain = [one for one in holding if not one.adds]
        if not plain:
            return None
        base = max(plain, key=lambda one: one.weight)  # `max` keeps the first of equals
        return " ".join([base.value, *(one.value for one in holding if one.adds)])

    def first(self, name: str) -> str | None:
        """The first definition's value, whatever its predicates: how findlib reads `exists_if`."""
        return next((one.value for one in self.definitions if one.name == name), None)


def parse(text: str) -> Package:
    """The package that a META file describes; MetaError where findlib would refuse the file."""
    return _package(text, 0, inside=False)[0]


def words(value: str) -> tuple[str, ...]:
    """The words of a value, between blanks or commas."""
    return tuple(value.replace(",", " ").split())


def _package(text: str, position: int, *, inside: bool) -> tuple[Package, int]:
    """The statements from here to the closing parenthesis, or to the end of the file, and where that is."""
    definitions: list[Definition] = []
    once: set[object] = set()
    children: dict[str, Package] = {}
    while True:
        found = _statement(text, position)
        position = found.end()
        if found["name"]:
            definitions.append(_definition(found, once))
        elif found["open"]:
            name = _child_name(found, children)
            children[name], position = _package(text, position, inside=True)
        elif bool(found["close"]) == inside:
            return Package(tuple(definitions), children), position
        else:
            raise _error("a package is not closed by ')'" if inside else "')' closes nothing", text, position)


def _statement(text: str, position: int) -> re.Match[str]:
    found = _STATEMENT.match(text, position)
    if found is None:
        begin = re.compile(_SKIP, re.VERBOSE).match(text, position)
        raise _error('expected name = "value" or package "name" (', text, begin.end() if begin else position)
    return found


def _definition(found: re.Match[str], once: set[object]) -> Definition:
    """A definition; a plain one may stand `once` for each name and its predicates."""
    wanted, unwanted = _predicates(found)
    made = Definition(found["name"], _unescaped(found["value"]), wanted, unwanted, found["operator"] == "+=")
    key = (made.name, made.wanted, made.unwanted)
    if not made.adds and key in once:
        raise _error(f"{made.name} is defined twice for the same predicates", found.string, found.start("name"))
    if not made.adds:
        once.add(key)
    return made


def _child_name(found: re.Match[str], before: dict[str, Package]) -> str:
    name = _unescaped(found["child"])
    if name in before or "." in name:
        what = "is defined twice" if name in before else "has a dot in its name"
        raise _error(f'package "{name}" {what}', found.string, found.start("child"))
    return name


def _predicates(found: re.Match[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The predicates that must hold and those that must not."""
    if found["predicates"] is None:
        return frozenset(), frozenset()
    matches = [_PREDICATE.fullmatch(word) for word in _COMMENT.sub("", found["predicates"]).split(",")]
    if None in matches:
        raise _error(f"({found['predicates']}) is no list of predicates", found.string, found.start("predicates"))
    named = [(one["negated"], one["name"]) for one in matches if one]
    return frozenset(name for minus, name in named if not minus), frozenset(name for minus, name in named if minus)


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(r"\1", value) if "\\" in value else value


def _error(what: str, text: str, position: int) -> MetaError:
    return MetaError(what, text.count("\n", 0, position) + 1)

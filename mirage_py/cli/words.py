"""The words of a command line, sorted: what each option was given, what stands by itself, what is nobody's option."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mirage_py.cli.command import Parameter
from mirage_py.dataclass import dataclass, field


@dataclass(kw_only=True)
class Sorted:
    """What the words of a line are, by the parameters that they may be of."""

    given: dict[str, list[str]] = field(default_factory=dict)
    """Parameter names to the words that they were given, in order; `on` or `off` for a flag."""
    alone: list[str] = field(default_factory=list)
    """Words that belong to no option; all that stand after `--` are among them."""
    keys: dict[str, list[str]] = field(default_factory=dict)
    """Names of keys to what they were given."""
    strange: list[str] = field(default_factory=list)
    """What looks like an option and is none that is known."""
    known: list[str] = field(default_factory=list)
    """The line without keys and strange words, for typer to judge."""
    doubt: bool = False
    """Whether it cannot be read plainly: an option without its word, a flag with one."""
    rest: list[str] = field(default_factory=list)
    """What was left when the first word that stands alone ended the reading."""


class Key(NamedTuple):
    """What has to be known of a key to read it: its name, and whether it is a flag."""

    name: str
    flag: bool


def sort(
    words: Sequence[str], parameters: Iterable[Parameter], keys: Iterable[Key] = (), *, up_to_word: bool = False
) -> Sorted:
    """Sort the words of a line; with `up_to_word` only those before the first that stands alone."""
    return _Reader(words, parameters, keys).read(up_to_word=up_to_word)


class Unclear(Exception):
    """The words cannot be read plainly; says why, where that is known."""

    def __init__(self, why: str | None = None) -> None:
        super().__init__(why or "")
        self.why = why


def values(where: str, found: Sorted, parameters: Sequence[Parameter]) -> dict[str, Any]:  # any: of many types
    """The arguments that the words stand for, without defaults.

    Plain words are read here. Others are left to typer, which costs many times more to import; raises the UsageError
    that comes of it.
    """
    try:
        return plain_values(where, found, parameters)
    except Unclear as unclear:
        from mirage_py.cli.judge import judge

        return judge(where, parameters, found.known, unclear.why)


def plain_values(where: str, found: Sorted, parameters: Sequence[Parameter]) -> dict[str, Any]:  # any: of many types
    """The same, where it is plain; raises Unclear for the rest."""
    if found.doubt:
        raise Unclear
    by_name = {one.name: one for one in parameters}
    named = {name: _value(by_name[name], words) for name, words in found.given.items()}
    return named | _placed(where, [one for one in parameters if not one.names], found.alone)


def _value(one: Parameter, words: list[str]) -> Any:  # any: see plain_values
    if one.kind == "flag":
        return words[-1] == "on"
    if one.kind == "count":
        return len(words)
    values = [_converted(one, word) for word in words]
    return values if one.many else values[-1]


def _placed(where: str, places: list[Parameter], words: list[str]) -> dict[str, Any]:  # any: see plain_values
    """The words that stand alone, in their places: a last place may take them all."""
    values: dict[str, Any] = {}
    left = list(words)
    for place in places:
        if place.many:
            values |= {place.name: [_converted(place, word) for word in left]} if left else {}
            left = []
        elif left:
            values[place.name] = _converted(place, left.pop(0))
        elif place.required:
            raise Unclear(f"{where} wants {place.placeholder}")
    if left:
        raise Unclear(f"got unexpected extra argument{'s' if len(left) > 1 else ''} ({' '.join(left)})")
    return values


def _converted(one: Parameter, word: str) -> Any:  # any: see plain_values
    name = max(one.names, key=len) if one.names else one.name
    if one.choices and word not in one.choices:
        raise Unclear(f"{name}: {word!r} is not one of {', '.join(map(repr, one.choices))}")
    if one.kind == "path":
        return Path(word)
    if one.kind not in {"whole", "number"}:
        return word
    if not _is_number(one, word):
        least = "" if one.mark.least is None else f" from {one.mark.least:g}"
        raise Unclear(f"{name}: {word!r} is not a {'whole ' if one.kind == 'whole' else ''}number{least}")
    return int(word) if one.kind == "whole" else float(word)


def _is_number(one: Parameter, word: str) -> bool:
    digits = word if one.kind == "whole" else word.replace(".", "", 1)
    return digits.isascii() and digits.isdecimal() and float(word) >= (one.mark.least or 0)


class _Reader:
    """Reads one line from left to right, as every Unix program does."""

    def __init__(self, words: Sequence[str], parameters: Iterable[Parameter], keys: Iterable[Key]) -> None:
        self.left = list(words)
        self.on = {name: one for one in parameters for name in one.names}
        self.off = {one.off: one for one in self.on.values() if one.off}
        self.keys = {f"--{key.name}": key for key in keys}
        self.found = Sorted()

    def read(self, *, up_to_word: bool) -> Sorted:
        while self.left:
            word = self.left.pop(0)
            if word == "--":
                self.found.alone += self.left
                self.found.known += [word, *self.left]
                break
            if not word.startswith("-") or word == "-":
                if up_to_word:
                    self.found.rest = [word, *self.left]
                    break
                self.found.alone.append(word)
                self.found.known.append(word)
            elif word.startswith("--"):
                self._long(word)
            else:
                self._short(word)
        return self.found

    def _long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        one = self.on.get(name) or self.off.get(name)
        if one is not None:
            self._give(one, name, value if equals else None, [word])
        elif name in self.keys:
            self._key(self.keys[name], value if equals else None)
        else:
            self.found.strange.append(name)

    def _short(self, word: str) -> None:
        """`-v`, `-vv`, `-thvt`, `-vt hvt`: flags, and at last one that takes a word."""
        for place, letter in enumerate(word[1:], start=1):
            one = self.on.get(f"-{letter}")
            if one is None:
                self.found.strange.append(f"-{letter}")
                return
            if one.takes_word:
                self._give(one, f"-{letter}", word[place + 1 :] or None, [f"-{letter}{word[place + 1 :]}"])
                return
            self._give(one, f"-{letter}", None, [f"-{letter}"])

    def _give(self, one: Parameter, name: str, value: str | None, typed: list[str]) -> None:
        if one.takes_word and value is None and self.left:
            value = self.left.pop(0)
            typed.append(value)
        self.found.doubt |= (value is None) is one.takes_word
        word = value if one.takes_word else ("off" if name == one.off else "on")
        self.found.given.setdefault(one.name, []).append(word or "")
        self.found.known += typed

    def _key(self, key: Key, value: str | None) -> None:
        if value is None and key.flag:
            value = "true"
        if value is None and self.left:
            value = self.left.pop(0)
        if value is None:
            self.found.strange.append(f"--{key.name} ")  # the blank says that it is known, and wants a word
        else:
            self.found.keys.setdefault(key.name, []).append(value)

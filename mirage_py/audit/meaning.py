"""Whether a source that is read may mean a name of another module, without looking at where it says it.

More than it really means is found: that costs time, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from mirage_py.audit.mluses import token_of

if TYPE_CHECKING:
    from mirage_py.audit.mlpassage import Item
    from mirage_py.audit.mlsource import Use
    from mirage_py.audit.mlunits import Key, Unit

PATH: Final = re.compile(rb"\b(?:[A-Z][\w']*+\s*\.\s*)+(?:[A-Za-z_][\w']*|\()")
"""A name behind modules."""


FEW: Final = 50
"""How many words are looked for before all are put in order, which takes room."""


class Reading:
    """A unit, by its words, and the words that are asked for so far."""

    def __init__(self, unit: Unit, is_seen: Callable[[str, str], bool]) -> None:
        self.unit = unit
        self.is_seen = is_seen
        self.asked: set[bytes] = set()
        self._looked = 0
        self._uses: dict[int, tuple[frozenset[bytes], tuple[Use, ...]]] = {}
        self._note_names()

    def ask(self, keys: Iterable[Key]) -> None:
        """From now on what is mentioned by these names is told."""
        for key in keys:
            token = token_of(key.name)
            if token in self.unit.source.words and token not in self.asked and self.may_mean(key):
                self.asked.add(token)

    def saying(self, token: bytes) -> list[Item]:
        """The definitions in which a word or an operator stands."""
        self._looked += 1
        if self._looked <= FEW:
            return [item for item in self.unit.source.items if item.says((token,))]
        return self._by_word.get(token, [])

    @cached_property
    def _by_word(self) -> Mapping[bytes, list[Item]]:
        found: dict[bytes, list[Item]] = {}
        for item in self.unit.source.items:
            for word in item.words:
                found.setdefault(word, []).append(item)
        return found

    def told(self) -> list[Item]:
        """The definitions that may mention what was asked for, in their order."""
        return [item for item in self.unit.source.items if item.says(self.asked)]

    def uses(self, item: Item) -> tuple[Use, ...]:
        """What a definition mentions of what was asked for, line by line."""
        before, found = self._uses.get(id(item), (frozenset(), ()))
        asked = item.words & self.asked
        if asked != before:
            fresh = asked - before
            more = (use for use in item.uses(fresh) if token_of(use.name) in fresh)
            found = tuple(sorted((*found, *more), key=lambda use: use.line))
            self._uses[id(item)] = (asked, found)
        return found

    def may_mean(self, key: Key) -> bool:
        """Whether it may mean this: a name of its own, of a module that it names or opens, or of a parameter."""
        qualifier, _, name = key.name.rpartition(".")
        module = (qualifier.rpartition(".")[2] or key.module).encode()
        library, source = self.unit
        if (key.library, key.module) == (library, source.module) or not module:
            return True
        token = token_of(name)
        if not token[:1].isalpha() and token[:1] != b"_":
            return True
        if self.is_seen(key.library, library) and (module in self.opened or module in self.before.get(token, ())):
            return True
        return self.opens_any or not self.unnamed.isdisjoint(self.first.get(token, ()))

    def may_use(self, parameter: str, tokens: Mapping[bytes, Iterable[Key]]) -> bool:
        """Whether it may mean one of these names by what stands behind a parameter."""
        name = parameter.encode()
        return self.opens_any or any(name in self.first[token] for token in self.first.keys() & tokens.keys())

    def _note_names(self) -> None:
        """What stands before names, by name: the nearest module and the first one, and which modules are open."""
        source = self.unit.source
        renamed = {name.encode(): path.rpartition(".")[2].strip().encode() for name, path in source.aliases.items()}
        self.unnamed = {name.encode() for name in (*source.parameters, *source.unknown)}
        self.before: dict[bytes, set[bytes]] = {}
        self.first: dict[bytes, set[bytes]] = {}
        self.opened: set[bytes] = set()
        for path in {path for item in source.items for one in item.passages for path in PATH.findall(one.text)}:
            modules = [one.strip() for one in path.split(b".")]
            name, nearest = modules[-1], modules[-2]
            self.before.setdefault(name, set()).update((nearest, renamed.get(nearest, nearest)))
            self.first.setdefault(name, set()).add(modules[0])
        for opened in source.opens:
            modules = [one.strip().encode() for one in opened.split(".")]
            self.opened |= {modules[-1], renamed.get(modules[-1], modules[-1])}
        self.opens_any = any(opened.partition(".")[0].encode() in self.unnamed for opened in source.opens)

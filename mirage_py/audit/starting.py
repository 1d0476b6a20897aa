"""What the OCaml sources of libraries do while their modules initialise, read from the text.

A definition with parameters runs when it is called, every other one at start. From the functions that end the program
their callers are followed by name, through all libraries whose text is here: what a module calls as it starts ends it.
A function that is handed on, kept in a record or put behind a reference may be called or not. Where the text shows that
it is only kept, nothing is said; else that is unsure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mirage_py.audit.endings import EXIT, EXITING, PERHAPS, RAISING, Ending
from mirage_py.audit.handing import ARITY, AT_EXIT, CALLS, KEEPS, OF_CHANNELS, STANDARD
from mirage_py.audit.meaning import Reading
from mirage_py.audit.mlpassage import Item
from mirage_py.audit.mlsource import AS, Source, Use
from mirage_py.audit.mlunits import STDLIB, Key, Text, Unit
from mirage_py.audit.mluses import token_of
from mirage_py.audit.scope import Scope, Sees
from mirage_py.audit.waiting import Waiting, read_source
from mirage_py.model.audit import Finding

__all__ = ["Reached", "Sure", "reached_by", "start_findings"]

Sure = Literal["sure", "maybe"]
Outcome = Literal["sure", "maybe", "hold"]


class Reached(NamedTuple):
    """What a function comes to, and whether it surely does; `channel` says that only one who has a channel gets there.

    `exits` says that it ends the program on purpose, `raises` that it raises an exception, which may be caught.

    To open a file ends the program already, so the channels of a program are the standard ones.
    """

    end: str
    sure: Sure = "sure"
    channel: bool = False
    exits: bool = False
    raises: bool = False


def reached_by(name: str, *, channel: bool = False) -> Reached:
    """What a function of OCaml's own, or a primitive of its runtime, comes to."""
    sure: Sure = "maybe" if name in PERHAPS else "sure"
    return Reached(name, sure, channel, exits=name == EXIT or name in EXITING, raises=name in RAISING)


def start_findings(
    texts: Iterable[Text] | Waiting,
    seeds: Mapping[Key, Reached] | None = None,
    sees: Sees | None = None,
    ending: Ending | None = None,
    symbols: Mapping[str, Reached] | None = None,
) -> dict[str, tuple[Finding, ...]]:
    """What the modules of each library come to at start.

    `seeds` are functions of others, `symbols` those in C, `ending` what is of OCaml, that end the program. A library
    names modules of those that it `sees`, of all where that is None.
    """
    files = texts.again() if isinstance(texts, Waiting) else Waiting(texts)
    known = seeds or {}
    everybody = frozenset({*files.texts, *(key.library for key in known)})
    return _Study(files, known, sees or (lambda _: everybody), ending or Ending(), symbols or {}).findings()


TARGET: Final = re.compile(r"(?<![\w.'])(?:[A-Z][\w']*\.)*[a-z_][\w']*")
"""A value in what is assigned to, without the fields behind it."""


class _Study:
    """All texts together, and what is known of their functions and values."""

    def __init__(
        self,
        waiting: Waiting,
        seeds: Mapping[Key, Reached],
        sees: Sees,
        ending: Ending,
        symbols: Mapping[str, Reached],
    ) -> None:
        self.waiting = waiting
        self.texts = waiting.texts
        self.seeds = seeds
        self.ending = ending.functions
        of_runtime = {one: reached_by(one, channel=one in OF_CHANNELS) for one in sorted(ending.primitives)}
        self.symbols = {**of_runtime, **symbols}
        self.ends: dict[Key, Reached] = {}
        self.holds: dict[Key, Reached] = {}
        self.named: dict[str, dict[Key, None]] = {}
        self.scope = Scope(sees, self.ending, self.named)
        self.by_token: dict[bytes, dict[Key, None]] = {}
        self.called: dict[tuple[str, str, str], bool] = {}
        self.functions: dict[Key, list[tuple[Unit, Item]]] = {}
        self.readings: dict[tuple[str, Path], Reading] = {}
        self.units: list[Unit] = []
        self.fresh: list[Key] = []
        self.channels: frozenset[str] = frozenset()

    def findings(self) -> dict[str, tuple[Finding, ...]]:
        for key, reached in self.seeds.items():
            self._ends(key, reached)
            self.scope.add_home(key)
        for name in sorted(self.ending):  # in the same order every time, as everything here: the first end is told
            self._ends(Key(STDLIB, "", name), reached_by(name, channel=name in OF_CHANNELS))
        self._read()
        found: dict[str, list[Finding]] = {}
        for unit in self.units:
            for item in unit.source.items:
                if not item.waits:
                    one = self._at_start(item, unit)
                    found.setdefault(unit.library, []).extend([one] if one else [])
        return {library: tuple(ones) for library, ones in found.items()}

    def _read(self) -> None:
        """The files that may matter: those with a word of what is reached, and so on as names are added."""
        waiting = self.waiting
        self.channels = frozenset(waiting.meaning(STANDARD))
        for library, text in self.texts.items():
            for top in waiting.modules(library) if text.tops is None else text.tops:
                self.scope.add_top(top, library)
        words = [name for name in sorted(self.ending) if "." not in name]
        channels = {*(name.rpartition(".")[2] for name in OF_CHANNELS), *OF_CHANNELS}
        near = self._near_channels()
        chosen = waiting.saying(one for one in words if one not in channels)
        chosen += waiting.declaring(one for one in self.symbols if one not in channels)
        speaking = waiting.saying(one for one in words if one in channels)
        speaking += waiting.declaring(one for one in self.symbols if one in channels)
        chosen += [place for place in speaking if place[0] in near]
        chosen += [one for key, reached in self.seeds.items() for one in self._naming(key, reached, near)]
        for key, reached in [(key, reached) for key, reached in self.ends.items() if key.library == STDLIB]:
            qualifier, _, last = key.name.rpartition(".")
            if qualifier:
                inside = Key(STDLIB, qualifier.rpartition(".")[2], last)
                chosen += self._naming(inside, reached, near)
        while chosen:
            fresh = [Unit(library, source) for library, file in waiting.take(chosen) if (source := read_source(file))]
            before = self._known()
            self.units += fresh
            for unit in fresh:
                self._index(unit)
            self.called.clear()
            self._settle(fresh)
            learnt = [(key, reached) for key, reached in self._known().items() if before.get(key) != reached]
            chosen = [one for key, reached in learnt for one in self._naming(key, reached, near)]
            functors = ((unit, functor) for unit in self.units for functor in dict.fromkeys(self._functors(unit)))
            chosen += waiting.applying(functors, self.scope.is_seen)  # to learn what they are applied to

    def _functors(self, unit: Unit) -> Iterator[str]:
        """The functors of a file that do something with a parameter that may matter, or hand it on."""
        library, source = unit
        handed = {name for names in source.given.values() for name in names if name.startswith(AS)}
        for parameter, names in source.parameters.items():
            if self.readings[library, source.file].may_use(parameter, self.by_token):
                yield from sorted(names)
            else:
                yield from (name for name in sorted(names) if f"{AS}{source.module}.{name}" in handed)

    def _known(self) -> dict[Key, Reached]:
        return {**self.holds, **self.ends}

    def _naming(self, key: Key, reached: Reached, near: Collection[str]) -> Iterator[tuple[str, Path]]:
        """The files that may name it; what only one with a channel gets to matters where there may be one."""
        found = self.waiting.naming(key, self.scope.is_seen)
        return (place for place in found if place[0] in near) if reached.channel else found

    def _near_channels(self) -> frozenset[str]:
        """The libraries that a standard channel may come to: those that speak of it, that see one such, or are seen."""
        speaking = [library for library in self.texts if self._has_channel(library)]
        return frozenset(one for one in self.texts if any(self.scope.is_seen(one, library) for library in speaking))

    def _index(self, unit: Unit) -> None:
        """What a file defines, and mentions."""
        self.scope.add(unit)
        for item in unit.source.items:
            if item.name and item.waits:
                self.functions.setdefault(unit.key(item.name), []).append((unit, item))
        self.readings[unit.library, unit.source.file] = Reading(unit, self.scope.is_seen)

    def _settle(self, fresh: list[Unit]) -> None:
        """Learn from new files, and again from all that mention what was learnt, until nothing is new.

        What functors are applied to may stand in the new files, too.
        """
        self.fresh.clear()
        for unit in fresh:
            reading = self.readings[unit.library, unit.source.file]
            for word in unit.source.words & self.by_token.keys():
                reading.ask(self.by_token[word])
        known = self.units[: len(self.units) - len(fresh)]
        for unit in (*fresh, *(unit for unit in known if unit.source.parameters)):
            for name, symbol in unit.source.externals.items():
                if symbol in self.symbols:
                    self._ends(unit.key(name), self.symbols[symbol]._replace(end=name))
            for item in self.readings[unit.library, unit.source.file].told():
                self._learn(item, unit)
        while self.fresh:
            for reading, item in self._mentioning():
                self._learn(item, reading.unit)

    def _mentioning(self) -> Iterator[tuple[Reading, Item]]:
        """The definitions that may mention what was learnt last, each once."""
        keys, self.fresh = list(dict.fromkeys(self.fresh)), []
        found: dict[tuple[int, int], tuple[Reading, Item]] = {}
        for key in keys:
            token = token_of(key.name)
            for reading in self.readings.values():
                if token in reading.unit.source.words and reading.may_mean(key):
                    reading.asked.add(token)
                    found |= {(id(reading), id(item)): (reading, item) for item in reading.saying(token)}
        return iter(found.values())

    def _ends(self, key: Key, reached: Reached) -> None:
        """Note that a name ends the program, surely or more surely than it was known."""
        was = self.ends.get(key)
        if was is None or (was.sure == "maybe" and reached.sure == "sure") or (was.channel and not reached.channel):
            self.ends[key] = reached if was is None or was.sure == "maybe" else reached._replace(sure="sure")
            self._name(key)

    def _holds(self, key: Key, reached: Reached) -> None:
        """Note that a name holds what would end the program."""
        was = self.holds.get(key)
        if was is None or (was.channel and not reached.channel):
            self.holds[key] = reached
            self._name(key)

    def _name(self, key: Key) -> None:
        last = key.name.rpartition(".")[2]
        self.named.setdefault(last, {})[key] = None
        self.by_token.setdefault(token_of(last), {})[key] = None
        self.fresh.append(key)

    def _learn(self, item: Item, unit: Unit) -> None:
        """What a definition says of its own name, and of what it assigns to."""
        for use, outcome, end in self._outcomes(item, unit):
            if (end.exits or end.end in RAISING) and not (item.waits and _is_plain_call(use)):
                continue
            if use.into:
                for name in TARGET.findall(use.into):
                    self._holds(self.scope.key(name, unit) or unit.key(name.rpartition(".")[2]), end)
            if not item.name:
                continue
            if outcome == "hold" or not item.waits:
                self._holds(unit.key(item.name), end)
            else:
                self._ends(unit.key(item.name), end._replace(sure=outcome))

    def _at_start(self, item: Item, unit: Unit) -> Finding | None:
        """The worst that one definition comes to when its module starts."""
        reached = [one for one in self._outcomes(item, unit) if one[1] != "hold" and _counts(item, one)]
        if not self._has_channel(unit.library):
            reached = [one for one in reached if not one[2].channel]
        if not reached:
            return None
        use, outcome, end = min(reached, key=lambda one: one[1] != "sure")
        return _finding(self.texts[unit.library], unit.source, use, outcome == "sure", end)

    def _has_channel(self, library: str) -> bool:
        """Whether a library, or one behind it, speaks of a standard channel."""
        return any(self.scope.is_seen(one, library) for one in self.channels)

    def _outcomes(self, item: Item, unit: Unit) -> Iterator[tuple[Use, Outcome, Reached]]:
        """Each use of something that ends the program, and whether it is called: surely, perhaps, or only held."""
        uses = self.readings[unit.library, unit.source.file].uses(item)
        bound = frozenset(use.name for use in uses if use.how == "bind")
        for use in uses:
            if use.name in item.parameters or use.how == "bind" or use.name.rpartition(".")[2] not in self.named:
                continue
            for key in self.scope.keys(use.name, unit, bound):
                reached = self.ends.get(key) or self.holds.get(key)
                if reached is not None and not (reached.raises and use.caught):
                    yield use, self._outcome(use, key, unit), reached
                    break

    def _outcome(self, use: Use, key: Key, unit: Unit) -> Outcome:
        if use.later:
            return "maybe" if use.by and self._called(use.by, unit) else "hold"
        match use.how:
            case "call":
                return self._call(use, key)
            case "apply":
                return "maybe"
            case "hand":
                return "maybe" if self._called(use.by, unit) else "hold"
            case _:
                return "hold"

    def _call(self, use: Use, key: Key) -> Outcome:
        """A call, which may have too few arguments to be one, or so many that what it gives back is called too."""
        ended = self.ends.get(key)
        arity = ARITY.get(key.name, 1) if key.library == STDLIB else self._arity(key)
        if ended is not None and use.given >= arity:
            return "sure" if ended.sure == "sure" and not use.maybe else "maybe"
        if ended is not None:
            return "hold"
        return "maybe" if use.given > arity else "hold"

    def _arity(self, key: Key) -> int:
        """How many arguments a function takes; none for a value that may be one."""
        return min((item.arity for _, item in self.functions.get(key, ())), default=0)

    def _called(self, by: str, unit: Unit, seen: frozenset[Key] = frozenset()) -> bool:
        """Whether a function may call what is handed to it."""
        place = (by, unit.library, unit.source.module)
        known = self.called.get(place)
        if known is None:
            known = self._may_call(by, unit, seen)
            if not seen:
                self.called[place] = known
        return known

    def _may_call(self, by: str, unit: Unit, seen: frozenset[Key]) -> bool:
        own = self.scope.owns(by, unit)
        if not own and KEEPS.fullmatch(by):
            return False
        if not own and (CALLS.fullmatch(by) or by == "("):
            return True
        for key in self.scope.keys(by, unit):
            if key in seen:
                return False
            definitions = self.functions.get(key, ())
            if definitions:
                inner = seen | {key}
                return any(self._calls(use, home, inner) for home, item in definitions for use in item.of_parameters)
        return True

    def _calls(self, use: Use, unit: Unit, seen: frozenset[Key]) -> bool:
        """Whether a function calls its parameter, or hands it to one that may."""
        if use.later or use.how == "hand":
            return bool(use.by) and self._called(use.by, unit, seen)
        return use.how in ("call", "apply")


def _is_plain_call(use: Use) -> bool:
    """Whether a function is called where it is named, and not by another one that it is handed to."""
    return use.how == "call" and not use.later


def _counts(item: Item, one: tuple[Use, Outcome, Reached]) -> bool:
    """Whether what a definition comes to says anything: `exit` is also what programs do where something is wrong.

    So it counts where it is surely called, and where a definition is there for nothing but what it does.
    """
    use, outcome, reached = one
    if reached.sure == "maybe" and use.by in AT_EXIT:
        return False  # what may go wrong when the program ends is no matter of its start
    if reached.end in RAISING:
        return outcome == "sure" and _is_plain_call(use)
    return not reached.exits or (_is_plain_call(use) and (outcome == "sure" or not item.name))


def _finding(text: Text, source: Source, use: Use, sure: bool, reached: Reached) -> Finding:
    end, name = reached.end, use.name.removeprefix("Stdlib.")
    through = "" if name.rpartition(".")[2] == end.rpartition(".")[2] else f" through {name}"
    if sure:
        what = "that ends it" if reached.exits else "it aborts, no exception is raised"
        if end in RAISING:
            what = "there is no environment, and nothing here catches Not_found"
        message = f"line {use.line} calls {end}{through} when the program starts: {what}"
    else:
        what = "end" if reached.exits else "abort"
        message = f"line {use.line} may call {end}{through} when the program starts, where it would {what}"
    return Finding(
        rule="boot-abort-text",
        severity="aborts" if sure else "unsure",
        message=f"{message} (read from the source)",
        symbol=end,
        archive=text.directory.name,
        member=source.file.name,
        definer="nolibc",
        remedy=_remedy(sure, reached),
    )


def _remedy(sure: bool, reached: Reached) -> str:
    if not sure:
        return "build it and run it once: it ends there, or it does not"
    if reached.exits:
        return "leave it out: it is the main program of a tool"
    return "the library needs a variant without it"

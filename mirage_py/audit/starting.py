"""What the OCaml sources of libraries do while their modules initialise, read from the text.

A definition with parameters runs when it is called, every other one at start. From the functions that end the program
their callers are followed by name, through all libraries whose text is here: what a module calls as it starts ends it.
A function that is handed on, kept in a record or put behind a reference may be called or not. Where the text shows that
it is only kept, nothing is said; else that is unsure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mirage_py.audit.endings import EXIT, EXITING, PERHAPS, Ending
from mirage_py.audit.meaning import Reading
from mirage_py.audit.mlpassage import Item
from mirage_py.audit.mlsource import ANY, AS, Source, Use
from mirage_py.audit.mluses import token_of
from mirage_py.audit.waiting import STDLIB, Waiting, read_source
from mirage_py.model.audit import Finding
from mirage_py.project.reading import bytes_of

OF_CHANNELS: Final = frozenset(
    {
        *("close_in", "input_line", "input_char", "really_input_string", "In_channel.input_all"),
        *("In_channel.input_line", "caml_ml_channel_size", "caml_ml_channel_size_64", "caml_ml_seek_in"),
        *("caml_ml_seek_in_64", "caml_ml_seek_out", "caml_ml_seek_out_64", "caml_ml_close_channel", "caml_ml_input"),
        *("caml_ml_input_bigarray", "caml_ml_input_char", "caml_ml_input_int", "caml_ml_input_scan_line"),
        *("caml_input_value", "caml_md5_chan"),
    }
)
"""What ends the program when it is handed a channel."""

STANDARD_LIBRARY: Final = ("Stdlib", "Pervasives", "Caml")
"""The names of the standard library, of today and of former times; `Caml` is that of Jane Street's libraries."""

STANDARD: Final = ("stdin",)
"""The channel that can be read from and that nobody opens."""

ARITY: Final = {
    **dict.fromkeys(PERHAPS, 3),
    **dict.fromkeys(("open_in_gen", "open_out_gen", "In_channel.open_gen", "Out_channel.open_gen"), 3),
    **dict.fromkeys(("Sys.mkdir", "Sys.rename", "Sys.signal", "Sys.set_signal", "Filename.temp_file"), 2),
    **dict.fromkeys(("Filename.open_temp_file", "Filename.temp_dir", "really_input_string"), 2),
    **dict.fromkeys((f"In_channel.with_open_{how}" for how in ("bin", "text")), 2),
    **dict.fromkeys((f"Out_channel.with_open_{how}" for how in ("bin", "text")), 2),
    **dict.fromkeys(("In_channel.with_open_gen", "Out_channel.with_open_gen"), 4),
}
"""How many arguments those take that take more than one, optional ones left out."""

CALLS: Final = re.compile(
    r"(?:Stdlib\.)?(?:(?:List|Array|Seq|Hashtbl|String|Bytes|Option|Result|Either|Queue|Stack|Map|Set|Float\.Array|In_channel"
    r"|Out_channel|Printf|Format|Fun|Lazy|Scanf|ListLabels|ArrayLabels|StringLabels|Domain|Effect\.Deep|Bigarray\.\w+)\.\w+"
    r"|at_exit|do_at_exit|failwith|raise|let|\()"
)
"""Functions that call what is handed to them, or let it be called before the program ends."""

KEEPS: Final = re.compile(
    r"(?:Stdlib\.)?(?:ref|ignore|fst|snd|Lazy\.(?:from_fun|from_val)|Hashtbl\.(?:add|replace|hash|mem|find|find_opt|create)"
    r"|Queue\.(?:add|push)|Stack\.push|Fun\.(?:const|flip|negate|compose)|List\.(?:cons|rev|append|length|nth|hd|tl|concat"
    r"|assoc|assq|mem|combine|split)|Array\.(?:of_list|to_list|make|length|append|get|set)|Option\.(?:some|is_some|get"
    r"|value)|Seq\.return|Printexc\.(?:register_printer|set_uncaught_exception_handler)|Callback\.register"
    r"|Obj\.(?:repr|magic)|Arg\.(?:align|usage)|Domain\.DLS\.new_key|Atomic\.(?:make|set)|Weak\.set)"
)
"""Functions that keep what is handed to them, in what they give back or elsewhere, and call it no more than it is."""

AT_EXIT: Final = ("at_exit", "Stdlib.at_exit")
"""What is handed to these is called when the program ends."""

Sure = Literal["sure", "maybe"]
Outcome = Literal["sure", "maybe", "hold"]


class Key(NamedTuple):
    """A name in a module of a library; the standard library's have no module of their own."""

    library: str
    module: str
    name: str


class Reached(NamedTuple):
    """What a function comes to, and whether it surely does; `channel` says that only one who has a channel gets there.

    `exits` says that it ends the program on purpose.

    To open a file ends the program already, so the channels of a program are the standard ones.
    """

    end: str
    sure: Sure = "sure"
    channel: bool = False
    exits: bool = False


def reached_by(name: str, *, channel: bool = False) -> Reached:
    """What a function of OCaml's own, or a primitive of its runtime, comes to."""
    return Reached(name, "maybe" if name in PERHAPS else "sure", channel, name == EXIT or name in EXITING)


@dataclass(frozen=True, kw_only=True)
class Text:
    """The sources of one library; `modules` says which of them count, `left_out` which do not, all where it is None.

    `tops` are the modules that other libraries see: the one that wraps it, all that count where it is None.
    """

    library: str
    directory: Path
    modules: frozenset[str] | None = None
    left_out: frozenset[str] = frozenset()
    below: bool = False
    tops: frozenset[str] | None = None

    def files(self) -> Iterator[Path]:
        """The `.ml` files of the library."""
        for folder, inner, names in os.walk(self.directory):
            inner[:] = sorted(one for one in inner if self.below and not _is_apart(Path(folder, one)))
            for name in sorted(names):
                if name.endswith(".ml") and self._counts(module_of(name)):
                    yield Path(folder) / name

    def _counts(self, module: str) -> bool:
        return module not in self.left_out and (self.modules is None or module in self.modules)


def _is_apart(folder: Path) -> bool:
    """Whether a folder below a library is none of it: its dune file says itself what becomes of what is below it."""
    try:
        return b"include_subdirs" in bytes_of(folder / "dune")
    except OSError:
        return False


def module_of(file: str) -> str:
    """The module that a file is, by its name."""
    stem = file.partition(".")[0]
    return stem[:1].upper() + stem[1:]


class Unit(NamedTuple):
    """A file of a library as it was read."""

    library: str
    source: Source

    def key(self, name: str) -> Key:
        """A name of its own."""
        return Key(self.library, self.source.module, name)


Sees = Callable[[str], Collection[str]]
"""The libraries behind one, whose modules it may name."""


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
        self.behind = sees
        self.ends: dict[Key, Reached] = {}
        self.holds: dict[Key, Reached] = {}
        self.named: dict[str, dict[Key, None]] = {}
        self.by_token: dict[bytes, dict[Key, None]] = {}
        self.called: dict[tuple[str, str, str], bool] = {}
        self.standing: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
        self.functions: dict[Key, list[tuple[Unit, Item]]] = {}
        self.defined: dict[tuple[str, str], set[str]] = {}
        self.homes: dict[tuple[str, str], list[str]] = {}
        self.tops: dict[str, list[str]] = {}
        self.readings: dict[tuple[str, Path], Reading] = {}
        self.given: dict[str, list[tuple[str, str, set[str]]]] = {}
        self.units: list[Unit] = []
        self.fresh: list[Key] = []
        self.channels: frozenset[str] = frozenset()

    def findings(self) -> dict[str, tuple[Finding, ...]]:
        for key, reached in self.seeds.items():
            self._ends(key, reached)
            self._home(key.library, key.module, key.name)
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
                self.tops.setdefault(top, []).append(library)
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
            self.standing.clear()
            self._settle(fresh)
            learnt = [(key, reached) for key, reached in self._known().items() if before.get(key) != reached]
            chosen = [one for key, reached in learnt for one in self._naming(key, reached, near)]
            functors = dict.fromkeys(functor for unit in self.units for functor in self._functors(unit))
            chosen += waiting.applying(functors, self._is_seen)  # to learn what they are applied to

    def _functors(self, unit: Unit) -> Iterator[tuple[str, str]]:
        """The functors of a file that do something with a parameter that may matter, or hand it on."""
        library, source = unit
        handed = {name for names in source.given.values() for name in names if name.startswith(AS)}
        for parameter, names in source.parameters.items():
            if self.readings[library, source.file].may_use(parameter, self.by_token):
                yield from ((library, name) for name in sorted(names))
            else:
                yield from ((library, name) for name in sorted(names) if f"{AS}{source.module}.{name}" in handed)

    def _known(self) -> dict[Key, Reached]:
        return {**self.holds, **self.ends}

    def _naming(self, key: Key, reached: Reached, near: Collection[str]) -> Iterator[tuple[str, Path]]:
        """The files that may name it; what only one with a channel gets to matters where there may be one."""
        found = self.waiting.naming(key, self._is_seen)
        return (place for place in found if place[0] in near) if reached.channel else found

    def _near_channels(self) -> frozenset[str]:
        """The libraries that a standard channel may come to: those that speak of it, that see one such, or are seen."""
        speaking = [library for library in self.texts if self._has_channel(library)]
        return frozenset(one for one in self.texts if any(self._is_seen(one, library) for library in speaking))

    def _is_seen(self, library: str, by: str) -> bool:
        """Whether a library may name modules of another one."""
        return library in (by, STDLIB) or library in self.behind(by)

    def _index(self, unit: Unit) -> None:
        """What a file defines, applies functors to, and mentions."""
        library, source = unit
        for (module, functor), names in source.given.items():
            self.given.setdefault(functor, []).append((library, module, names))
        defined = self.defined.setdefault((library, source.module), set())
        for name in (*(item.name for item in source.items if item.name), *source.externals):
            defined.add(name)
            self._home(library, source.module, name)
        for item in source.items:
            if item.name and item.waits:
                self.functions.setdefault(unit.key(item.name), []).append((unit, item))
        self.readings[library, source.file] = Reading(unit, self._is_seen)

    def _home(self, library: str, module: str, name: str) -> None:
        """Remember where a name of a module is."""
        homes = self.homes.setdefault((module, name), [])
        if library not in homes:
            homes.append(library)

    def _settle(self, fresh: list[Unit]) -> None:
        """Learn from new files, and again from all that mention what was learnt, until nothing is new.

        What functors are applied to may stand in the new files, too.
        """
        self.fresh.clear()
        for unit in fresh:
            reading = self.readings[unit.library, unit.source.file]
            for word in unit.source.words.keys() & self.by_token.keys():
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
            if end.exits and not (item.waits and _is_plain_call(use)):
                continue
            if use.into:
                for name in TARGET.findall(use.into):
                    self._holds(self._key(name, unit) or unit.key(name.rpartition(".")[2]), end)
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
        return any(self._is_seen(one, library) for one in self.channels)

    def _outcomes(self, item: Item, unit: Unit) -> Iterator[tuple[Use, Outcome, Reached]]:
        """Each use of something that ends the program, and whether it is called: surely, perhaps, or only held."""
        uses = self.readings[unit.library, unit.source.file].uses(item)
        bound = frozenset(use.name for use in uses if use.how == "bind")
        for use in uses:
            if use.name in item.parameters or use.how == "bind" or use.name.rpartition(".")[2] not in self.named:
                continue
            for key in self._keys(use.name, unit, bound):
                reached = self.ends.get(key) or self.holds.get(key)
                if reached is not None:
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
        own = self._own(by, unit)
        if not own and KEEPS.fullmatch(by):
            return False
        if not own and (CALLS.fullmatch(by) or by == "("):
            return True
        for key in self._keys(by, unit):
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

    def _own(self, name: str, unit: Unit) -> bool:
        return "." not in name and name in self.defined[unit.library, unit.source.module]

    def _key(self, name: str, unit: Unit) -> Key | None:
        return next(iter(self._keys(name, unit)), None)

    def _keys(self, name: str, unit: Unit, bound: Collection[str] = ()) -> Iterator[Key]:
        """What a name may stand for, the nearest first; names that are `bound` where it stands are of no module."""
        qualifier, _, last = name.replace(" ", "").rpartition(".")
        if qualifier:
            yield from self._in_module(qualifier, last, unit)
            return
        if self._own(last, unit):
            yield unit.key(last)
            return
        if last in bound:
            return
        for opened in unit.source.opens:
            yield from self._in_module(opened, last, unit)
        if last in self.ending:
            yield Key(STDLIB, "", last)

    def _in_module(self, qualifier: str, last: str, unit: Unit) -> Iterator[Key]:
        """A name of a module, which may be another's name, one of the file's own, or one of the standard library."""
        source = unit.source
        first, _, rest = qualifier.partition(".")
        aliased = source.aliases.get(first)
        whole = ".".join(filter(None, (aliased, rest))) if aliased and aliased != qualifier else qualifier
        short = whole.removeprefix("Stdlib.")
        if first in source.unknown or first in source.parameters:
            yield from self._of_parameter(first, last, unit)
            return
        if first in source.modules and not aliased and self._own(last, unit):
            yield unit.key(last)
            return
        libraries = self._libraries(short, last, unit)
        if libraries:
            yield from (Key(library, short.rpartition(".")[2], last) for library in libraries)
        elif short in STANDARD_LIBRARY and last in self.ending:
            yield Key(STDLIB, "", last)
        elif f"{short}.{last}" in self.ending:
            yield Key(STDLIB, "", f"{short}.{last}")

    def _libraries(self, path: str, last: str, unit: Unit) -> list[str]:
        """The libraries that may have a name behind a path: the own one, else those whose module the path begins with.

        What a path leads to inside of another library may be of one behind that, whose module it gives on.
        """
        first, _, rest = path.partition(".")
        own = unit.library
        homes = self.homes.get((path.rpartition(".")[2], last), ())
        if not homes:
            return []
        if own in homes and (not rest or (own, first) in self.defined or first not in self.tops):
            return [own]
        seen = [home for home in homes if home != own and self._is_seen(home, own)]
        begin = [library for library in self.tops.get(first, ()) if library != own and self._is_seen(library, own)]
        if not begin:
            return [own] if own in homes else seen
        return [home for home in seen if home in begin or (rest and any(self._is_seen(home, one) for one in begin))]

    def _of_parameter(self, parameter: str, last: str, unit: Unit) -> Iterator[Key]:
        """A name of what a functor's parameter may stand for."""
        keys = [key for key in self.named.get(last, ()) if key.library != STDLIB and key.name == last]
        given = self._given(unit, parameter) if keys else set()
        unknown = any(name == ANY for _, name in given)
        for key in keys:
            if unknown or any(name == key.module and self._is_seen(key.library, by) for by, name in given):
                yield key

    def _given(self, unit: Unit, parameter: str) -> set[tuple[str, str]]:
        """The modules that a functor's parameter may stand for, each with the library that says so; `ANY` is any."""
        place = (unit.library, unit.source.module, parameter)
        known = self.standing.get(place)
        if known is None:
            known = self.standing[place] = self._all_given(unit, parameter)
        return known

    def _all_given(self, unit: Unit, parameter: str) -> set[tuple[str, str]]:
        if parameter in unit.source.unknown:
            return {(unit.library, ANY)}
        module = unit.source.module
        waiting = [(unit.library, module, functor) for functor in unit.source.parameters[parameter]]
        found: set[tuple[str, str]] = set()
        for home, inside, functor in waiting:  # grows while it is walked
            for by, of, names in self.given.get(functor, ()):
                if of in ("", inside) and self._is_seen(home, by):
                    fresh = {(by, name) for name in names} - found
                    found |= fresh
                    places = (name.removeprefix(AS).rpartition(".") for _, name in fresh if name.startswith(AS))
                    waiting += [(by, outer, other) for outer, _, other in places]
        return found


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
    return not reached.exits or (_is_plain_call(use) and (outcome == "sure" or not item.name))


def _finding(text: Text, source: Source, use: Use, sure: bool, reached: Reached) -> Finding:
    end, name = reached.end, use.name.removeprefix("Stdlib.")
    through = "" if name.rpartition(".")[2] == end.rpartition(".")[2] else f" through {name}"
    if sure:
        what = "that ends it" if reached.exits else "it aborts, no exception is raised"
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
        remedy="the library needs a variant without it"
        if sure
        else "build it and run it once: it ends there, or it does not",
    )

"""What the OCaml sources of libraries do while their modules initialise, read from the text.

A definition with parameters runs when it is called, every other one at start. From the functions that end the program
their callers are followed by name, through all libraries whose text is here: what a module calls as it starts ends it.
A function that is handed on, kept in a record or put behind a reference may be called or not. Where the text shows that
it is only kept, nothing is said; else that is unsure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mirage_py.audit.endings import Ending
from mirage_py.audit.mltext import ANY, AS, Item, Source, Use, source_of
from mirage_py.model.audit import Finding
from mirage_py.project.reading import bytes_of

ARITY: Final = {
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

Sure = Literal["sure", "maybe"]
Outcome = Literal["sure", "maybe", "hold"]
Key = tuple[str, str]
"""A module and a name in it; modules of one name in two libraries are one."""


class Reached(NamedTuple):
    """What a function comes to, and whether it surely does."""

    end: str
    sure: Sure
    line: int = 0
    through: str = ""


@dataclass(frozen=True, kw_only=True)
class Text:
    """The sources of one library; `seen` says which modules count, all where it is None."""

    library: str
    directory: Path
    modules: frozenset[str] | None = None
    below: bool = False

    def files(self) -> Iterator[Path]:
        """The `.ml` files of the library."""
        folders = os.walk(self.directory) if self.below else ((self.directory, (), sorted(os.listdir(self.directory))),)
        for folder, _, names in folders:
            for name in sorted(names):
                module = name.partition(".")[0]
                counts = self.modules is None or module[:1].upper() + module[1:] in self.modules
                if name.endswith(".ml") and counts:
                    yield Path(folder) / name


def start_findings(
    texts: Iterable[Text], seeds: Mapping[Key, str] | None = None, ending: Ending | None = None
) -> dict[str, tuple[Finding, ...]]:
    """What the modules of each library come to at start; `seeds` are functions of others that end the program."""
    return _Study(tuple(texts), seeds or {}, ending or Ending()).findings()


TARGET: Final = re.compile(r"(?<![\w.'])(?:[A-Z][\w']*\.)*[a-z_][\w']*")
"""A value in what is assigned to, without the fields behind it."""

WORD: Final = re.compile(rb"[A-Za-z_][\w']*")


@dataclass
class _Study:
    """All texts together, and what is known of their functions and values."""

    texts: tuple[Text, ...]
    seeds: Mapping[Key, str]
    ending: Ending
    ends: dict[Key, Reached] = field(default_factory=dict)
    holds: dict[Key, str] = field(default_factory=dict)
    known: dict[tuple[str, str], bool] = field(default_factory=dict)
    by_name: dict[Key, list[tuple[Source, Item]]] = field(default_factory=dict)
    defined: dict[str, set[str]] = field(default_factory=dict)
    sources: list[tuple[Text, Source]] = field(default_factory=list)
    given: dict[str, list[tuple[str, set[str]]]] = field(default_factory=dict)

    def findings(self) -> dict[str, tuple[Finding, ...]]:
        self.ends = {key: Reached(end, "sure") for key, end in self.seeds.items()}
        self.ends |= {(STDLIB, name): Reached(name, "sure") for name in self.ending.functions}
        self._read()
        while self._spread():
            pass
        found: dict[str, list[Finding]] = {}
        for text, source in self.sources:
            for item in source.items:
                if not item.waits:
                    one = self._at_start(item, source, text)
                    found.setdefault(text.library, []).extend([one] if one else [])
        return {library: tuple(ones) for library, ones in found.items()}

    def _read(self) -> None:
        """The files that may matter: those with a word of what is reached, and so on as names are added."""
        words = {name.rpartition(".")[2].encode() for name in self.ending.functions} | {
            name.encode() for _, name in self.seeds
        }
        words |= {symbol.encode() for symbol in self.ending.primitives}
        waiting = [(text, file) for text in self.texts if text.directory.is_dir() for file in text.files()]
        contents = {file: _words(file) for _, file in waiting}
        while True:
            fresh = [one for one in waiting if not contents[one[1]].isdisjoint(words)]
            if not fresh:
                return
            for text, file in fresh:
                source = source_of(file)
                if source is not None:
                    self.sources.append((text, source))
            read = {file for _, file in fresh}
            waiting = [one for one in waiting if one[1] not in read]
            self._index()
            while self._spread():
                pass
            words = {name.encode() for _, name in (*self.ends, *self.holds)}
            functors = (names for _, source in self.sources for names in source.parameters.values())
            words |= {name.encode() for names in functors for name in names}  # to learn what they are applied to

    def _given(self, source: Source, module: str) -> set[str]:
        """The modules that a functor's parameter may stand for; `ANY` among them where no more is known."""
        if module in source.unknown:
            return {ANY}
        waiting = [f"{source.module}.{functor}" for functor in source.parameters[module]]
        found: set[str] = set()
        for place in waiting:  # grows while it is walked
            home, _, functor = place.rpartition(".")
            applied = (names for of, names in self.given.get(functor, ()) if of in ("", home))
            fresh = {name for names in applied for name in names} - found
            found |= fresh
            waiting += [name.removeprefix(AS) for name in fresh if name.startswith(AS)]
        return found

    def _index(self) -> None:
        """What the modules define, for the files that have been read."""
        self.known.clear()
        self.by_name.clear()
        self.defined.clear()
        self.given.clear()
        for _, source in self.sources:
            for (module, functor), names in source.given.items():
                self.given.setdefault(functor, []).append((module, names))
        for _, source in self.sources:
            names = self.defined.setdefault(source.module, set())
            names |= {item.name for item in source.items if item.name} | source.externals.keys()
            for item in source.items:
                if item.name and item.waits:
                    self.by_name.setdefault((source.module, item.name), []).append((source, item))

    def _spread(self) -> bool:
        """Go through all definitions once; whether anything new was learnt."""
        before = (len(self.ends), len(self.holds), sum(one.sure == "sure" for one in self.ends.values()))
        for _, source in self.sources:
            for name, symbol in source.externals.items():
                if symbol in self.ending.primitives:
                    self.ends.setdefault((source.module, name), Reached(name, "sure"))
            for item in source.items:
                self._learn(item, source)
        return before != (len(self.ends), len(self.holds), sum(one.sure == "sure" for one in self.ends.values()))

    def _learn(self, item: Item, source: Source) -> None:
        """What a definition says of its own name, and of what it assigns to."""
        key = (source.module, item.name)
        for use, outcome, end in self._outcomes(item, source):
            if use.into:
                for name in TARGET.findall(use.into):
                    self.holds.setdefault(self._key(name, source) or (source.module, name.rpartition(".")[2]), end)
            if not item.name:
                continue
            if outcome == "hold" or not item.waits:
                self.holds.setdefault(key, end)
            elif key not in self.ends or (outcome == "sure" and self.ends[key].sure == "maybe"):
                self.ends[key] = Reached(end, outcome)

    def _at_start(self, item: Item, source: Source, text: Text) -> Finding | None:
        """The worst that one definition comes to when its module starts."""
        reached = [one for one in self._outcomes(item, source) if one[1] != "hold"]
        if not reached:
            return None
        use, outcome, end = min(reached, key=lambda one: one[1] != "sure")
        return _finding(text, source, use, outcome == "sure", end)

    def _outcomes(self, item: Item, source: Source) -> Iterator[tuple[Use, Outcome, str]]:
        """Each use of something that ends the program, and whether it is called: surely, perhaps, or only held."""
        for use in item.uses:
            if use.name in item.parameters:
                continue
            for key in self._keys(use.name, source):
                ended, held = self.ends.get(key), self.holds.get(key)
                if ended is not None or held is not None:
                    yield use, self._outcome(use, key, source), ended.end if ended else held or ""
                    break

    def _outcome(self, use: Use, key: Key, source: Source) -> Outcome:
        if use.later:
            return "maybe" if use.by and self._called(use.by, source) else "hold"
        match use.how:
            case "call":
                return self._call(use, key)
            case "apply":
                return "maybe"
            case "hand":
                return "maybe" if self._called(use.by, source) else "hold"
            case _:
                return "hold"

    def _call(self, use: Use, key: Key) -> Outcome:
        """A call, which may have too few arguments to be one, or so many that what it gives back is called too."""
        ended = self.ends.get(key)
        arity = ARITY.get(key[1], 1) if key[0] == STDLIB else self._arity(key)
        if ended is not None and use.given >= arity:
            return "sure" if ended.sure == "sure" and not use.maybe else "maybe"
        if ended is not None:
            return "hold"
        return "maybe" if use.given > arity else "hold"

    def _arity(self, key: Key) -> int:
        """How many arguments a function takes; none for a value that may be one."""
        return min((item.arity for _, item in self.by_name.get(key, ())), default=0)

    def _called(self, by: str, source: Source, seen: frozenset[Key] = frozenset()) -> bool:
        """Whether a function may call what is handed to it."""
        known = self.known.get((by, source.module))
        if known is None:
            known = self._may_call(by, source, seen)
            if not seen:
                self.known[by, source.module] = known
        return known

    def _may_call(self, by: str, source: Source, seen: frozenset[Key]) -> bool:
        own = self._own(by, source)
        if not own and KEEPS.fullmatch(by):
            return False
        if not own and (CALLS.fullmatch(by) or by == "("):
            return True
        for key in self._keys(by, source):
            if key in seen:
                return False
            definitions = self.by_name.get(key, ())
            if definitions:
                inner = seen | {key}
                return any(
                    self._calls(use, module, inner)
                    for module, item in definitions
                    for use in item.uses
                    if use.name in item.parameters
                )
        return True

    def _calls(self, use: Use, source: Source, seen: frozenset[Key]) -> bool:
        """Whether a function calls its parameter, or hands it to one that may."""
        if use.later or use.how == "hand":
            return bool(use.by) and self._called(use.by, source, seen)
        return use.how in ("call", "apply")

    def _own(self, name: str, source: Source) -> bool:
        return "." not in name and name in self.defined.get(source.module, ())

    def _key(self, name: str, source: Source) -> Key | None:
        return next(iter(self._keys(name, source)), None)

    def _keys(self, name: str, source: Source) -> Iterator[Key]:
        """What a name may stand for, the nearest first."""
        qualifier, _, last = name.replace(" ", "").rpartition(".")
        if not qualifier:
            if last in self.defined.get(source.module, ()):
                yield (source.module, last)
                return
            for opened in source.opens:
                yield from self._in_module(opened, last, source)
            if last in self.ending.functions:
                yield STDLIB, last
            return
        yield from self._in_module(qualifier, last, source)

    def _in_module(self, qualifier: str, last: str, source: Source) -> Iterator[Key]:
        """A name of a module, which may be another's name, one of the file's own, or one of the standard library."""
        first, _, rest = qualifier.partition(".")
        aliased = source.aliases.get(first)
        whole = ".".join(filter(None, (aliased, rest))) if aliased and aliased != qualifier else qualifier
        short = whole.removeprefix("Stdlib.")
        module = short.rpartition(".")[2]
        if first in source.unknown or first in source.parameters:
            given = self._given(source, first)
            keys = [key for key in (*self.ends, *self.holds) if key[1] == last and key[0] != STDLIB]
            yield from [key for key in keys if ANY in given or key[0] in given]
        elif last in self.defined.get(module, ()) or (module, last) in self.ends:
            yield (module, last)
        elif first in source.modules and not aliased and last in self.defined.get(source.module, ()):
            yield (source.module, last)
        elif short == "Stdlib" and last in self.ending.functions:
            yield STDLIB, last
        elif f"{short}.{last}" in self.ending.functions:
            yield STDLIB, f"{short}.{last}"


STDLIB: Final = "Stdlib"


def _words(file: Path) -> frozenset[bytes]:
    try:
        return frozenset(WORD.findall(bytes_of(file)))
    except OSError:
        return frozenset()


def _finding(text: Text, source: Source, use: Use, sure: bool, end: str) -> Finding:
    name = use.name.removeprefix("Stdlib.")
    through = "" if name.rpartition(".")[2] == end.rpartition(".")[2] else f" through {name}"
    if sure:
        message = f"line {use.line} calls {end}{through} when the program starts: it aborts, no exception is raised"
    else:
        message = f"line {use.line} may call {end}{through} when the program starts, where it would abort"
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

"""Which OCaml sources of a closure are read for what runs at start, and what that adds to what objects say.

Sources that are compiled here are all there is of their libraries. Installed libraries have objects, in which calls are
followed; their sources, where they lie beside, tell of functions that are handed on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from mirage_py.audit.closure import Closure, Node
from mirage_py.audit.endings import FUNCTIONS
from mirage_py.audit.fate import Fate
from mirage_py.audit.handing import OF_CHANNELS, STANDARD
from mirage_py.audit.link import STDLIB, Link
from mirage_py.audit.mlunits import Key, Text
from mirage_py.audit.names import ocaml_name, unit_of
from mirage_py.audit.rules import OF_COMPILER, rule_for
from mirage_py.audit.runtime import KNOWN
from mirage_py.audit.sources import Sources
from mirage_py.audit.starting import Reached, Sure, start_findings
from mirage_py.audit.startup import End
from mirage_py.audit.throwing import thrown_in
from mirage_py.audit.waiting import Place, Waiting
from mirage_py.dataclass import replace
from mirage_py.libraries.librarystanza import capital
from mirage_py.model.audit import Finding


def started(
    closure: Closure, texts: Iterable[Text], fate: Fate, sources: Sources, settled: Collection[str] = ()
) -> dict[str, tuple[Finding, ...]]:
    """By library, what its sources say of its start; those of libraries that are `settled` need not be read."""
    sees = closure.behind
    files = Waiting(text for text in texts if text.library not in settled)
    sources.note(*(text.directory for text in files.texts.values()), *(file for _, file in files.files))
    ended = start_findings(files, _seeds(fate.ending, settled), sees, fate.functions, _symbols(fate.ending))
    saved = start_findings(files, _seeds(fate.saved, settled), sees, fate.saved_functions, _symbols(fate.saved))
    stubs = _stubs((*fate.saved, *fate.ending))
    reading = files.meaning(STANDARD)
    ends, saves = _at_start(fate.ending), _at_start(fate.saved)
    thrown = {name: _thrown(files.places[name]) for name in files.places if closure.nodes[name].library.read_as_text}
    return {
        name: (
            *thrown.get(name, ()),
            *_fitting(closure.nodes[name], _told(ended.get(name, ()), fate, stubs), ends, name in reading),
            *(
                instead
                for one in _fitting(closure.nodes[name], saved.get(name, ()), saves, name in reading)
                for instead in fate.gaps.instead(one, stubs.get(one.symbol, ""))
            ),
        )
        for name in ended.keys() | saved.keys() | {name for name, found in thrown.items() if found}
    }


def _thrown(places: Iterable[Place]) -> tuple[Finding, ...]:
    """What the modules of a library raise as they start."""
    return tuple(finding for _, file in places for finding in thrown_in(file))


def _at_start(ends: Iterable[End]) -> frozenset[str]:
    """The libraries of which something ends the program at start."""
    return frozenset(end.by.place.library for end in ends if end.at_start)


def _told(found: Iterable[Finding], fate: Fate, stubs: Mapping[str, str]) -> Iterator[Finding]:
    return (told for one in found for told in fate.told(one, stubs.get(one.symbol, "")))


def _stubs(ends: Iterable[End]) -> Mapping[str, str]:
    """The function of the C library that each function of OCaml comes to."""
    installed = {name: end.stub for end in ends for _, name in _name(end)}
    return {**{name: KNOWN.get(primitive, "") for name, primitive in FUNCTIONS.items()}, **installed}


def texts_of(closure: Closure, link: Link, sources: Sources) -> tuple[Text, ...]:
    """The sources to read, library by library."""
    return tuple(_texts(closure, link, sources))


def _texts(closure: Closure, link: Link, sources: Sources) -> Iterator[Text]:
    for name, node in closure.nodes.items():
        stanza = sources.vendored.stanzas.get(name)
        if name == STDLIB or rule_for(name) is not None or node.library.package in OF_COMPILER or node.library.ppx:
            continue
        if node.library.read_as_text and stanza is not None:
            modules, left_out = stanza.chosen
            yield Text(
                library=name,
                directory=stanza.library.directory,
                modules=modules,
                left_out=left_out,
                below=stanza.spread,
                copies=stanza.written.copies,
                tops=frozenset({capital(stanza.main)}) if stanza.wrapped else None,
            )
        elif link.units.get(name):
            units = link.units[name]
            yield Text(
                library=name,
                directory=stanza.library.directory if stanza is not None else node.library.directory,
                modules=frozenset(unit.rpartition("__")[2] for unit in units),
                tops=frozenset(unit.partition("__")[0] for unit in units),
            )


def _seeds(ends: Iterable[End], settled: Collection[str]) -> Mapping[Key, Reached]:
    """The functions of installed libraries that end the program, by module and name, that what is read may see."""
    return {key: _reached(name, end) for end in ends if end.by.place.library not in settled for key, name in _name(end)}


def _name(end: End) -> Iterator[tuple[Key, str]]:
    """How a program calls a function of an installed library, where it can."""
    if end.by.place.library != STDLIB and end.by.unit and unit_of(end.function):
        module, _, name = ocaml_name(end.function).rpartition(".")
        last = module.rpartition(".")[2]
        if module and not name.startswith("fun") and name != "entry":
            yield Key(end.by.place.library, last, name), f"{last}.{name}"


def _reached(name: str, end: End) -> Reached:
    sure: Sure = "maybe" if end.raises else "sure"
    return Reached(name, sure, not OF_CHANNELS.isdisjoint(end.chain), raises=end.raises)


def _symbols(ends: Iterable[End]) -> Mapping[str, Reached]:
    """The C functions of libraries that end the program; one that raises may be guarded against."""
    return {end.function: _reached(end.function, end) for end in ends if end.by.place.kind == "c"}


def _fitting(node: Node, found: Iterable[Finding], ending: Collection[str], reading: bool) -> Iterator[Finding]:
    """Where there are objects they tell of calls, and the text only of what it cannot be sure of.

    Of libraries that are `ending` at start objects have told already.

    That somebody reads from a channel who names no standard one, as `reading` says, is for the objects to tell.
    """
    if node.library.read_as_text:
        yield from found
    elif node.library.name not in ending:
        yield from (
            replace(one, severity="unsure", message=one.message.replace(" calls ", " may call "))
            for one in found
            if reading or one.symbol not in OF_CHANNELS
        )

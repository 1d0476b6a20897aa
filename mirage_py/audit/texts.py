"""Which OCaml sources of a closure are read for what runs at start, and what that adds to what objects say.

Sources that are compiled here are all there is of their libraries. Installed libraries have objects, in which calls are
followed; their sources, where they lie beside, tell of functions that are handed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mirage_py.audit.closure import Closure, Node
from mirage_py.audit.endings import FUNCTIONS
from mirage_py.audit.fate import Fate
from mirage_py.audit.link import STDLIB, Link
from mirage_py.audit.names import ocaml_name, unit_of
from mirage_py.audit.rules import OF_COMPILER, rule_for
from mirage_py.audit.runtime import KNOWN
from mirage_py.audit.sources import Sources
from mirage_py.audit.starting import Key, Text, start_findings
from mirage_py.audit.startup import End
from mirage_py.libraries.sexp import atoms
from mirage_py.libraries.vendored import Stanza
from mirage_py.model.audit import Finding


def started(closure: Closure, texts: Iterable[Text], fate: Fate) -> dict[str, tuple[Finding, ...]]:
    """By library, what its sources say of its start."""
    texts = tuple(texts)
    ended = start_findings(texts, _seeds(fate.ending), fate.functions)
    saved = start_findings(texts, _seeds(fate.saved), fate.saved_functions)
    stubs = _stubs((*fate.saved, *fate.ending))
    return {
        name: (
            *_fitting(closure.nodes[name], _told(ended.get(name, ()), fate, stubs), fate.ending),
            *(
                instead
                for one in saved.get(name, ())
                if closure.nodes[name].library.read_as_text
                for instead in fate.gaps.instead(one, stubs.get(one.symbol, ""))
            ),
        )
        for name in ended.keys() | saved.keys()
    }


def _told(found: Iterable[Finding], fate: Fate, stubs: Mapping[str, str]) -> Iterator[Finding]:
    return (told for one in found for told in fate.told(one, stubs.get(one.symbol, "")))


def _stubs(ends: Iterable[End]) -> Mapping[str, str]:
    """The function of the C library that each function of OCaml comes to."""
    installed = {name: end.stub for end in ends for _, name in _name(end)}
    return {**{name: KNOWN.get(primitive, "") for name, primitive in FUNCTIONS.items()}, **installed}


def texts_of(closure: Closure, link: Link, sources: Sources) -> tuple[Text, ...]:
    """The sources to read, library by library."""
    texts = tuple(_texts(closure, link, sources))
    for text in texts:
        sources.note(text.directory, *(text.files() if text.directory.is_dir() else ()))
    return texts


def _texts(closure: Closure, link: Link, sources: Sources) -> Iterator[Text]:
    for name, node in closure.nodes.items():
        stanza = sources.vendored.stanzas.get(name)
        if name == STDLIB or rule_for(name) is not None or node.library.package in OF_COMPILER or node.library.ppx:
            continue
        if node.library.read_as_text and stanza is not None:
            yield Text(library=name, directory=stanza.library.directory, modules=_modules(stanza), below=stanza.spread)
        elif link.units.get(name):
            units = frozenset(unit.rpartition("__")[2] for unit in link.units[name])
            directory = stanza.library.directory if stanza is not None else node.library.directory
            yield Text(library=name, directory=directory, modules=units)


def _modules(stanza: Stanza) -> frozenset[str] | None:
    """The modules of a stanza that names them; None for one that takes all of its folder."""
    words = tuple(atoms(stanza.modules))
    if not words or ":standard" in words or "\\" in words:
        return None
    return frozenset(word[:1].upper() + word[1:] for word in words)


def _seeds(ends: Iterable[End]) -> Mapping[Key, str]:
    """The functions of installed libraries that end the program, by module and name."""
    return {key: name for end in ends for key, name in _name(end)}


def _name(end: End) -> Iterator[tuple[Key, str]]:
    """How a program calls a function of an installed library, where it can."""
    if end.by.place.library != STDLIB and end.by.unit and unit_of(end.function):
        module, _, name = ocaml_name(end.function).rpartition(".")
        last = module.rpartition(".")[2]
        if module and not name.startswith("fun") and name != "entry":
            yield (last, name), f"{last}.{name}"


def _fitting(node: Node, found: Iterable[Finding], ends: Iterable[End]) -> Iterator[Finding]:
    """Where there are objects they tell of calls, and the text only of what it cannot be sure of."""
    if node.library.read_as_text:
        yield from found
    elif not any(end.at_start and end.by.place.library == node.library.name for end in ends):
        yield from (
            replace(one, severity="unsure", message=one.message.replace(" calls ", " may call ")) for one in found
        )

"""What the text of vendored libraries refers to and nobody in the closure has.

Three things that a link refuses and that no object tells of before there is one: an `external` whose C function nobody
defines, C that is written for another hypervisor, and values of a module of which only the interface is there (a
`compiler-libs` without the archive that holds it).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.audit.branches import kept
from mirage_py.audit.closure import Closure
from mirage_py.audit.code import Code
from mirage_py.audit.compiled import VendoredCode, defined_in
from mirage_py.audit.elf import Object
from mirage_py.audit.externals import External, externals_in
from mirage_py.audit.hypervisors import at, of_hypervisor
from mirage_py.audit.judge import Judge
from mirage_py.audit.link import NOTHING, Place, Pulled, Want
from mirage_py.audit.mltext import source_of
from mirage_py.audit.mlunits import Text
from mirage_py.audit.sources import Sources
from mirage_py.audit.vendored import C_BLOCK
from mirage_py.libraries.librarystanza import Stanza
from mirage_py.model.audit import Finding
from mirage_py.project.reading import bytes_of, text_of

Findings = dict[str, tuple[Finding, ...]]

C_FILES: Final = (".c", ".h", ".S", ".inc", ".cpp", ".cc")
NAME: Final = re.compile(r"[A-Za-z_]\w*")
BASE: Final = ("mirage-solo5", "mirage-xen", "mirage-unikraft")
"""One of these is in every image, whether or not a library requires it: their C serves everybody."""

OF_BASE: Final = re.compile(r"caml_get_(?:wall_clock|monotonic_time)|mirage_(?:solo5|xen|unikraft)_\w+")


def unbound(
    closure: Closure,
    texts: Iterable[Text],
    codes: Iterable[Code],
    compiled: Mapping[str, VendoredCode],
    judge: Judge,
    sources: Sources,
) -> Findings:
    """By library, what its text refers to and nobody has."""
    held = tuple(codes)
    own = tuple(text for text in texts if closure.nodes[text.library].library.read_as_text)
    if not own:
        return {}
    stanzas = {name: stanza for name in closure.nodes if (stanza := sources.vendored.stanzas.get(name))}
    found: dict[str, list[Finding]] = {}
    for name, finding in _written_for_others(stanzas, compiled, sources):
        found.setdefault(name, []).append(finding)
    if not any(_makes_c(stanza) for stanza in stanzas.values()):
        defined = _defined(closure, held, compiled, sources)
        for name, finding in _externals(own, defined, judge, base=_has_base(sources)):
            found.setdefault(name, []).append(finding)
    for name, finding in _modules(closure, own, held):
        found.setdefault(name, []).append(finding)
    return {name: tuple(dict.fromkeys(findings)) for name, findings in found.items()}


def _makes_c(stanza: Stanza) -> bool:
    """Whether C of a library is only there when it has been built."""
    unseen = (stanza.archives and not any(_c_below(stanza))) or (stanza.unmade and not any(_beside(stanza)))
    return stanza.generated or bool(stanza.objects) or bool(unseen)


def _c_below(stanza: Stanza) -> Iterator[Path]:
    """The C that rules of a library make archives of, in so far as it lies below its folder."""
    if stanza.archives:
        folder = stanza.file.parent
        yield from sorted(file for file in folder.rglob("*") if file.suffix in C_FILES and file.is_file())


def _beside(stanza: Stanza) -> Iterator[Path]:
    """The C in the folder of a library, of which rules may make what it is compiled of."""
    yield from sorted(file for file in stanza.library.directory.iterdir() if file.suffix in C_FILES)


def _written_for_others(
    stanzas: Mapping[str, Stanza], compiled: Mapping[str, VendoredCode], sources: Sources
) -> Iterator[tuple[str, Finding]]:
    """C for one hypervisor, where no object tells it."""
    for name, stanza in stanzas.items():
        files = (*_c_below(stanza), *(() if name in compiled else stanza.stubs))
        sources.note(*files)
        for file in files:
            finding = of_hypervisor(_c_text(file))
            if finding is not None:
                yield name, at(finding, file.parent.name, file.name)
                break


def _c_text(file: Path) -> str:
    """What a C file says to the target, without comments."""
    try:
        return "\n".join(kept(C_BLOCK.sub(" ", text_of(file))))
    except OSError:
        return ""


def _defined(
    closure: Closure, codes: Iterable[Code], compiled: Mapping[str, VendoredCode], sources: Sources
) -> frozenset[str]:
    """The names that the C of the closure may define: those of objects, and all that C says that is only text."""
    names: set[str] = set()
    for code in codes:
        for archive in code.stubs:
            names |= archive.index.keys() if archive.indexed else set(defined_in(code))
    base = [name for name in BASE if name in sources.vendored.stanzas]
    for name in dict.fromkeys((*closure.nodes, *base)):
        stanza = sources.vendored.stanzas.get(name)
        if stanza is not None:
            whole = name in compiled and not compiled[name].findings
            made = _beside(stanza) if stanza.unmade else ()
            files = (*_c_below(stanza), *made, *(() if whole else stanza.stubs))
            sources.note(*files)
            for file in files:
                names |= set(NAME.findall(_c_text(file)))
    return frozenset(names)


def _has_base(sources: Sources) -> bool:
    """Whether the C that is in every image is here to be read."""
    return any(name in sources.vendored.stanzas for name in BASE)


def _externals(
    texts: Iterable[Text], defined: Collection[str], judge: Judge, *, base: bool
) -> Iterator[tuple[str, Finding]]:
    """The externals that a library uses and whose C function is nowhere."""
    for text in texts:
        files = tuple(text.files()) if text.directory.is_dir() else ()
        declared = [(file, one) for file in files for one in externals_in(file) if one.symbol not in defined]
        kept = [(file, one) for file, one in declared if base or not OF_BASE.fullmatch(one.symbol)]
        if not kept:
            continue
        by = Pulled(place=Place(text.library, NOTHING, -1, "ocaml"), object=Object(name="", defined=(), undefined=()))
        known = {one.symbol: one for _, one in kept}
        read = [bytes_of(file) for file in files]
        used = (one for file, one in kept if _is_value(one, file) or _is_used(one, read))
        for one in used:
            yield from ((text.library, finding) for finding in judge.want(Want(one.symbol, by), known))


def _is_value(one: External, file: Path) -> bool:
    """Whether others see it as a value: then the module holds a closure of it, which asks for the C function."""
    try:
        interface = bytes_of(file.with_suffix(".mli"))
    except OSError:
        return file.suffix == ".ml"
    return re.search(rb"\bval\s+" + re.escape(one.name).encode() + rb"\s*:", interface) is not None


def _is_used(one: External, read: Iterable[bytes]) -> bool:
    """Whether a library mentions the name anywhere besides the declaration."""
    if not one.name.isidentifier():
        return True
    mentioned = re.compile(rf'(?<!["\w]){re.escape(one.name)}(?![\w"])'.encode())
    count = 0
    for text in read:
        count += len(mentioned.findall(text)) if one.name.encode() in text else 0
        if count > 1:
            return True
    return False


def _modules(closure: Closure, texts: Iterable[Text], codes: Iterable[Code]) -> Iterator[tuple[str, Finding]]:
    """The modules of which a library uses values, and that are in no archive, though their interface is seen."""
    seen = {unit: name for name, unit in _interfaces(closure)}
    held = {unit.name for code in codes for _, units in code.units for unit in units}
    lacking = {unit.encode(): name for unit, name in seen.items() if unit not in held}
    for text in texts if lacking else ():
        files = tuple(text.files()) if text.directory.is_dir() else ()
        own = {_module_of(file) for file in files}
        for file in files:
            words = set(re.findall(rb"\b[A-Z]\w*", bytes_of(file))) & lacking.keys()
            source = source_of(file) if words - own else None
            used = {use.name.partition(".")[0] for item in source.items for use in item.uses()} if source else set()
            for unit in sorted(words - own):
                if unit.decode() in used:
                    yield text.library, _without_code(unit.decode(), file, lacking[unit])


def _module_of(file: Path) -> bytes:
    stem = file.name.partition(".")[0]
    return (stem[:1].upper() + stem[1:]).encode()


def _interfaces(closure: Closure) -> Iterator[tuple[str, str]]:
    """The units in the folders of the compiler's libraries that come without an archive, each with the library."""
    for name, node in closure.nodes.items():
        library = node.library
        if library.package == "compiler-libs" and not any(path.exists() for path in library.archives):
            names = (file.stem for file in library.directory.glob("*.cmi"))
            yield from ((name, stem[:1].upper() + stem[1:]) for stem in names)


def _without_code(unit: str, file: Path, library: str) -> Finding:
    return Finding(
        rule="unit-missing",
        severity="missing",
        message=f"it uses {unit}, of which {library} has the interface and no code for a native program",
        symbol=unit,
        archive=file.parent.name,
        member=file.name,
        definer="compiler-libs",
        remedy="leave it to the toplevel: a unikernel has none",
    )

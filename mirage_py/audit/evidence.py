"""What is found out about the libraries of one question before a target is looked at: their objects, linked on paper.

Read are the closure and the archives of each library, the target's libc and runtime, and what of them ends a program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from mirage_py.audit.built import c_folders, units_of_text, with_objects
from mirage_py.audit.closure import Closure, closure_of
from mirage_py.audit.code import Code, code_of
from mirage_py.audit.compiled import VendoredCode, compiled_code, defined_in
from mirage_py.audit.externals import External, externals_of
from mirage_py.audit.fate import Fate, fate_of
from mirage_py.audit.gaps import Gaps
from mirage_py.audit.judge import Judge
from mirage_py.audit.libc import RUNTIME, Libc, derive, generation_of, shipped
from mirage_py.audit.link import STDLIB, Link, link
from mirage_py.audit.mlunits import Text
from mirage_py.audit.objects import Compiler, near
from mirage_py.audit.rules import freestanding, rule_of
from mirage_py.audit.runtime import calls_in
from mirage_py.audit.sources import Sources
from mirage_py.audit.texts import texts_of
from mirage_py.audit.unbound import unbound
from mirage_py.dataclass import dataclass, field, replace
from mirage_py.libraries.archives import Archive, Unreadable, read_archive
from mirage_py.libraries.librarystanza import Stanza
from mirage_py.model.audit import (
    AuditRequest,
    Finding,
    Problem,
)
from mirage_py.model.closure import Closure as Served
from mirage_py.model.library import Library

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many of it are done, how many there are."""


UNITS_OF: Final = {"unix": ("Unix", "UnixLabels"), "threads.posix": ("Thread", "Mutex", "Condition", "Event")}


def unwatched(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything found out about one closure, before a target is looked at.

    `starts` is what `texts` say of their starts, once they were read.
    """

    closure: Closure
    codes: tuple[Code, ...]
    externals: dict[str, External]
    link: Link
    libc: Libc
    machine: str
    own: dict[str, tuple[Finding, ...]]
    fate: Fate
    texts: tuple[Text, ...] = ()
    starts: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    unbound: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    toolchain: tuple[Path, ...] = ()
    refused: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = field(default=())


def gather(
    request: AuditRequest, sources: Sources, progress: Progress = unwatched, served: Served | None = None
) -> Evidence:
    """Read the closure and its archives, link on paper, and judge the objects."""
    closure = with_objects(closure_of(request.roots, sources, served), sources, request.built)
    judged = any(map(freestanding, request.targets))  # what the system's own linker finds is no question here
    libc, problems = libc_for(request, sources)
    gaps = Gaps.over(libc, request.gaps)
    compiled = _compiled(request, closure, sources, gaps) if judged else {}
    codes = (*_codes(request, closure, sources, progress), *_stdlib(request, sources)) if judged else ()
    codes = (*(one.code for one in compiled.values()), *codes)
    externals = _externals(closure, codes, sources)
    asked = {name: tuple(sorted({one.symbol for one in found})) for name, found in externals.items()}
    asked |= {name: tuple(defined_in(one.code)) for name, one in compiled.items()}
    linked = link(codes, whole(closure, codes), asked, (STDLIB, *in_link_order(closure)))
    named = {one.symbol: one for found in externals.values() for one in found}
    machine = request.machine or this_machine()
    unbuilt = frozenset(unit for node in closure.nodes.values() for unit in units_of_text(node.library, sources))
    judge = Judge(codes, libc, machine, unix=_need_unix(closure, request.toolchain_folders), unbuilt=unbuilt, gaps=gaps)
    fate = fate_of(linked, calls_in(_runtime(request)), libc, gaps)
    own = judge.findings(linked, named, fate)
    texts = texts_of(closure, linked, sources) if judged else ()
    unread = tuple(problem for code in codes for problem in code.problems)
    return Evidence(
        closure=closure,
        codes=codes,
        externals=named,
        link=linked,
        libc=libc,
        machine=machine,
        own=own,
        fate=fate,
        texts=texts,
        unbound=unbound(closure, texts, codes, compiled, judge, sources),
        toolchain=request.toolchain_folders,
        refused={name: one.findings for name, one in compiled.items()},
        problems=(*closure.loops, *problems, *unread, *linked.problems),
    )


def _need_unix(closure: Closure, toolchain: Iterable[Path]) -> frozenset[str]:
    """The libraries behind which one stands that brings Unix or threads, and of which a rule speaks."""
    folders = tuple(toolchain)
    rules = {name: rule_of(node.library, folders) for name, node in closure.nodes.items()}
    ruled = {name for name, rule in rules.items() if rule is not None and rule.severity == "unix"}
    return frozenset(name for name in closure.nodes if ruled and not ruled.isdisjoint((name, *closure.behind(name))))


def in_link_order(closure: Closure) -> Iterable[str]:
    """The libraries of a closure, each behind what it needs."""
    done: dict[str, None] = {}
    for root in closure.nodes:
        waiting = [(root, iter(closure.requires(root)))] if root not in done else []
        opened = {root}
        while waiting:
            _, needs = waiting[-1]
            fresh = next((need for need in needs if need not in done and need not in opened), None)
            if fresh is None:
                done[waiting.pop()[0]] = None
            else:
                opened.add(fresh)
                waiting.append((fresh, iter(closure.requires(fresh))))
    return done


def _stdlib(request: AuditRequest, sources: Sources) -> tuple[Code, ...]:
    """OCaml's standard library: of the target's compiler where there is one, else the host's, which is the same."""
    folder = next(iter(request.toolchain_folders), sources.findlib.stdlib)
    archive = folder / "stdlib.cmxa"
    if not archive.is_file():
        return ()
    library = Library(name=STDLIB, package=STDLIB, origin="installed", directory=folder, archives=(archive,))
    code = code_of(library)
    sources.note(*code.read)
    return (code,)


def _runtime(request: AuditRequest) -> Archive | None:
    """The target's OCaml runtime, where there is a toolchain."""
    file = next((path for path in request.toolchain_archives if path.name == RUNTIME), None)
    try:
        return read_archive(file) if file is not None else None
    except Unreadable:  # said where its names are read
        return None


def whole(closure: Closure, codes: Iterable[Code]) -> frozenset[str]:
    """The libraries of which every unit counts: the roots, and behind a root without code those that it stands for."""
    reached = dict.fromkeys(name for name, node in closure.nodes.items() if node.root)
    filled = {code.library for code in codes if code.filled}
    for name in (queue := list(reached)):  # grows while it is walked
        fresh = [need for need in closure.requires(name) if need not in reached] if name not in filled else []
        reached |= dict.fromkeys(fresh)
        queue += fresh
    return frozenset(reached)


def this_machine() -> str:
    """The target's machine: this one's."""
    import platform

    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


def _codes(request: AuditRequest, closure: Closure, sources: Sources, progress: Progress) -> Iterable[Code]:
    """The code of every library that is not refused by name already and that runs on the target."""
    folders = dict.fromkeys(node.library.directory for node in closure.nodes.values())
    others = frozenset(name for folder in folders for name in _names_in(folder) if name.endswith(".a"))
    for done, (name, node) in enumerate(closure.nodes.items()):
        progress("reading libraries", done, len(closure.nodes))
        library = node.library
        if rule_of(library, request.toolchain_folders) is None and not library.read_as_text and not library.ppx:
            linkopts = sources.linkopts(name) if request.declared else None
            code = code_of(library, linkopts, others, (*request.toolchain_folders, *c_folders(library, request.built)))
            sources.note(*code.read)
            yield code


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # of a library that has none
        return []


def _compiled(request: AuditRequest, closure: Closure, sources: Sources, gaps: Gaps) -> dict[str, VendoredCode]:
    """The C of the vendored libraries as the target's compiler makes it; nothing where there is none."""
    stanzas = {
        name: stanza
        for name, node in closure.nodes.items()
        if node.library.read_as_text and (stanza := sources.vendored.stanzas.get(name)) and stanza.stubs
    }
    if not request.compiler or not stanzas:
        return {}
    from tempfile import TemporaryDirectory  # 5 ms, which few audits need

    compiler = Compiler(argv=request.compiler, path=request.compiler_path)
    with TemporaryDirectory(prefix="mpy-audit-") as place:
        folder = request.cache / "objects" if request.cache is not None else Path(place)
        found: dict[str, VendoredCode] = {}
        for name, stanza in stanzas.items():
            needs = [closure.nodes[need].library.directory for need in _behind(closure, name)]
            includes = (*_headers(stanza, sources), *needs)
            found[name] = compiled_code(stanza, includes, compiler, folder, gaps)
            sources.note(*near((stanza.library.directory, *includes, *(file.parent for file in stanza.stubs))))
        return found


def _headers(stanza: Stanza, sources: Sources) -> Iterable[Path]:
    """The folders that a stanza names for its headers."""
    for one in stanza.headers:
        if isinstance(one, Path):
            yield one
        elif (library := sources.find(one)) is not None:
            yield library.directory


def _behind(closure: Closure, name: str) -> Iterable[str]:
    """All that a library needs, the nearest first: dune has its C find headers in the folders of them all."""
    found = dict.fromkeys(closure.requires(name))
    queue = list(found)
    for need in queue:  # grows while it is walked
        fresh = [one for one in closure.requires(need) if one not in found and one != name]
        found |= dict.fromkeys(fresh)
        queue += fresh
    return found


def _externals(closure: Closure, codes: Iterable[Code], sources: Sources) -> dict[str, tuple[External, ...]]:
    """The externals of the roots: their users may ask for any of them."""
    found: dict[str, tuple[External, ...]] = {}
    roots = whole(closure, codes)
    for code in codes:
        if code.library in roots and not code.problems:
            directory = closure.nodes[code.library].library.directory
            found[code.library] = externals_of(directory, code.ocaml)
            sources.note(directory)
    return found


def libc_for(request: AuditRequest, sources: Sources) -> tuple[Libc, tuple[Problem, ...]]:
    """The libc of the installed toolchain, or of the table that fits the host's OCaml."""
    archives = request.toolchain_archives
    sources.note(*archives)
    if any(path.name == "libnolibc.a" for path in archives):
        libc, problems = derive(archives)
        if libc.has("abort"):
            threads = any((folder / "caml" / "threads.h").is_file() for folder in request.toolchain_folders)
            return replace(libc, threads_header=threads), problems
    generation = request.generation or generation_of(sources.ocaml_version)
    return shipped(generation, sources.runtime), ()

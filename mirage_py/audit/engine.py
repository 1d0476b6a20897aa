"""`mpy audit`: will it run on this target? Closure, link on paper, judgement, verdicts.

The verdict on a library is the worst of its own findings and of the verdicts on what it needs, so that a root tells at
a glance; `because` leads from it to the library that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from mirage_py.audit import cache
from mirage_py.audit.built import c_folders, units_of_text, with_objects
from mirage_py.audit.closure import Closure, Node, closure_of
from mirage_py.audit.code import Code, code_of
from mirage_py.audit.compiled import VendoredCode, compiled_code, defined_in
from mirage_py.audit.externals import External, externals_of
from mirage_py.audit.fate import fate_of
from mirage_py.audit.gaps import Gaps
from mirage_py.audit.hypervisors import fitting
from mirage_py.audit.judge import Judge
from mirage_py.audit.libc import RUNTIME, Libc, derive, generation_of, shipped
from mirage_py.audit.link import STDLIB, Link, link
from mirage_py.audit.objects import Compiler, near
from mirage_py.audit.rules import UNIKRAFT, WHEN_USED, Rule, freestanding, rule_for, verdict_of, worst_of
from mirage_py.audit.runtime import calls_in
from mirage_py.audit.sources import Sources
from mirage_py.audit.texts import started, texts_of
from mirage_py.audit.tried import finding_of, tried
from mirage_py.audit.unbound import unbound
from mirage_py.libraries.archives import Archive, Unreadable, read_archive
from mirage_py.libraries.vendored import Stanza
from mirage_py.model.allow import Allow
from mirage_py.model.audit import (
    SEVERITIES,
    VERDICT_WORDS,
    AuditReport,
    AuditRequest,
    Finding,
    LibraryAudit,
    Problem,
    Root,
)
from mirage_py.model.closure import Closure as Served
from mirage_py.model.library import Library

if TYPE_CHECKING:
    from mirage_py.audit.opam import Metadata, Packages

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many of it are done, how many there are."""


def audit(
    request: AuditRequest,
    progress: Progress | None = None,
    *,
    served: Served | None = None,
    metadata: Callable[[], Metadata] | None = None,
) -> AuditReport:
    """The verdicts on every library that the request reaches; from the cache when nothing it read has changed.

    `served` is the closure of the plan that the request is about. `metadata` describes packages, and is asked where a
    library is not here.
    """
    known = cache.recall(request, served)
    if known is not None:
        return known
    sources = _sources(request)
    evidence = gather(request, sources, progress or _silent, served)
    packages = _packages(request, evidence, sources, metadata)
    report = _audit(request, evidence, sources, packages)
    cache.remember(request, served, report, sources.read)
    return report


def _sources(request: AuditRequest) -> Sources:
    return Sources(request.path, request.vendored, bare=any(map(freestanding, request.targets)), own=request.own)


def _packages(
    request: AuditRequest, evidence: Evidence, sources: Sources, metadata: Callable[[], Metadata] | None
) -> Packages | None:
    """What judges packages that are not here; None where all are."""
    names = [*(one.name for one in evidence.closure.absent), *(root.library for root in request.opam)]
    if not names:
        return None
    from mirage_py.audit.opam import Metadata, Packages

    described = (metadata() if metadata else Metadata()).beside(request)
    sources.note(*described.read)
    return Packages(names, described, sources.ocaml_version)


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything found out about one closure, before a target is looked at."""

    closure: Closure
    codes: tuple[Code, ...]
    externals: dict[str, External]
    link: Link
    libc: Libc
    machine: str
    own: dict[str, tuple[Finding, ...]]
    starts: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    unbound: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    toolchain: tuple[Path, ...] = ()
    refused: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = field(default=())


def _audit(request: AuditRequest, evidence: Evidence, sources: Sources, packages: Packages | None) -> AuditReport:
    libraries = tuple(
        row
        for target in request.targets
        for row in (
            *judge_target(evidence, target, request.allow, sources, packages),
            *_elsewhere(request, evidence, target, packages),
        )
    )
    unknown = tuple(_unknown(request, evidence, packages))
    problems = dict.fromkeys((*unknown, *evidence.problems, *sources.problems))
    return AuditReport(
        libraries=libraries,
        problems=tuple(problems),
        targets=request.targets,
        libc=evidence.libc.name if any(map(freestanding, request.targets)) else "",
        fail_on=request.fail_on,
    )


def _elsewhere(
    request: AuditRequest, evidence: Evidence, target: str, packages: Packages | None
) -> Iterable[LibraryAudit]:
    """The verdicts on what is not here, by what is known of its package."""
    if packages is None:
        return
    for absent in evidence.closure.absent:
        if absent.root and absent.reason is None and packages.known(absent.name):
            row = packages.row(Root(library=absent.name, asked_by=absent.asked_by), target)
            yield _allowed(row, request.allow)
    for root in request.opam:
        if packages.known(root.library):
            yield _allowed(packages.row(root, target), request.allow)


def _allowed(row: LibraryAudit, allow: tuple[Allow, ...]) -> LibraryAudit:
    reason = next((one.reason for one in allow if one.covers(row.library, row.target)), None)
    return replace(row, allowed=reason)


def _unknown(request: AuditRequest, evidence: Evidence, packages: Packages | None) -> Iterable[Problem]:
    """What is not here, and of which nothing is known either."""
    for absent in evidence.closure.absent:
        if absent.reason is not None or packages is None or not packages.known(absent.name):
            yield absent.problem
    for root in request.opam:
        if packages is not None and not packages.known(root.library):
            yield packages.problem(root)


def gather(
    request: AuditRequest, sources: Sources, progress: Progress = _silent, served: Served | None = None
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
    judge = Judge(codes, libc, machine, unix=not closure.nodes.keys().isdisjoint(UNITS_OF), unbuilt=unbuilt, gaps=gaps)
    fate = fate_of(linked, calls_in(_runtime(request)), libc, gaps)
    own = judge.findings(linked, named, fate)
    texts = texts_of(closure, linked, sources) if judged else ()
    starts = started(closure, texts, fate)
    unread = tuple(problem for code in codes for problem in code.problems)
    return Evidence(
        closure=closure,
        codes=codes,
        externals=named,
        link=linked,
        libc=libc,
        machine=machine,
        own=own,
        starts=starts,
        unbound=unbound(closure, texts, codes, compiled, judge, sources),
        toolchain=request.toolchain_folders,
        refused={name: one.findings for name, one in compiled.items()},
        problems=(*closure.loops, *problems, *unread, *linked.problems),
    )


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
    filled = {code.library for code in codes if code.units or code.ocaml}
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
    others = tuple(dict.fromkeys(node.library.directory for node in closure.nodes.values()))
    for done, (name, node) in enumerate(closure.nodes.items()):
        progress("reading libraries", done, len(closure.nodes))
        library = node.library
        if rule_for(name) is None and not library.read_as_text and not library.ppx:
            linkopts = sources.linkopts(name) if request.declared else None
            code = code_of(library, linkopts, others, (*request.toolchain_folders, *c_folders(library, request.built)))
            sources.note(*code.read)
            yield code


def _compiled(request: AuditRequest, closure: Closure, sources: Sources, gaps: Gaps) -> dict[str, VendoredCode]:
    """The C of the vendored libraries as the target's compiler makes it; nothing where there is none."""
    stanzas = {
        name: stanza
        for name, node in closure.nodes.items()
        if node.library.read_as_text and (stanza := sources.vendored.stanzas.get(name)) and stanza.stubs
    }
    if not request.compiler or not stanzas:
        return {}
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


def judge_target(
    evidence: Evidence, target: str, allow: tuple[Allow, ...], sources: Sources, packages: Packages | None = None
) -> Iterable[LibraryAudit]:
    """The verdict on every library of the closure for one target, roots first, then as they were reached."""
    own = {name: _own(node, evidence, target, sources, packages) for name, node in evidence.closure.nodes.items()}
    allowed = {name: entry.reason for name in own for entry in allow if entry.covers(name, target)}
    because = _culprits(evidence.closure, {name: () if name in allowed else found for name, found in own.items()})
    for name, node in evidence.closure.nodes.items():
        chain = because.get(name, (name,))
        decisive = own[name] if name in allowed else own[chain[-1]]
        yield LibraryAudit(
            library=name,
            target=target,
            verdict=verdict_of(decisive),
            version=node.library.version,
            origin=node.library.origin,
            root=node.root,
            path=node.path,
            asked_by=node.asked_by,
            because=chain[1:] and chain,
            findings=own[name],
            allowed=allowed.get(name),
            sources=_basis(node),
        )


def _own(
    node: Node, evidence: Evidence, target: str, sources: Sources, packages: Packages | None
) -> tuple[Finding, ...]:
    """A library's own findings on a target."""
    name = node.library.name
    absent = tuple(_absent(need, target, packages) for need in node.missing if rule_for(need) is None)
    if not freestanding(target):
        return absent
    rule = _rule(node, evidence)
    if rule is not None:
        message = f"{name} {WHAT.get(rule.severity, 'cannot be')} in a unikernel: {rule.why}{_use(name, evidence)}"
        return (Finding(rule="forbidden", severity=rule.severity, message=message, remedy=rule.remedy),)
    found = (*evidence.own.get(name, ()), *evidence.unbound.get(name, ()), *evidence.starts.get(name, ()))
    if node.library.read_as_text:
        found = (*sources.findings(name, evidence.libc, evidence.refused.get(name)), *found)
        found = (*_as_tried(found, node, target, sources), *_without_tools(node, sources))
    return (*absent, *_for_target(found, target), *_host_only(node))


def _without_tools(node: Node, sources: Sources) -> Iterable[Finding]:
    """The preprocessors of a library that are not here: nobody can tell what it becomes."""
    stanza = sources.vendored.stanzas.get(node.library.name)
    for name in stanza.ppxs if stanza is not None else ():
        if sources.find(name) is None:
            message = f"{name}, which preprocesses it, is not here"
            yield Finding(
                rule="library-missing", severity="unsure", message=message, symbol=name, remedy=f"install {name}"
            )


ONLY_WHEN_BUILT: Final = ("foreign-archive", "does-not-compile", "ctypes", "compiler-support")
"""What cannot be sure before the rules of a library have made its C, or the flags of it."""


def _as_tried(found: tuple[Finding, ...], node: Node, target: str, sources: Sources) -> Iterable[Finding]:
    """The findings; where only building tells, what became of this library when it was built and run."""
    open_ = any(one.severity == "unsure" and one.rule in ONLY_WHEN_BUILT for one in found)
    library = node.library
    row = tried(library.name, target, version=library.version, ocaml=sources.ocaml_version) if open_ else None
    if row is None or row.verdict != "runs":
        yield from found
        return
    yield from (
        replace(one, severity="note") if one.severity == "unsure" and one.rule in ONLY_WHEN_BUILT else one
        for one in found
    )
    yield finding_of(row)


WHAT: Final = {"noop": "does nothing", "aborts": "does not start"}


def _rule(node: Node, evidence: Evidence) -> Rule | None:
    """What is known against a library by its name, or because a unit of it is linked.

    What the target's own toolchain brings under such a name (an empty `threads`) is not what the name means elsewhere.
    """
    name = node.library.name
    if evidence.link.units.get(name) and name in WHEN_USED:
        return WHEN_USED[name]
    meta = node.library.meta or node.library.directory
    return None if any(meta.is_relative_to(place) for place in evidence.toolchain) else rule_for(name)


def _absent(need: str, target: str, packages: Packages | None) -> Finding:
    """A library that is not here: as sure as what is known of its package."""
    row = packages.row(Root(library=need), target) if packages is not None and packages.known(need) else None
    first = row.findings[0] if row is not None and row.findings else None
    severity = max("unsure", worst_of(row.findings) if row is not None else "unsure", key=SEVERITIES.index)
    return Finding(
        rule="library-missing",
        severity=severity,
        message=f"{need} is not here" + (f"; {VERDICT_WORDS[row.verdict]}: {first.message}" if row and first else ""),
        symbol=need,
        remedy=f"install or vendor {need}: the rest is known" if severity == "unsure" else "",
    )


def _host_only(node: Node) -> tuple[Finding, ...]:
    if not node.library.ppx:
        return ()
    message = "a preprocessor: it runs on the host while the unikernel is compiled"
    return (Finding(rule="host-only", severity="note", message=message),)


def _for_target(findings: tuple[Finding, ...], target: str) -> tuple[Finding, ...]:
    """What holds there: C for its own hypervisor is fine, and Unikraft has another libc (musl) than the others."""
    found = fitting(findings, target)
    if target not in UNIKRAFT:
        return found
    return tuple(_unsure(one) if one.rule.startswith("libc-") else one for one in found)


def _unsure(finding: Finding) -> Finding:
    message = f"{finding.message}; unikraft's libc is another one, which mpy has no table of"
    return replace(finding, severity="unsure", message=message)


UNITS_OF: Final = {"unix": ("Unix", "UnixLabels"), "threads.posix": ("Thread", "Mutex", "Condition", "Event")}


def _use(name: str, evidence: Evidence) -> str:
    """Who uses a forbidden library's units, or that nobody does."""
    units = UNITS_OF.get(name)
    if units is None:
        return ""
    for absent in evidence.link.absent:
        if absent.unit in units:
            return f"; {absent.library} uses {absent.unit} (in its module {absent.by})"
    return "; it is required, but no object that would be linked uses it" if evidence.codes else ""


def _culprits(closure: Closure, own: dict[str, tuple[Finding, ...]]) -> dict[str, tuple[str, ...]]:
    """For each library, the shortest chain to the worst library it needs, itself included.

    One walk for each severity, from the guilty ones up to those who need them, worst first: linear in the closure.
    """
    asked_by: dict[str, list[str]] = {}
    for name in closure.nodes:
        for need in closure.requires(name):
            asked_by.setdefault(need, []).append(name)
    chains: dict[str, tuple[str, ...]] = {}
    for severity in reversed(SEVERITIES[2:]):
        guilty = [name for name in closure.nodes if worst_of(own[name]) == severity]
        _spread(guilty, asked_by, chains)
    return chains


def _spread(guilty: list[str], asked_by: dict[str, list[str]], chains: dict[str, tuple[str, ...]]) -> None:
    fresh = [name for name in guilty if name not in chains]
    chains |= {name: (name,) for name in fresh}
    for name in fresh:  # grows while it is walked: breadth first
        for asker in asked_by.get(name, ()):
            if asker not in chains:
                chains[asker] = (asker, *chains[name])
                fresh.append(asker)


def _basis(node: Node) -> tuple[str, ...]:
    """What the verdict on a library rests on."""
    if rule_for(node.library.name) or node.library.ppx:
        return ("its name",)
    if node.library.compiled_here:
        return ("dune files", "archives" if node.library.archives else "sources")
    return ("META", "archives") if node.library.archives else ("META",)

"""`mpy audit`: will it run on this target? Closure, link on paper, judgement, verdicts.

The verdict on a library is the worst of its own findings and of the verdicts on what it needs, so that a root tells at
a glance; `because` leads from it to the library that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from mirage_py.audit import cache
from mirage_py.audit.closure import Closure, Node, closure_of
from mirage_py.audit.code import Code, code_of
from mirage_py.audit.externals import External, externals_of
from mirage_py.audit.judge import Judge
from mirage_py.audit.libc import Libc, derive, generation_of, shipped
from mirage_py.audit.link import Link, link
from mirage_py.audit.rules import UNIKRAFT, freestanding, rule_for, verdict_of, worst_of
from mirage_py.audit.sources import Sources
from mirage_py.model.allow import Allow
from mirage_py.model.audit import (
    SEVERITIES,
    AuditReport,
    AuditRequest,
    Finding,
    LibraryAudit,
    Problem,
)

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many of it are done, how many there are."""


def audit(request: AuditRequest, progress: Progress | None = None) -> AuditReport:
    """The verdicts on every library that the request reaches; from the cache when nothing it read has changed."""
    known = cache.recall(request)
    if known is not None:
        return known
    sources = Sources(request.path, request.vendored)
    if request.opam:
        from mirage_py.audit.opam import audit_opam

        opam = audit_opam(request)
    else:
        opam = AuditReport(libraries=())
    report = _audit(request, sources, progress or _silent)
    whole = replace(report, libraries=report.libraries + opam.libraries, problems=report.problems + opam.problems)
    cache.remember(request, whole, sources.read)
    return whole


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
    problems: tuple[Problem, ...] = field(default=())


def _audit(request: AuditRequest, sources: Sources, progress: Progress) -> AuditReport:
    evidence = gather(request, sources, progress)
    libraries = tuple(
        verdict for target in request.targets for verdict in judge_target(evidence, target, request.allow, sources)
    )
    problems = dict.fromkeys((*evidence.problems, *sources.problems))
    return AuditReport(
        libraries=libraries,
        problems=tuple(problems),
        targets=request.targets,
        libc=evidence.libc.name,
        fail_on=request.fail_on,
    )


def gather(request: AuditRequest, sources: Sources, progress: Progress = _silent) -> Evidence:
    """Read the closure and its archives, link on paper, and judge the objects."""
    closure = closure_of(request.roots, sources)
    codes = tuple(_codes(request, closure, sources, progress))
    externals = _externals(closure, codes, sources)
    asked = {name: tuple(sorted({one.symbol for one in found})) for name, found in externals.items()}
    linked = link(codes, whole(closure), asked)
    libc, problems = libc_for(request, sources)
    named = {one.symbol: one for found in externals.values() for one in found}
    machine = request.machine or this_machine()
    judge = Judge(codes, libc, machine, unix=not closure.nodes.keys().isdisjoint(UNITS_OF))
    own = judge.findings(linked, named)
    unread = tuple(problem for code in codes for problem in code.problems)
    return Evidence(
        closure=closure,
        codes=codes,
        externals=named,
        link=linked,
        libc=libc,
        machine=machine,
        own=own,
        problems=(*closure.problems, *problems, *unread, *linked.problems),
    )


def whole(closure: Closure) -> frozenset[str]:
    """The libraries of which every unit counts: the roots, and behind a root without code those that it stands for."""
    names = [name for name, node in closure.nodes.items() if node.root]
    for name in names:  # grows while it is walked
        if not closure.nodes[name].library.archives:
            names += [need for need in closure.requires(name) if need not in names]
    return frozenset(names)


def this_machine() -> str:
    """The target's machine: this one's."""
    import platform

    return {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())


def _codes(request: AuditRequest, closure: Closure, sources: Sources, progress: Progress) -> Iterable[Code]:
    """The code of every library that is not refused by name already and that runs on the target."""
    others = tuple(dict.fromkeys(node.library.directory for node in closure.nodes.values()))
    for done, (name, node) in enumerate(closure.nodes.items()):
        progress("reading libraries", done, len(closure.nodes))
        if rule_for(name) is None and node.library.origin != "vendored" and not node.library.ppx:
            linkopts = sources.linkopts(name) if request.declared else None
            code = code_of(node.library, linkopts, others, request.toolchain_folders)
            sources.note(*code.read)
            yield code


def _externals(closure: Closure, codes: Iterable[Code], sources: Sources) -> dict[str, tuple[External, ...]]:
    """The externals of the roots: their users may ask for any of them."""
    found: dict[str, tuple[External, ...]] = {}
    roots = whole(closure)
    for code in codes:
        node = closure.nodes[code.library]
        if code.library in roots and not code.problems:
            found[code.library] = externals_of(node.library.directory, code.ocaml)
            sources.note(node.library.directory)
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


def judge_target(evidence: Evidence, target: str, allow: tuple[Allow, ...], sources: Sources) -> Iterable[LibraryAudit]:
    """The verdict on every library of the closure for one target, roots first, then as they were reached."""
    own = {name: _own(node, evidence, target, sources) for name, node in evidence.closure.nodes.items()}
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


def _own(node: Node, evidence: Evidence, target: str, sources: Sources) -> tuple[Finding, ...]:
    """A library's own findings on a target."""
    name = node.library.name
    absent = tuple(_absent(need) for need in node.missing)
    if not freestanding(target):
        return absent
    rule = rule_for(name)
    if rule is not None:
        what = "does nothing" if rule.severity == "noop" else "cannot be"
        message = f"{name} {what} in a unikernel: {rule.why}{_use(name, evidence)}"
        return (Finding(rule="forbidden", severity=rule.severity, message=message, remedy=rule.remedy),)
    found = evidence.own.get(name, ()) if node.library.origin != "vendored" else sources.findings(name, evidence.libc)
    return (*absent, *_for_target(found, target), *_host_only(node))


def _absent(need: str) -> Finding:
    return Finding(
        rule="library-missing",
        severity="missing",
        message=f"it requires {need}, which is not here",
        remedy=f"install or vendor {need}",
    )


def _host_only(node: Node) -> tuple[Finding, ...]:
    if not node.library.ppx:
        return ()
    message = "a preprocessor: it runs on the host while the unikernel is compiled"
    return (Finding(rule="host-only", severity="note", message=message),)


def _for_target(findings: tuple[Finding, ...], target: str) -> tuple[Finding, ...]:
    """Unikraft has another libc (musl): what was said about nolibc does not hold there."""
    if target not in UNIKRAFT:
        return findings
    return tuple(_unsure(one) if one.rule.startswith("libc-") else one for one in findings)


def _unsure(finding: Finding) -> Finding:
    message = f"{finding.message}; unikraft's libc is another one, which mpy has no table of"
    return replace(finding, severity="unsure", message=message)


UNITS_OF: Final = {"unix": ("Unix", "UnixLabels"), "threads.posix": ("Thread", "Mutex", "Condition", "Event")}


def _use(name: str, evidence: Evidence) -> str:
    """Who uses a forbidden library's units, or that nobody does."""
    units = UNITS_OF.get(name)
    if units is None:
        return ""
    prefixes = tuple(f"caml{unit}" for unit in units)
    users = (want for want in evidence.link.wants if want.symbol.startswith(prefixes))
    for symbol, by in users:
        return f"; {by.place.archive.path.name}({by.object.name}) asks for {symbol}"
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
    if node.library.origin == "vendored":
        return ("dune files", "sources")
    return ("META", "archives") if node.library.archives else ("META",)

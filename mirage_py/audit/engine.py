"""`mpy audit`: will it run on this target? What was found out, judged for each target, as verdicts.

The verdict on a library is the worst of its own findings and of the verdicts on what it needs, so that a root tells at
a glance; `because` leads from it to the library that decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from mirage_py.audit import cache
from mirage_py.audit.closure import Absent, Closure, Node
from mirage_py.audit.evidence import UNITS_OF, Evidence, Progress, gather, unwatched
from mirage_py.audit.hypervisors import fitting
from mirage_py.audit.rules import UNIKRAFT, WHEN_USED, Rule, freestanding, rule_for, rule_of, verdict_of, worst_of
from mirage_py.audit.sources import Sources
from mirage_py.audit.texts import started
from mirage_py.audit.tried import Tried, finding_of, tried
from mirage_py.dataclass import replace
from mirage_py.model.allow import Allow
from mirage_py.model.audit import (
    OTHER_VERSION,
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

if TYPE_CHECKING:
    from mirage_py.audit.opam import Metadata, Packages


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
    sources = Sources.of(request)
    evidence = gather(request, sources, progress or unwatched, served)
    packages = _packages(request, evidence, sources, metadata)
    report = _audit(request, with_starts(request, evidence, sources, packages), sources, packages)
    cache.remember(request, served, report, sources.read)
    return report


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
    bounds = {one.name.partition(".")[0]: one.bounds for one in evidence.closure.absent}
    return Packages(names, described, sources.ocaml_version, bounds)


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
            yield _allowed(replace(row, findings=(*row.findings, *_misfit(absent))), request.allow)
    for root in request.opam:
        if packages.known(root.library):
            yield _allowed(packages.row(root, target), request.allow)


def _misfit(absent: Absent) -> Iterator[Finding]:
    """What is here of it, and was not judged."""
    if absent.misfit:
        yield Finding(rule=OTHER_VERSION, severity="note", message=absent.misfit, remedy="mpy lock && mpy pull")


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


def with_starts(request: AuditRequest, evidence: Evidence, sources: Sources, packages: Packages | None) -> Evidence:
    """The evidence with what sources say of starts, where that can still decide something.

    Of an installed library its sources tell nothing worse than "unsure". So they need not be read where its objects, or
    those behind it, say worse on every target, unless a library is judged by its text that may call something of it.
    """
    targets = [target for target in request.targets if freestanding(target)]
    if not targets:
        return evidence
    blocked = [_blocked(evidence, target, request.allow, sources, packages) for target in targets]
    behind = evidence.closure.behind
    excused = {name for name in evidence.closure.nodes for one in request.allow if one.library == name}
    by_text = {name for name, node in evidence.closure.nodes.items() if node.library.read_as_text or name in excused}
    settled = frozenset.intersection(*blocked).difference(by_text, *map(behind, by_text))
    starts = started(evidence.closure, evidence.texts, evidence.fate, sources, settled)
    return replace(evidence, starts=starts)


def _blocked(
    evidence: Evidence, target: str, allow: tuple[Allow, ...], sources: Sources, packages: Packages | None
) -> frozenset[str]:
    """The libraries of which worse is known on a target than that it is unsure."""
    own, _, because = _findings(evidence, target, allow, sources, packages)
    worst = {name: worst_of(found) for name, found in own.items()}
    unsure = SEVERITIES.index("unsure")
    return frozenset(name for name, chain in because.items() if SEVERITIES.index(worst[chain[-1]]) > unsure)


def judge_target(
    evidence: Evidence, target: str, allow: tuple[Allow, ...], sources: Sources, packages: Packages | None = None
) -> Iterable[LibraryAudit]:
    """The verdict on every library of the closure for one target, roots first, then as they were reached."""
    own, allowed, because = _findings(evidence, target, allow, sources, packages)
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
            sources=_basis(node, evidence),
        )


def _findings(
    evidence: Evidence, target: str, allow: tuple[Allow, ...], sources: Sources, packages: Packages | None
) -> tuple[dict[str, tuple[Finding, ...]], dict[str, str], dict[str, tuple[str, ...]]]:
    """By library: what is found of it, the reason why it is allowed, and the chain to the one that decides."""
    own = {name: _own(node, evidence, target, sources, packages) for name, node in evidence.closure.nodes.items()}
    allowed = {name: entry.reason for name in own for entry in allow if entry.covers(name, target)}
    because = _culprits(evidence.closure, {name: () if name in allowed else found for name, found in own.items()})
    return own, allowed, because


def _own(
    node: Node, evidence: Evidence, target: str, sources: Sources, packages: Packages | None
) -> tuple[Finding, ...]:
    """A library's own findings on a target."""
    name = node.library.name
    lacking = (evidence.closure.lacking[need] for need in node.missing if rule_for(need) is None)
    absent = tuple(_absent(one, target, packages) for one in lacking)
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
    found = tuple(_as_started(found, node, target, sources))
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


ONLY_WHEN_BUILT: Final = ("foreign-archive", "does-not-compile", "ctypes", "compiler-support", "made-module")
"""What cannot be sure before the rules of a library have made its C, the flags of it, or its modules."""


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


AT_START: Final = ("boot-abort-text", "boot-raise")
"""What may happen while a module starts, of which "unsure" says that nobody saw it start."""


def _as_started(found: tuple[Finding, ...], node: Node, target: str, sources: Sources) -> Iterable[Finding]:
    """The findings; where the library was run in this very version, on an OCaml of this generation, it did start."""
    open_ = [one for one in found if one.severity == "unsure" and one.rule in AT_START]
    version, ocaml = node.library.version, sources.ocaml_version
    row = tried(node.library.name, target, version=version, ocaml=ocaml) if open_ and version and ocaml else None
    if row is None or row.verdict != "runs" or not _alike(row, version, ocaml):
        return found
    return (*(replace(one, severity="note") if one in open_ else one for one in found), finding_of(row))


def _alike(row: Tried, version: str | None, ocaml: str | None) -> bool:
    """Whether a row is of exactly this version, and of an OCaml whose runtime ends programs in the same places."""
    return row.version == version and row.ocaml.partition(".")[0] == (ocaml or "").partition(".")[0]


WHAT: Final = {"noop": "does nothing", "aborts": "does not start"}


def _rule(node: Node, evidence: Evidence) -> Rule | None:
    """What is known against a library by its name, or because a unit of it is linked."""
    name = node.library.name
    if evidence.link.units.get(name) and name in WHEN_USED:
        return WHEN_USED[name]
    return rule_of(node.library, evidence.toolchain)


def _absent(absent: Absent, target: str, packages: Packages | None) -> Finding:
    """A library that is not here: as sure as what is known of its package."""
    need = absent.name
    row = packages.row(Root(library=need), target) if packages is not None and packages.known(need) else None
    first = row.findings[0] if row is not None and row.findings else None
    severity = max("unsure", worst_of(row.findings) if row is not None else "unsure", key=SEVERITIES.index)
    return Finding(
        rule="library-missing",
        severity=severity,
        message=absent.absence + (f"; {VERDICT_WORDS[row.verdict]}: {first.message}" if row and first else ""),
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


def _basis(node: Node, evidence: Evidence) -> tuple[str, ...]:
    """What the verdict on a library rests on."""
    if rule_of(node.library, evidence.toolchain) or node.library.ppx:
        return ("its name",)
    if node.library.compiled_here:
        return ("dune files", "archives" if node.library.archives else "sources")
    return ("META", "archives") if node.library.archives else ("META",)

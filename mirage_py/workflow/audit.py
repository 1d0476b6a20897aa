"""The audit of a configuration, of named libraries, and of a link that failed: what they ask of `mirage_py.audit`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from mirage_py.audit import audit as judge, explain_undefined, read_linker, with_toolchain
from mirage_py.audit.opam import Metadata
from mirage_py.audit.rules import UNIX, freestanding
from mirage_py.build.making import BUILD
from mirage_py.dataclass import replace
from mirage_py.errors import MpyError
from mirage_py.libraries.bundled import bundled_packages
from mirage_py.libraries.findlib import Findlib, findlib_for
from mirage_py.model.allow import Allow
from mirage_py.model.audit import (
    DEFAULT_FAIL_ON,
    OWN_C,
    AuditReport,
    AuditRequest,
    BuildFolder,
    Explanation,
    FailOn,
    OwnC,
    Root,
)
from mirage_py.model.closure import Closure
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.project.folders import VENDORED, dune_root
from mirage_py.targets import family
from mirage_py.toolchain.discover import discover, discover_host, from_environment
from mirage_py.workflow.closures import closures_for
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolve_all


def audit(
    request: Request,
    *,
    libraries: tuple[str, ...] = (),
    opam: tuple[str, ...] = (),
    fail_on: tuple[FailOn, ...] | None = None,
) -> AuditReport:
    """Will it run? The verdicts on the configuration here, or on the libraries and opam packages that are named."""
    if libraries or opam:
        targets = request.targets or ("hvt",)
        return audit_libraries(request.folder, libraries, targets, opam=opam, fail_on=fail_on)
    return merged(
        audit_plan(request.folder, one.plan, allow=one.config.allowed, fail_on=fail_on) for one in resolve_all(request)
    )


def audit_plan(
    folder: Path, plan: Plan, *, allow: tuple[Allow, ...] = (), fail_on: tuple[FailOn, ...] | None = None
) -> AuditReport:
    """The verdicts on all that one plan links."""
    toolchain = toolchain_or_none(plan.target)
    closure = closures_for(folder, (plan,), {plan.target: toolchain})[plan.label]
    request = _request_for(folder, plan, toolchain, closure, allow=allow, fail_on=fail_on)
    return judge(_with_own_c(request, folder, plan), served=closure, metadata=lambda: metadata_of(folder))


def audit_libraries(
    folder: Path,
    names: Iterable[str],
    targets: tuple[str, ...],
    *,
    opam: Iterable[str] = (),
    allow: tuple[Allow, ...] = (),
    fail_on: tuple[FailOn, ...] | None = None,
) -> AuditReport:
    """The verdicts on libraries by name, installed or vendored, and on opam packages from their metadata alone."""
    asked = AuditRequest(
        roots=tuple(Root(library=name) for name in names),
        opam=tuple(Root(library=name) for name in opam),
        opam_repositories=opam_repositories(),
        vendored=_vendored_folders(folder),
        allow=allow,
        fail_on=DEFAULT_FAIL_ON if fail_on is None else fail_on,
        cache=cache_folder(),
    )
    host = Findlib.discover()
    reports = [
        judge(
            replace(_equipped(asked, toolchain, host), targets=alike, built=_built(folder, family(alike[0]).CONTEXT)),
            metadata=lambda: metadata_of(folder),
        )
        for alike, toolchain in _by_toolchain(targets, host)
    ]
    return in_order(merged(reports), targets)


def _by_toolchain(targets: tuple[str, ...], host: Findlib) -> Iterable[tuple[tuple[str, ...], Toolchain | None]]:
    """The targets with their toolchains, those put together that have one libc and one runtime."""
    groups: dict[object, list[str]] = {}
    found: dict[object, Toolchain | None] = {}
    for target in sorted(dict.fromkeys(targets)):  # the answer must not depend on who was named first
        toolchain = _own(target, toolchain_or_none(target), host)
        key = (toolchain.generation, toolchain.stdlib, toolchain.runtime) if toolchain else target in UNIX
        groups.setdefault(key, []).append(target)
        found.setdefault(key, toolchain)
    return tuple((tuple(alike), found[key]) for key, alike in groups.items())


def _own(target: str, toolchain: Toolchain | None, host: Findlib) -> Toolchain | None:
    """The toolchain, where it is the target's own: the host's libc and runtime say nothing of an image without one."""
    of_host = toolchain is not None and not toolchain.freestanding and toolchain.stdlib == host.stdlib
    return None if of_host and freestanding(target) else toolchain


def _equipped(request: AuditRequest, toolchain: Toolchain | None, host: Findlib) -> AuditRequest:
    """The question with what a toolchain says to it."""
    if toolchain is None:
        return replace(request, path=host.path)
    return with_toolchain(replace(request, path=findlib_for(toolchain, host).path), toolchain)


def in_order(report: AuditReport, targets: tuple[str, ...]) -> AuditReport:
    """The report with its targets as they were asked for."""
    wanted = tuple(dict.fromkeys(targets))
    libraries = tuple(row for target in wanted for row in report.libraries if row.target == target)
    return replace(report, libraries=libraries, targets=wanted)


def explain_link(
    folder: Path, plan: Plan, toolchain: Toolchain, closure: Closure, text: str, own: Collection[str] = ()
) -> tuple[Explanation, ...]:
    """What is behind the undefined symbols that a linker printed, `own` by the user's code; nothing where none are."""
    undefined = read_linker(text)
    request = _request_for(folder, plan, toolchain, closure)
    return explain_undefined(undefined, request, closure, own) if undefined else ()


def merged(reports: Iterable[AuditReport]) -> AuditReport:
    """Several reports as one."""
    first, *others = reports
    return replace(
        first,
        libraries=tuple(library for report in (first, *others) for library in report.libraries),
        problems=tuple(dict.fromkeys(problem for report in (first, *others) for problem in report.problems)),
        targets=tuple(dict.fromkeys(target for report in (first, *others) for target in report.targets)),
        libc=next((report.libc for report in (first, *others) if report.libc), ""),
    )


def toolchain_or_none(target: str) -> Toolchain | None:
    """The target's toolchain where this machine has one: the audit has tables for the others."""
    choice = from_environment(ToolchainChoice())
    try:
        return discover(target, choice, discover_host(choice))
    except MpyError:
        return None


def metadata_of(folder: Path) -> Metadata:
    """What describes packages here without a connection: the lock, and the repositories that were read once.

    Raises `LockError` for a lock that is damaged.
    """
    from mirage_py.doors import memory
    from mirage_py.doors.network import Network
    from mirage_py.packages.linked import Source
    from mirage_py.packages.lock import FILE
    from mirage_py.packages.lock_file import read_lock
    from mirage_py.packages.repositories import SETTINGS, Repositories, named
    from mirage_py.workflow.repo import kept

    reading = Repositories(root=folder, network=Network(offline=True))
    known = ((name, kept(reading, name)) for name in named(folder))
    return Metadata(
        sources=tuple(Source(name=name, files=found.snapshot) for name, found in known if found is not None),
        lock=read_lock(folder) if (folder / FILE).exists() else None,
        read=(folder / FILE, folder / SETTINGS, memory.folder() / "repositories"),
    )


def cache_folder() -> Path:
    """Where verdicts are kept between runs."""
    from platformdirs import user_cache_path

    return user_cache_path("mpy") / "audit"


def opam_repositories() -> tuple[Path, ...]:
    """The folders below opam's root that hold package descriptions."""
    import os

    root = Path(os.environ.get("OPAMROOT") or Path.home() / ".opam") / "repo"
    return tuple(sorted(place for place in root.glob("*") if place.is_dir())) if root.is_dir() else ()


def _request_for(
    folder: Path,
    plan: Plan,
    toolchain: Toolchain | None,
    closure: Closure,
    *,
    allow: tuple[Allow, ...] = (),
    fail_on: tuple[FailOn, ...] | None = None,
) -> AuditRequest:
    bundle = bundled_packages()
    request = AuditRequest(
        roots=tuple(
            Root(library=needed.name, asked_by=", ".join(needed.asked_by) or "local_libs") for needed in plan.libraries
        ),
        targets=(plan.target,),
        gaps=plan.libc_gaps,
        vendored=(
            *_vendored_folders(folder),
            *dict.fromkeys(one.directory for one in closure.of("local")),
            *(bundle[name].directory for name in closure.bundled),
        ),
        allow=allow,
        fail_on=DEFAULT_FAIL_ON if fail_on is None else fail_on,
        built=_built(folder, plan.context),
        cache=cache_folder(),
    )
    host = Findlib.discover()
    return _equipped(request, _own(plan.target, toolchain, host), host)


def _with_own_c(request: AuditRequest, folder: Path, plan: Plan) -> AuditRequest:
    """The question with the C beside config.py, as one more library."""
    if not plan.c_stubs:
        return request
    root = Root(library=OWN_C, asked_by=", ".join(one.path for one in plan.c_stubs))
    own = OwnC(
        folder=folder / "mirage" / plan.label,
        files=tuple(folder / one.path for one in plan.c_stubs),
        flags=tuple(dict.fromkeys(flag for one in plan.c_stubs for flag in one.flags)),
        headers=tuple(needed.name for needed in plan.libraries),
        described=any(one.pkg_config for one in plan.c_stubs),
    )
    return replace(request, roots=(*request.roots, root), own=own)


def _built(folder: Path, context: str) -> BuildFolder:
    """Where the last build in one of dune's contexts is, if there was one."""
    return BuildFolder(root=dune_root(folder), objects=folder / BUILD / context)


def _vendored_folders(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / place for place in VENDORED if (folder / place).is_dir())

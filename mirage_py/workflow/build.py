"""Build: configure what has changed, then make every image that can be made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mirage_py.build.finish import Built
from mirage_py.build.images import LinkFailed, build_plans
from mirage_py.dataclass import dataclass
from mirage_py.doors import answers
from mirage_py.doors.files import Tree
from mirage_py.errors import MpyError, ToolFailed
from mirage_py.libraries.bundled import take_runtime_of
from mirage_py.libraries.missing import doubted, refusal
from mirage_py.model.closure import Closure
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.project.choices import Saved
from mirage_py.toolchain.discover import toolchains_for
from mirage_py.workflow.again import Recording
from mirage_py.workflow.closures import closures_for
from mirage_py.workflow.configure import resolved_alone, write_tree
from mirage_py.workflow.explaining import explained
from mirage_py.workflow.freshness import note
from mirage_py.workflow.request import Progress, Request
from mirage_py.workflow.tools import tools_of


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """The images that were made, and for the targets that could not be built here, why."""

    built: tuple[Built, ...]
    failures: tuple[MpyError, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The plans that can be built here, with all that it takes; the others as the errors that tell why not."""

    plans: tuple[Plan, ...]
    closures: Mapping[str, Closure]
    host: HostToolchain
    toolchains: Mapping[str, Toolchain]
    failures: tuple[MpyError, ...]


def build(
    request: Request,
    *,
    jobs: int | None = None,
    dev: bool = False,
    locked: bool = False,
    environment: Mapping[str, str] | None = None,
    progress: Progress = lambda _: None,
    waiting: Progress = lambda _: None,
    warn: Progress = lambda _: None,
    tell: Callable[[tuple[Built, ...]], None] = lambda _: None,
) -> BuildResult:
    """Configure what has changed, then build every image in one dune run; a target that cannot be is left out.

    Raises what `configure` raises; where nothing at all can be built `ToolNotFound`, `ToolTooOld` or `LibraryNotFound`
    for what this machine has not; and `ToolFailed` with the first error at the user's line. `locked`: raises
    `LockError` unless the vendored sources are those that mpy.lock names. `environment` is laid over that of dune.
    Where the line may be remembered, so is how to make them (`workflow.again`), with what `tell` tells of images.
    """
    recording = Recording()
    take_runtime_of(request.folder)
    if locked:
        from mirage_py.workflow.dev import check_locked

        answers.never()  # whether they are is decided file by file
        check_locked(request.folder)
    tree = Tree(request.folder)

    def wait(text: str) -> None:
        answers.never()
        waiting(text)

    with resolved_alone(tree, request, wait) as found:
        saved = write_tree(tree, request, found).saved
        ready = _ready(request, found.plans, saved)
        here = [ready.closures[plan.label] for plan in ready.plans]
        for doubt in dict.fromkeys(one.message for closure in here for one in closure.unmet):
            warn(doubt)
        inputs = recording.sources(request.folder, ready.plans)
        try:
            done = build_plans(
                tree,
                ready.plans,
                ready.closures,
                ready.host,
                ready.toolchains,
                jobs=jobs,
                dev=dev,
                config_file=request.file.name,
                environment=environment or {},
                progress=progress,
                tell=wait,
                around=recording.around,
            )
        except LinkFailed as failed:
            raise explained(request.folder, ready.closures, failed) from None
        except ToolFailed as failed:
            raise doubted(failed, here) from None
        for one in done.built:
            note(request.folder, one.label, inputs[one.label])
        failures = (*ready.failures, *done.refused)
        if failures and not done.built:
            raise _one_of(failures)
        if not failures:
            recording.keep(done.built, tell)
    return BuildResult(built=done.built, failures=failures)


def _ready(request: Request, plans: Sequence[Plan], saved: Saved) -> Ready:
    """What can be built here of these plans. Raises where that is nothing."""
    links = {plan.target: saved[plan.name][plan.target].link for plan in plans}
    found = toolchains_for((plan.target for plan in plans), tools_of(request, saved, plans), links)
    equipped = tuple(plan for plan in plans if plan.target in found.toolchains)
    closures = closures_for(request.folder, equipped, found.toolchains, found.host)
    refused = _refused(request, [closures[plan.label] for plan in equipped])
    failures = (*found.failures.values(), *refused)
    served = tuple(plan for plan in equipped if not (closures[plan.label].missing or closures[plan.label].conflicts))
    if not served and failures:
        raise _one_of(failures)
    return Ready(
        plans=served, closures=closures, host=found.host, toolchains=found.toolchains, failures=tuple(failures)
    )


def _refused(request: Request, closures: Sequence[Closure]) -> Iterator[MpyError]:
    """Why closures cannot be built: each conflict once, and all that is missing as one."""
    unfit = [closure for closure in closures if closure.standing]
    yield from {str(error): error for one in unfit if (error := refusal([one], None))}.values()
    lacking = [closure for closure in closures if closure.missing and not closure.standing]
    if lacking:
        from mirage_py.packages.held import held  # what is locked is of interest where something is missing only

        error = refusal(lacking, held(request.folder))
        assert error is not None
        yield error


def _one_of(failures: Sequence[MpyError]) -> MpyError:
    """The error of several: the first, with the others as lines of it."""
    first, *others = failures
    for other in others:
        first.details = (*first.details, str(other), *(f"  {line}" for line in other.details))
    return first

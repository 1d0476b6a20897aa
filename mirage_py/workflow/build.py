"""Build: configure what has changed, then make every image."""

from __future__ import annotations

from mirage_py.build.diagnostics import link_failed
from mirage_py.build.images import Built, LinkFailed, build_plans
from mirage_py.doors.files import Tree
from mirage_py.errors import LibraryNotFound, ToolFailed
from mirage_py.libraries.bundled import take_runtime_of
from mirage_py.project.choices import read_state
from mirage_py.toolchain.discover import toolchains_for
from mirage_py.workflow.configure import write_tree
from mirage_py.workflow.request import Progress, Request
from mirage_py.workflow.resolve import resolve_all


def build(
    request: Request,
    *,
    jobs: int | None = None,
    dev: bool = False,
    locked: bool = False,
    progress: Progress = lambda _: None,
    waiting: Progress = lambda _: None,
) -> tuple[Built, ...]:
    """Configure what has changed, then build every image in one dune run.

    Raises what `configure` raises, `ToolNotFound`, `ToolTooOld` or `LibraryNotFound` for what this machine has not, and
    `ToolFailed` with the first error at the user's line. `locked`: raises `LockError` unless the vendored sources are
    those that mpy.lock names.
    """
    take_runtime_of(request.folder)
    if locked:
        from mirage_py.workflow.dev import check_locked

        check_locked(request.folder)
    resolved = resolve_all(request)
    plans = tuple(one.plan for one in resolved)
    tree = Tree(request.folder)
    with tree.locked(waiting):
        write_tree(tree, request, resolved)
        saved = read_state(request.mirage)
        links = {plan.target: saved[plan.name][plan.target].link for plan in plans}
        host, toolchains = toolchains_for((plan.target for plan in plans), request.toolchain, links)
        name = request.file.name
        try:
            return build_plans(tree, plans, host, toolchains, jobs=jobs, dev=dev, config_file=name, progress=progress)
        except LinkFailed as failed:
            raise _explained(request, failed) from None
        except LibraryNotFound as missing:
            raise _pull_first(request, missing) from None


def _pull_first(request: Request, missing: LibraryNotFound) -> LibraryNotFound:
    """The error with `mpy pull` as the first way out, where a lock is there that was not pulled."""
    from mirage_py.workflow.pull import is_pulled

    if is_pulled(request.folder):
        return missing
    hint = "\n".join(line for line in ("mpy pull", missing.hint) if line)
    return LibraryNotFound(missing.message, location=missing.location, details=missing.details, hint=hint)


def _explained(request: Request, failed: LinkFailed) -> ToolFailed:
    """The failed link told by who wants the undefined symbols, and why they are not there, where there are any."""
    from mirage_py.workflow.audit import explain_link  # readers of archives: 100 ms, for a link that failed only

    told: ToolFailed = failed
    for plan, toolchain in failed.linked:
        explanations = explain_link(request.folder, plan, toolchain, failed.output)
        told = link_failed(plan.image, explanations, failed) if explanations else told
    return told

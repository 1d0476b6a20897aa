"""Configure: resolve, plan and write the generated tree; remember the choices."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mirage_py.doors.files import Tree, Written
from mirage_py.dsl.key import target as target_key
from mirage_py.project.choices import Saved, SavedTarget, read_state, state_text
from mirage_py.project.sources import has_dune_project
from mirage_py.targets.plan import dune_project, dune_workspace, vendored
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.request import Progress, Request
from mirage_py.workflow.resolve import resolve_all


@dataclass(frozen=True, kw_only=True)
class Configured:
    """What `configure` did: the plans, and the files it wrote, changed or left alone."""

    resolved: tuple[Resolved, ...]
    written: Written


def configure(request: Request, *, dry_run: bool = False, waiting: Progress = lambda _: None) -> Configured:
    """Resolve, plan and write the generated tree; remember the choices. `waiting` is told of another mpy at work here.

    Raises `WouldOverwrite` before anything is written when a file of the user's is in the way.
    """
    resolved = resolve_all(request)
    tree = Tree(request.folder)
    if dry_run:
        return Configured(resolved=resolved, written=tree.preview(_folders(resolved), _top(request, resolved)))
    with tree.locked(waiting):
        return Configured(resolved=resolved, written=write_tree(tree, request, resolved))


def write_tree(tree: Tree, request: Request, resolved: tuple[Resolved, ...]) -> Written:
    """Write the generated files of these plans, and those that all targets share; the tree is locked."""
    return tree.write(_folders(resolved), _top(request, resolved))


def _folders(resolved: tuple[Resolved, ...]) -> dict[str, dict[str, str]]:
    return {f"mirage/{one.plan.label}": {file.path: file.content for file in one.plan.files} for one in resolved}


def _top(request: Request, resolved: tuple[Resolved, ...]) -> dict[str, str]:
    """The files that all targets share: the saved choices, the dune workspace, a dune-project where there is none."""
    saved = {} if request.reset else read_state(request.mirage)
    merged = _remember(saved, resolved, request)
    targets = [target for of in merged.values() for target in of]
    files = {
        "mirage/choices.json": state_text(merged),
        "mirage/dune": vendored(request.file.name),
        "mirage/dune-workspace": dune_workspace(targets, request.file.name),
    }
    return files if has_dune_project(request.folder) else files | {"dune-project": dune_project(request.file.name)}


def _remember(saved: Saved, resolved: tuple[Resolved, ...], request: Request) -> Saved:
    merged = {name: dict(of) for name, of in saved.items()}
    for one in resolved:
        before = merged.setdefault(one.info.name, {}).get(one.info.target, SavedTarget())
        given = {n: c for n, c in one.context.chosen.items() if n != target_key.name}
        merged[one.info.name][one.info.target] = replace(
            before,
            choices={name: chosen.words for name, chosen in given.items()},
            sources={name: _origin(name, chosen.source, before) for name, chosen in given.items()},
            output=request.output or before.output,
            link=request.link or before.link,
        )
    return merged


def _origin(name: str, source: str, before: SavedTarget) -> str:
    return before.sources.get(name, "flag") if source == "saved" else source

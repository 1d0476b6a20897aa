"""Configure: resolve, plan and write the generated tree; remember the choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mirage_py.dataclass import dataclass, replace
from mirage_py.doors.files import Tree, Written
from mirage_py.dsl.key import target as target_key
from mirage_py.errors import UsageError
from mirage_py.project.choices import FILE, Saved, SavedTarget, read_state, state_text
from mirage_py.project.folders import has_dune_project
from mirage_py.project.offered import FILE as KEYS, Offered, offered_text
from mirage_py.targets.plan import dune_project, dune_workspace, vendored
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.request import Progress, Request
from mirage_py.workflow.resolve import Resolution, offered_keys, resolution, without_reset


@dataclass(frozen=True, kw_only=True)
class Configured:
    """What `configure` did: the plans, the files it wrote, changed or left alone, and what is saved now.

    `dropped` are the folders of targets that were taken away.
    """

    resolved: tuple[Resolved, ...]
    written: Written
    saved: Saved
    dropped: tuple[str, ...] = ()


def configure(request: Request, *, dry_run: bool = False, waiting: Progress = lambda _: None) -> Configured:
    """Resolve, plan and write the generated tree; remember the choices. `waiting` is told of another mpy at work here.

    Raises `WouldOverwrite` before anything is written when a file of the user's is in the way, and `UsageError` where
    the toolchain that the request names cannot be one.
    """
    if request.toolchain is not None:
        from mirage_py.toolchain.discover import refuse_misnamed  # 40 ms, for what is seldom said

        refuse_misnamed(request.toolchain)
    tree = Tree(request.folder)
    if dry_run:
        found = resolution(request)
        folders, top, saved = _files(request, found)
        return Configured(resolved=found.resolved, written=tree.preview(folders, top), saved=saved)
    with resolved_alone(tree, request, waiting) as found:
        return write_tree(tree, request, found)


@contextmanager
def resolved_alone(tree: Tree, request: Request, waiting: Progress) -> Iterator[Resolution]:
    """What a request comes to, with the tree for this process alone from the reading of its choices on.

    Where nothing was ever configured, nothing is made before config.py is known to be right.
    """
    if request.mirage.is_dir():
        with tree.locked(waiting):
            yield resolution(request)
        return
    found = resolution(request)
    with tree.locked(waiting):
        yield resolution(request) if (request.mirage / FILE).exists() else found


def write_tree(tree: Tree, request: Request, found: Resolution) -> Configured:
    """Write the generated files of these plans, and those that all targets share; the tree is locked."""
    folders, top, saved = _files(request, found)
    return Configured(resolved=found.resolved, written=tree.write(folders, top), saved=saved)


def drop(request: Request, *, waiting: Progress = lambda _: None) -> Configured:
    """Take targets away: their generated folders, and what was chosen for them. Images in dist/ stay.

    Raises `UsageError` for a target that is not configured.
    """
    tree = Tree(request.folder)
    with tree.locked(waiting):
        saved = read_state(request.mirage)
        labels = tuple(_labels(saved, request))
        _check_dropped(saved, labels, request)
        kept = without_reset(saved, replace(request, reset=True))
        written = tree.write({f"mirage/{label}": {} for label in labels}, _shared(request, kept))
    return Configured(resolved=(), written=written, saved=kept, dropped=tuple(f"mirage/{label}" for label in labels))


def _labels(saved: Saved, request: Request) -> Iterator[str]:
    for name, of in saved.items():
        for target, one in of.items():
            if target in request.targets and (not request.unikernels or name in request.unikernels):
                yield _label(name, target, one)


def _check_dropped(saved: Saved, labels: tuple[str, ...], request: Request) -> None:
    there = dict.fromkeys(target for of in saved.values() for target in of)
    for target in request.targets:
        if target not in there or not labels:
            raise UsageError(
                f"target {target} is not configured here",
                hint=f"configured: {', '.join(there)}" if there else "nothing is configured here",
            )


def _files(request: Request, found: Resolution) -> tuple[dict[str, dict[str, str]], dict[str, str], Saved]:
    """The files of each target's folder, those that all targets share, and the choices that one of them holds."""
    folders = {
        f"mirage/{one.plan.label}": {file.path: file.content for file in one.plan.files} for one in found.resolved
    }
    saved = _remember(without_reset(found.saved, request), found.resolved, request)
    return _renamed(found, saved) | folders, {**_shared(request, saved), **_offered(request, found)}, saved


def _renamed(found: Resolution, saved: Saved) -> dict[str, dict[str, str]]:
    """The folders of names that `-o` has replaced, as folders that hold nothing any more; the images stay."""
    after = {_label(name, target, one) for name, of in saved.items() for target, one in of.items()}
    before = {
        _label(one.plan.name, one.plan.target, found.saved_for(one.plan))
        for one in found.resolved
        if one.plan.target in found.saved.get(one.plan.name, {})
    }
    return {f"mirage/{label}": {} for label in sorted(before - after)}


def _label(name: str, target: str, one: SavedTarget) -> str:
    return f"{one.output or name}-{target}"


def _offered(request: Request, found: Resolution) -> dict[str, str]:
    """What a shell is told of the keys, so that it need not run config.py."""
    offered = (
        Offered(name=name, kind=key.kind, choices=tuple(key.choices), doc=key.doc or "")
        for name, key in offered_keys(found).items()
        if name != target_key.name
    )
    text = offered_text(request.mirage, request.file.name, offered)
    return {} if text is None else {f"mirage/{KEYS}": text}


def _shared(request: Request, saved: Saved) -> dict[str, str]:
    """The files that all targets share: the saved choices, the dune workspace, a dune-project where there is none."""
    targets = [target for of in saved.values() for target in of]
    files = {
        "mirage/choices.json": state_text(saved),
        "mirage/dune": vendored(request.file.name),
        "mirage/dune-workspace": dune_workspace(targets, request.file.name),
    }
    return files if has_dune_project(request.folder) else files | {"dune-project": dune_project(request.file.name)}


def _remember(saved: Saved, resolved: tuple[Resolved, ...], request: Request) -> Saved:
    merged = {name: dict(of) for name, of in saved.items()}
    said = _tools(request)
    for one in resolved:
        before = merged.setdefault(one.info.name, {}).get(one.info.target, SavedTarget())
        given = {n: c for n, c in one.context.chosen.items() if n != target_key.name}
        merged[one.info.name][one.info.target] = replace(
            before,
            choices={name: chosen.words for name, chosen in given.items()},
            sources={name: _origin(name, chosen.source, before) for name, chosen in given.items()},
            output=request.output or before.output,
            link=request.link or before.link,
            tools=said or before.tools,
        )
    return merged


def _tools(request: Request) -> Mapping[str, tuple[str, ...]]:
    if request.toolchain is None:
        return {}
    from mirage_py.workflow.tools import saved_form  # what reads toolchains is not needed to configure

    return saved_form(request.toolchain)


def _origin(name: str, source: str, before: SavedTarget) -> str:
    return before.sources.get(name, "flag") if source == "saved" else source

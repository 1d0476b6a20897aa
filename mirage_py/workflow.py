"""The use cases as short pipelines: configure, build, run, describe, query, audit, clean.

Each takes a request (what the command line said) and gives a value for the command line to show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirage_py.boot_options import options_in_sources
from mirage_py.dsl.config import Config, Unikernel, check_unikernel_name
from mirage_py.dsl.key import TARGETS, Key, suggestion, target as target_key
from mirage_py.errors import MpyError, UsageError
from mirage_py.filegen import Tree, Written
from mirage_py.loader import load
from mirage_py.model.plan import Plan
from mirage_py.resolve.boot_args import check_options
from mirage_py.resolve.context import Context, choose, keys_of
from mirage_py.resolve.graph import Graph
from mirage_py.resolve.info import Info, resolve
from mirage_py.sources import c_stubs, has_dune_project, ocaml_modules
from mirage_py.state import Saved, SavedTarget, read_state, state_text
from mirage_py.targets.plan import dune_project, dune_workspace, plan as make_plan, platform, vendored

if TYPE_CHECKING:
    from mirage_py.building import Built
    from mirage_py.model.audit import AuditReport, FailOn
    from mirage_py.model.toolchain import Link, ToolchainChoice


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command was asked to do, before config.py has been read.

    `flags` are the options that are no options of mpy: key names without dashes to what was given, in order.
    `targets` and `unikernels` are empty where the command line leaves them open. `config` is what `file` declares,
    where that was loaded already, to learn the keys that the command line names: a config.py runs once.
    """

    file: Path = Path("config.py")
    config: Config | None = None
    targets: tuple[str, ...] = ()
    unikernels: tuple[str, ...] = ()
    output: str | None = None
    link: Link | None = None
    toolchain: ToolchainChoice | None = None
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False

    @property
    def folder(self) -> Path:
        """The folder of config.py, absolute."""
        return self.file.absolute().parent

    @property
    def mirage(self) -> Path:
        """Where everything generated lives."""
        return self.folder / "mirage"


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """One unikernel on one target, as far as it goes without touching a file."""

    config: Config
    unikernel: Unikernel
    context: Context
    graph: Graph
    info: Info
    plan: Plan


@dataclass(frozen=True, kw_only=True)
class Configured:
    """What `configure` did: the plans, and the files it wrote, changed or left alone."""

    resolved: tuple[Resolved, ...]
    written: Written


def resolve_all(request: Request) -> tuple[Resolved, ...]:
    """Every unikernel on every target that the request names, resolved and planned; no file is written.

    Without targets these are the configured ones, or the default target where none is. Raises `UsageError`,
    `ConfigError`, `UnsupportedDevice`, `UnsupportedTarget` or `PackageConflict`.
    """
    config = request.config or load(request.file)
    saved = {} if request.reset else read_state(request.mirage)
    resolved = tuple(_resolve_each(config, request, saved))
    _check_labels(resolved)
    return resolved


def chosen_unikernels(request: Request) -> tuple[Unikernel, ...]:
    """The unikernels that the request names, or all that are registered; nothing is resolved."""
    return _chosen_unikernels(request.config or load(request.file), request)


def known_keys(config: Config) -> dict[str, Key[Any]]:
    """The keys of a configuration by name, the target among them."""
    roots = [term for unikernel in config.unikernels for term in (*unikernel.init, *unikernel.jobs)]
    return keys_of(roots) | {target_key.name: target_key}


Progress = Callable[[str], None]
"""Told what is being done, in a few words, whenever that changes."""


def configure(request: Request, *, dry_run: bool = False, waiting: Progress = lambda _: None) -> Configured:
    """Resolve, plan and write the generated tree; remember the choices. `waiting` is told of another mpy at work here.

    Raises `WouldOverwrite` before anything is written when a file of the user's is in the way.
    """
    resolved = resolve_all(request)
    tree = Tree(request.folder)
    if dry_run:
        return Configured(resolved=resolved, written=tree.preview(_folders(resolved), _top(request, resolved)))
    with tree.locked(waiting):
        return Configured(resolved=resolved, written=tree.write(_folders(resolved), _top(request, resolved)))


def build(
    request: Request,
    *,
    jobs: int | None = None,
    dev: bool = False,
    progress: Progress = lambda _: None,
    waiting: Progress = lambda _: None,
) -> tuple[Built, ...]:
    """Configure what has changed, then build every image in one dune run.

    Raises what `configure` raises, `ToolNotFound`, `ToolTooOld` or `LibraryNotFound` for what this machine has not, and
    `ToolFailed` with the first error at the user's line.
    """
    from mirage_py.building import build_plans, toolchains_for

    resolved = resolve_all(request)
    plans = tuple(one.plan for one in resolved)
    tree = Tree(request.folder)
    with tree.locked(waiting):
        tree.write(_folders(resolved), _top(request, resolved))
        saved = read_state(request.mirage)
        links = {plan.target: saved[plan.name][plan.target].link for plan in plans}
        host, toolchains = toolchains_for(plans, request.toolchain, links)
        name = request.file.name
        return build_plans(tree, plans, host, toolchains, jobs=jobs, dev=dev, config_file=name, progress=progress)


def audit(
    request: Request,
    *,
    libraries: tuple[str, ...] = (),
    opam: tuple[str, ...] = (),
    fail_on: tuple[FailOn, ...] | None = None,
) -> AuditReport:
    """Will it run? The verdicts on the configuration here, or on the libraries and opam packages that are named."""
    from mirage_py.auditing import audit_libraries, audit_plan, merged

    if libraries or opam:
        targets = request.targets or ("hvt",)
        return audit_libraries(request.folder, libraries, targets, opam=opam, fail_on=fail_on)
    return merged(
        audit_plan(request.folder, one.plan, allow=one.config.allowed, fail_on=fail_on) for one in resolve_all(request)
    )


def _resolve_each(config: Config, request: Request, saved: Saved) -> Iterator[Resolved]:
    for unikernel in _chosen_unikernels(config, request):
        of_unikernel = saved.get(unikernel.name, {})
        for target in _chosen_targets(request, tuple(of_unikernel)):
            yield _resolve_one(config, unikernel, target, request, of_unikernel.get(target))


def _check_labels(resolved: tuple[Resolved, ...]) -> None:
    owners: dict[str, Resolved] = {}
    for one in resolved:
        other = owners.setdefault(one.info.label, one)
        if other is not one:
            raise UsageError(
                f"the unikernels {other.info.name} and {one.info.name} would both be called {one.info.output}",
                location=one.unikernel.location,
                hint="choose another -o for one of them, or mpy configure --reset",
            )


def _resolve_one(
    config: Config, unikernel: Unikernel, target: str, request: Request, configured: SavedTarget | None
) -> Resolved:
    """One unikernel on one target; `configured` is what was saved for them, None where that never happened."""
    saved = configured or SavedTarget()
    named = {target_key.name: (target,)}
    keys = keys_of((*unikernel.init, *unikernel.jobs)) | {target_key.name: target_key}
    context = choose(
        keys,
        flags={**request.flags, **(named if request.targets else {})},
        environment=request.environment,
        saved={**saved.choices, **(named if configured else {})},
    )
    output = request.output or saved.output
    graph, info = resolve(config, unikernel, context, platform(target), output=output)
    modules = ocaml_modules(request.folder, info.modules, request.file.name)
    args = [one.arg for one in info.boot_args]
    check_options(args, options_in_sources(request.folder, modules, (arg.code for arg in args)))
    plan = make_plan(graph, info, modules=modules, c_stubs=c_stubs(request.folder, info.c_sources, unikernel.location))
    return Resolved(config=config, unikernel=unikernel, context=context, graph=graph, info=info, plan=plan)


def _chosen_unikernels(config: Config, request: Request) -> tuple[Unikernel, ...]:
    known = {unikernel.name: unikernel for unikernel in config.unikernels}
    for name in request.unikernels:
        if name not in known:
            raise UsageError(
                f"no unikernel {name!r} is registered", hint=suggestion(name, known) or f"there is {', '.join(known)}"
            )
    chosen = tuple(known[name] for name in request.unikernels) or config.unikernels
    if request.output is not None:
        check_output(request.output, len(chosen))
    return chosen


IMAGE_SUFFIXES = (*TARGETS, "fc", "qemu")
"""Endings that images have: an `-o` with one would get it twice."""


def check_output(output: str, unikernels: int) -> None:
    """Refuse an `-o` that cannot name files, or that several unikernels would share."""
    if unikernels > 1:
        raise UsageError(
            "-o names one image, and there are several unikernels", hint="choose one with --unikernel NAME"
        )
    suffix = output.rpartition(".")[2]
    if suffix in IMAGE_SUFFIXES and suffix != output:
        raise UsageError(
            f"-o {output}: the target gives the image its ending", hint=f"write -o {output.removesuffix(f'.{suffix}')}"
        )
    try:
        check_unikernel_name(output, None)
    except MpyError as error:
        raise UsageError(
            error.message.replace("unikernel name", "-o:"), details=error.details, hint=error.hint
        ) from None


def _chosen_targets(request: Request, configured: tuple[str, ...]) -> tuple[str, ...]:
    for target in request.targets:
        if target not in TARGETS:
            raise UsageError(
                f"no target {target!r}", hint=suggestion(target, TARGETS) or f"there is {', '.join(TARGETS)}"
            )
    if request.targets:
        return tuple(dict.fromkeys(request.targets))
    named = request.environment.get(target_key.environment)
    return (target_key.parse((named,)),) if named else configured or (target_key.default,)


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

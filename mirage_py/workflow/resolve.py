"""From a request to resolved plans: config.py is loaded, choices are made, every unikernel is planned for every target.

Nothing is written. Each command that speaks of a configuration begins here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mirage_py.dataclass import dataclass
from mirage_py.doors import signals
from mirage_py.dsl.config import Config, Unikernel, check_unikernel_name
from mirage_py.dsl.key import TARGETS, Key, target as target_key
from mirage_py.errors import MpyError, UsageError, suggestion
from mirage_py.model.plan import Plan
from mirage_py.project.boot_options import Sources
from mirage_py.project.choices import Saved, SavedTarget, read_state
from mirage_py.project.loader import load
from mirage_py.project.sources import c_stubs, device_modules, ocaml_modules
from mirage_py.resolve.boot_args import check_options
from mirage_py.resolve.context import choose, keys_of, united
from mirage_py.resolve.info import resolve
from mirage_py.targets.plan import plan as make_plan, platform
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.request import Request


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Every unikernel on every target that a request names, resolved and planned; `saved` is what was saved before."""

    resolved: tuple[Resolved, ...]
    saved: Saved

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans, in the order of the request."""
        return tuple(one.plan for one in self.resolved)

    def saved_for(self, plan: Plan) -> SavedTarget:
        """What was saved for the unikernel and target of a plan; nothing where they were never configured."""
        return self.saved.get(plan.name, {}).get(plan.target, SavedTarget())


def resolution(request: Request, labels: Collection[str] = ()) -> Resolution:
    """What a request comes to; config.py runs and the saved choices are read, once each. No file is written.

    Without targets these are the configured ones and those of `labels`, or the default target where there is none.
    Raises `UsageError`, `ConfigError`, `UnsupportedDevice`, `UnsupportedTarget` or `PackageConflict`.
    """
    config = _loaded(request)
    saved = read_state(request.mirage)
    resolved = tuple(_resolve_each(config, request, without_reset(saved, request), labels))
    _check_labels(resolved)
    return Resolution(resolved=resolved, saved=saved)


def resolve_all(request: Request) -> tuple[Resolved, ...]:
    """Every unikernel on every target that the request names."""
    return resolution(request).resolved


def without_reset(saved: Saved, request: Request) -> Saved:
    """What was saved, without what the request resets: the targets and unikernels that it names, or everything."""
    if not request.reset:
        return saved
    kept = {
        name: {target: one for target, one in of.items() if not _named(name, target, request)}
        for name, of in saved.items()
    }
    return {name: of for name, of in kept.items() if of}


def _named(name: str, target: str, request: Request) -> bool:
    return (not request.unikernels or name in request.unikernels) and (not request.targets or target in request.targets)


def chosen_unikernels(request: Request) -> tuple[Unikernel, ...]:
    """The unikernels that the request names, or all that are registered; nothing is resolved."""
    return _chosen_unikernels(_loaded(request), request)


def _loaded(request: Request) -> Config:
    with signals.at_once():
        return request.config or load(request.file)


def known_keys(config: Config) -> dict[str, Key[Any]]:
    """The keys of a configuration by name, the target among them."""
    return _keys_of(*config.unikernels)


def offered_keys(found: Resolution) -> dict[str, Key[Any]]:
    """The keys of the configurations that were resolved, of unikernels too that the request does not name."""
    asked = {id(one.unikernel): one.info.keys for one in found.resolved}
    configs = {id(one.config): one.config for one in found.resolved}.values()
    others = [one for config in configs for one in config.unikernels if id(one) not in asked]
    return united(key for keys in (*asked.values(), _keys_of(*others)) for key in keys.values())


def _keys_of(*unikernels: Unikernel) -> dict[str, Key[Any]]:
    roots = [term for unikernel in unikernels for term in (*unikernel.init, *unikernel.jobs)]
    return keys_of(roots) | {target_key.name: target_key}


def _resolve_each(config: Config, request: Request, saved: Saved, labels: Collection[str]) -> Iterator[Resolved]:
    for unikernel in _chosen_unikernels(config, request):
        of_unikernel = saved.get(unikernel.name, {})
        keys = _keys_of(unikernel)
        labelled = {target: SavedTarget() for target in TARGETS if f"{unikernel.name}-{target}" in labels}
        known = {**labelled, **of_unikernel}
        for target in _chosen_targets(request, tuple(known)):
            yield _resolve_one(config, unikernel, keys, target, request, known.get(target))


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
    config: Config,
    unikernel: Unikernel,
    keys: Mapping[str, Key[Any]],
    target: str,
    request: Request,
    configured: SavedTarget | None,
) -> Resolved:
    """One unikernel on one target; `configured` is what was saved for them, None where they are not known."""
    saved = configured or SavedTarget()
    named = {target_key.name: (target,)}
    context = choose(
        keys,
        flags={**request.flags, **(named if request.targets else {})},
        environment=request.environment,
        saved={**saved.choices, **(named if configured else {})},
    )
    output = request.output or saved.output
    graph, info = resolve(config, unikernel, keys, context, platform(target), output=output)
    modules = ocaml_modules(request.folder, info.modules, request.file.name)
    brought = device_modules(graph.devices, request.folder, modules)
    args = {one.arg.code: one.arg for one in info.boot_args}
    sources = Sources(request.folder, modules, brought)
    check_options((*args.values(), *sources.registered(args)), sources.options(args))
    stubs = c_stubs(request.folder, info.c_sources, unikernel.location)
    plan = make_plan(graph, info, modules=modules, c_stubs=stubs, brought=brought)
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

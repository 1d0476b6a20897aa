"""Building: plans and the tools of this machine become images in `dist/`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mirage_py.build import editor
from mirage_py.build.equip import (
    MACHINE,
    Equipment,
    check_dune_lang,
    compile_stubs,
    cross_environment,
    dune_command,
    equip,
    workspaces,
)
from mirage_py.build.link import Group, check_manifests, groups, leaders, link_by_hand, link_shared, sharing
from mirage_py.build.linkmap import Linked
from mirage_py.build.making import Making
from mirage_py.build.maps import ask_anew, claim_map, forget_unclaimed, map_of, read_map
from mirage_py.build.origins import foreign, refusal
from mirage_py.dataclass import dataclass
from mirage_py.doors.files import Tree
from mirage_py.doors.processes import Result, run
from mirage_py.errors import LibraryNotFound, ToolFailed
from mirage_py.model.closure import Closure
from mirage_py.model.command import Command
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.toolchain.steps import Step, perform_together, strip

Toolchains = Mapping[str, Toolchain]


class LinkFailed(ToolFailed):
    """A link that failed, with the plans it may be about: whoever knows libraries can say what is behind it."""

    def __init__(self, failed: ToolFailed, linked: tuple[tuple[Plan, Toolchain], ...]) -> None:
        super().__init__(
            failed.message, output=failed.output, location=failed.location, details=failed.details, hint=failed.hint
        )
        self.linked = linked


@dataclass(frozen=True, kw_only=True)
class Built:
    """An image that `build` made: its path, its size in bytes, whether it changed, and the command that runs it."""

    plan: Plan
    image: Path
    size: int
    changed: bool
    run_command: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The images that were made, and why others were not handed over after all."""

    built: tuple[Built, ...]
    refused: tuple[LibraryNotFound, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """What dune is done with: images in the making, and what an editor is told."""

    folder: Path
    makings: tuple[Making, ...]
    groups: tuple[Group, ...]
    host: HostToolchain
    config_file: str


Around = Callable[[Sequence[Command], Compiled], AbstractContextManager[None]]
"""Entered while dune runs: with its commands, and what is there when it has done its work."""


def _alone(_commands: Sequence[Command], _compiled: Compiled) -> AbstractContextManager[None]:
    return nullcontext()


def build_plans(
    tree: Tree,
    plans: tuple[Plan, ...],
    closures: Mapping[str, Closure],
    host: HostToolchain,
    toolchains: Toolchains,
    *,
    jobs: int | None,
    dev: bool,
    config_file: str,
    environment: Mapping[str, str],
    progress: Callable[[str], None],
    tell: Callable[[str], None] = lambda _: None,
    around: Around = _alone,
) -> Outcome:
    """The images of these plans, whose generated files are written; all that dune links itself comes from one run.

    An image in which the linker put what is of this machine is refused, and not installed.
    """
    folder = tree.root
    check_dune_lang(folder)
    tree.refuse_ways_out()

    def compiled() -> tuple[Making, ...]:
        equipment = equip(folder, plans, closures, host, toolchains)
        stubs = compile_stubs(equipment)
        spaces = workspaces(folder, plans, host, toolchains)
        tree.mirror(MACHINE, {**equipment.files, **stubs, **spaces, **editor.kept(folder)})
        chosen = groups(plans, toolchains)
        for plan in (one for group in chosen for one in group.compiled if not group.by_hand):
            if toolchains[plan.target].generation == "cross":
                forget_unclaimed(folder, plan)
        commands = [_dune_command(folder, group, host, toolchains, environment, jobs, dev=dev) for group in chosen]
        makings = _makings(folder, plans, closures, toolchains, equipment)
        found = Compiled(folder=folder, makings=makings, groups=chosen, host=host, config_file=config_file)
        with around(commands, found):
            for group, command in zip(chosen, commands, strict=True):
                progress(command.purpose)
                result = _run_dune(tree, group, command, tell)
                if not result.ok:
                    tell_editor(tree, found)  # what does compile is understood all the same
                    raise _failed(folder, group.plans, toolchains, result)
        tell_editor(tree, found)
        return makings

    return finish(tree, _with_maps(folder, compiled))


def tell_editor(tree: Tree, done: Compiled) -> None:
    """Write what merlin and ocaml-lsp read, where dune knows something else than it did."""
    editor.refresh(tree, done.groups[0], done.host, done.config_file)


def failed_run(compiled: Compiled, result: Result, number: int) -> ToolFailed | None:
    """The error for the failed dune run of a group; None where it failed for its record, and has to be run anew."""
    from mirage_py.build.diagnostics import lost_its_memory  # 6 ms, for what fails

    if lost_its_memory(result):
        return None
    toolchains = {making.plan.target: making.toolchain for making in compiled.makings}
    return _failed(compiled.folder, compiled.groups[number].plans, toolchains, result)


def finish(tree: Tree, makings: tuple[Making, ...]) -> Outcome:
    """The images of programs that dune has compiled, each with its map: linked, looked into, stripped, in `dist/`.

    Each of these steps is done for all images at the same time.
    """
    linked = _linked(makings)
    refused = {making.plan.label: found for making, _, objects in linked if (found := _refused(making, objects))}
    fit = [(making, program) for making, program, _ in linked if making.plan.label not in refused]
    check_manifests([(program, making.plan, making.toolchain) for making, program in fit])
    stripped = [strip(making.toolchain, program, tree.root / STRIPPED / making.plan.label) for making, program in fit]
    for failed in filter(None, perform_together(stripped)):
        raise failed
    images = {f"dist/{making.plan.image}": step.output for (making, _), step in zip(fit, stripped, strict=True)}
    changed = tree.install({f"dist/{debug_image(making.plan)}": program for making, program in fit} | images)
    several = len({making.plan.name for making in makings}) > 1
    built = tuple(_built(tree, making.plan, changed, several=several) for making, _ in fit)
    return Outcome(built=built, refused=tuple(refused.values()))


def _built(tree: Tree, plan: Plan, changed: Collection[str], *, several: bool) -> Built:
    path = f"dist/{plan.image}"
    image = tree.root / path
    named = f" -u {plan.name}" if several else ""
    return Built(
        plan=plan,
        image=image,
        size=image.stat().st_size,
        changed=path in changed,
        run_command=f"mpy run -t {plan.target}{named}",
    )


def _refused(making: Making, objects: tuple[Linked, ...]) -> LibraryNotFound | None:
    return refusal(foreign(objects, making), making)


def mapped(makings: Sequence[Making]) -> bool:
    """Whether each program has the map that its linker wrote, which is kept from here on."""
    found = [claim_map(making) for making in makings if making.mapped_by_dune]  # each of them takes its own
    return all(found)


def _dune_command(
    folder: Path,
    group: Group,
    host: HostToolchain,
    toolchains: Toolchains,
    environment: Mapping[str, str],
    jobs: int | None,
    *,
    dev: bool,
) -> Command:
    env = cross_environment(folder, (toolchains[plan.target] for plan in group.plans))
    return dune_command(folder, group, host, jobs=jobs, dev=dev, env={**env, **environment})


def _run_dune(tree: Tree, group: Group, command: Command, tell: Callable[[str], None]) -> Result:
    """A dune run; once more from nothing where its record of the build directory is damaged."""
    (tree.root / group.build_dir).parent.mkdir(parents=True, exist_ok=True)  # dune makes its folder, none above
    result = run(command, check=False)
    if result.code == 0:
        return result
    from mirage_py.build.diagnostics import lost_its_memory  # 6 ms, for what fails

    if lost_its_memory(result):
        tell(f"dune's record of {group.build_dir}/ is damaged, as a full disk leaves it: all is built anew")
        tree.discard(group.build_dir)
        result = run(command, check=False)
    return result


def _makings(
    folder: Path,
    plans: tuple[Plan, ...],
    closures: Mapping[str, Closure],
    toolchains: Toolchains,
    equipment: Equipment,
) -> tuple[Making, ...]:
    """What dune has compiled, as the last steps take it."""
    leading, shared = leaders(plans, toolchains), sharing(plans, toolchains)
    by_label = {plan.label: plan for plan in plans}
    return tuple(
        Making(
            folder=folder,
            plan=plan,
            leader=by_label[leading[plan.label]],
            closure=closures[plan.label],
            toolchain=toolchains[plan.target],
            stubs=equipment.stubs[plan.label],
            shared=leading[plan.label] in shared,
            asked=equipment.asked[plan.label],
            replacing=equipment.replacing[plan.label],
        )
        for plan in plans
    )


def _with_maps(folder: Path, compiled: Callable[[], tuple[Making, ...]]) -> tuple[Making, ...]:
    """What `compiled` gives, each program with its map; dune links again what came without one from its cache."""
    makings = compiled()
    lacking = [making.leader for making in makings if making.mapped_by_dune and not claim_map(making)]
    if lacking:
        for plan in lacking:
            ask_anew(folder, plan)
        makings = compiled()
        for making in makings:
            if making.mapped_by_dune:
                claim_map(making)
    return makings


STRIPPED = "mirage/.stubs/stripped"
"""Where images are made from what was linked: without the sections that only a debugger reads."""


def debug_image(plan: Plan) -> str:
    """The path below `dist/` of what was linked, for a debugger: the image with its debug information."""
    return f"{plan.label.removesuffix(f'-{plan.target}')}.{plan.target}.debug"


def _linked(makings: Sequence[Making]) -> tuple[tuple[Making, Path, tuple[Linked, ...]], ...]:
    """What becomes each image, and the objects in it: linked by dune, or by mpy from what dune has made."""
    steps = {making.plan.label: step for making in makings if (step := _last_link(making))}
    failures = dict(zip(steps, perform_together(list(steps.values())), strict=True))
    for making in makings:
        failed = failures.get(making.plan.label)
        if failed:
            raise LinkFailed(failed, ((making.plan, making.toolchain),))
    return tuple(_with_objects(making, steps.get(making.plan.label)) for making in makings)


def _last_link(making: Making) -> Step | None:
    return link_by_hand(making) if making.by_hand else link_shared(making) if making.shared else None


def _with_objects(making: Making, step: Step | None) -> tuple[Making, Path, tuple[Linked, ...]]:
    objects = read_map(map_of(making), making.context) if making.mapped_by_dune else ()
    if step is None:
        return making, making.program, objects
    assert step.map is not None, "a link tells what it took"
    ours = (one for one in read_map(step.map, Path.cwd()) if one.file != making.program)
    return making, step.output, (*objects, *ours)


def _failed(folder: Path, plans: tuple[Plan, ...], toolchains: Toolchains, result: Result) -> ToolFailed:
    """The error for a failed dune run; it says which freestanding links the output speaks of."""
    from mirage_py.build.diagnostics import build_failed  # 6 ms, for what fails

    failed = build_failed(result, folder, plans)
    linked = tuple(
        (plan, toolchains[plan.target])
        for plan in plans
        if toolchains[plan.target].freestanding and _speaks_of(plan, result.output)
    )
    return LinkFailed(failed, linked) if linked else failed


def _speaks_of(plan: Plan, output: str) -> bool:
    """Whether dune tells of a program that could not be made: dune 2 prints the command, dune 3 the place in `dune`."""
    return any(f"mirage/{plan.label}/{named}" in output for named in ("main.exe", 'dune", line'))

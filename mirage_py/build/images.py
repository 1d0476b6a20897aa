"""Building: plans and the tools of this machine become images in `dist/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mirage_py.build import editor
from mirage_py.build.diagnostics import build_failed, lost_its_memory
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
from mirage_py.build.link import Group, check_manifest, groups, leaders, link_by_hand, link_shared, sharing
from mirage_py.build.linkmap import Linked
from mirage_py.build.making import Making
from mirage_py.build.maps import ask_anew, claim_map, forget_unclaimed, map_of, read_map
from mirage_py.build.origins import foreign, refusal
from mirage_py.doors.files import Tree
from mirage_py.doors.processes import Result, run
from mirage_py.errors import LibraryNotFound, ToolFailed
from mirage_py.model.closure import Closure
from mirage_py.model.command import Command
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.toolchain.steps import perform, strip

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
        for index, group in enumerate(groups(plans, toolchains)):
            env = cross_environment(folder, (toolchains[plan.target] for plan in group.plans))
            for plan in group.compiled:
                if toolchains[plan.target].generation == "cross":
                    forget_unclaimed(folder, plan)
            command = dune_command(folder, group, host, jobs=jobs, dev=dev, env={**env, **environment})
            progress(command.purpose)
            result = _run_dune(tree, group, command, tell)
            if index == 0:
                editor.refresh(tree, group, host, config_file)
            if not result.ok:
                raise _failed(folder, group.plans, toolchains, result)
        return _makings(folder, plans, closures, toolchains, equipment)

    makings = _with_maps(folder, compiled)
    done = [_finish(tree, making) for making in makings]
    built = tuple(one for one in done if isinstance(one, Built))
    if len({plan.name for plan in plans}) > 1:
        built = tuple(replace(one, run_command=f"{one.run_command} -u {one.plan.name}") for one in built)
    return Outcome(built=built, refused=tuple(one for one in done if isinstance(one, LibraryNotFound)))


def _run_dune(tree: Tree, group: Group, command: Command, tell: Callable[[str], None]) -> Result:
    """A dune run; once more from nothing where its record of the build directory is damaged."""
    (tree.root / group.build_dir).parent.mkdir(parents=True, exist_ok=True)  # dune makes its folder, none above
    result = run(command, check=False)
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


def _finish(tree: Tree, making: Making) -> Built | LibraryNotFound:
    """The image in `dist/`, or why it does not get there."""
    plan, toolchain = making.plan, making.toolchain
    program, objects = _linked(making)
    strangers = refusal(foreign(objects, making), making)
    if strangers:
        return strangers
    check_manifest(program, plan, toolchain)
    stripped = strip(toolchain, program, tree.root / STRIPPED / plan.label)
    perform((stripped,))
    tree.install(program, f"dist/{debug_image(plan)}")
    changed = tree.install(stripped.output, f"dist/{plan.image}")
    image = tree.root / "dist" / plan.image
    return Built(
        plan=plan, image=image, size=image.stat().st_size, changed=changed, run_command=f"mpy run -t {plan.target}"
    )


STRIPPED = "mirage/.stubs/stripped"
"""Where images are made from what was linked: without the sections that only a debugger reads."""


def debug_image(plan: Plan) -> str:
    """The path below `dist/` of what was linked, for a debugger: the image with its debug information."""
    return f"{plan.label.removesuffix(f'-{plan.target}')}.{plan.target}.debug"


def _linked(making: Making) -> tuple[Path, tuple[Linked, ...]]:
    """What becomes the image, and the objects in it: linked by dune, or by mpy from what dune made for such targets."""
    objects = read_map(map_of(making), making.context) if making.mapped_by_dune else ()
    step = link_by_hand(making) if making.by_hand else link_shared(making) if making.shared else None
    if step is None:
        return making.program, objects
    try:
        perform((step,))
    except ToolFailed as failed:
        raise LinkFailed(failed, ((making.plan, making.toolchain),)) from None
    assert step.map is not None, "a link tells what it took"
    ours = (one for one in read_map(step.map, Path.cwd()) if one.file != making.program)
    return step.output, (*objects, *ours)


def _failed(folder: Path, plans: tuple[Plan, ...], toolchains: Toolchains, result: Result) -> ToolFailed:
    """The error for a failed dune run; it says which freestanding links the output speaks of."""
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

"""Building: plans and the tools of this machine become images in `dist/`."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mirage_py.build import editor
from mirage_py.build.diagnostics import build_failed, lost_its_memory
from mirage_py.build.equip import (
    MACHINE,
    built_executable,
    check_dune_lang,
    compile_stubs,
    cross_environment,
    dune_command,
    equip,
    workspaces,
)
from mirage_py.build.link import check_manifest, groups, leaders, link_by_hand, link_shared, sharing
from mirage_py.build.stubs import TargetStubs
from mirage_py.doors.files import Tree
from mirage_py.doors.processes import Result, run
from mirage_py.errors import ToolFailed
from mirage_py.model.closure import Closure
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
) -> tuple[Built, ...]:
    """The images of these plans, whose generated files are written; all that dune links itself comes from one run."""
    folder = tree.root
    check_dune_lang(folder)
    equipment = equip(folder, plans, closures, host, toolchains)
    stubs = compile_stubs(equipment)
    tree.mirror(MACHINE, {**equipment.files, **stubs, **workspaces(folder, plans, toolchains), **editor.kept(folder)})
    for index, group in enumerate(groups(plans, toolchains)):
        env = cross_environment(folder, (toolchains[plan.target] for plan in group.plans))
        command = dune_command(folder, group, host, jobs=jobs, dev=dev, env={**env, **environment})
        progress(command.purpose)
        (folder / group.build_dir).parent.mkdir(parents=True, exist_ok=True)  # dune makes its folder, none above
        result = run(command, check=False)
        if lost_its_memory(result):
            tell(f"dune's record of {group.build_dir}/ is damaged, as a full disk leaves it: all is built anew")
            tree.discard(group.build_dir)
            result = run(command, check=False)
        if index == 0:
            editor.refresh(tree, group, host, config_file)
        if not result.ok:
            raise _failed(folder, group.plans, toolchains, result)
    leading = leaders(plans, toolchains)
    by_label = {plan.label: plan for plan in plans}
    shared = sharing(plans, toolchains)
    built = (
        _finish(
            tree,
            plan,
            by_label[leading[plan.label]],
            closures[plan.label],
            toolchains[plan.target],
            equipment.stubs[plan.label],
            shared,
        )
        for plan in plans
    )
    if len({plan.name for plan in plans}) > 1:
        return tuple(replace(one, run_command=f"{one.run_command} -u {one.plan.name}") for one in built)
    return tuple(built)


def _finish(
    tree: Tree,
    plan: Plan,
    leader: Plan,
    closure: Closure,
    toolchain: Toolchain,
    stubs: tuple[TargetStubs, ...],
    shared: Container[str],
) -> Built:
    program = _linked(tree.root, plan, leader, closure, toolchain, stubs, shared)
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


def _linked(
    folder: Path,
    plan: Plan,
    leader: Plan,
    closure: Closure,
    toolchain: Toolchain,
    stubs: tuple[TargetStubs, ...],
    shared: Container[str],
) -> Path:
    """What becomes the image: linked by dune, or by mpy from what dune made for this target or for one like it."""
    try:
        if toolchain.generation == "pkg-config":
            return link_by_hand(folder, plan, toolchain, closure, stubs)
        program = built_executable(folder, leader)
        return link_shared(folder, plan, toolchain, program) if leader.label in shared else program
    except ToolFailed as failed:
        raise LinkFailed(failed, ((plan, toolchain),)) from None


def _failed(folder: Path, plans: tuple[Plan, ...], toolchains: Toolchains, result: Result) -> ToolFailed:
    """The error for a failed dune run; it says which freestanding links the output speaks of."""
    failed = build_failed(result, folder, plans)
    linked = tuple(
        (plan, toolchains[plan.target])
        for plan in plans
        if toolchains[plan.target].freestanding and f"mirage/{plan.label}/main.exe" in result.output
    )
    return LinkFailed(failed, linked) if linked else failed

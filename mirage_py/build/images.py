"""Building: plans and the tools of this machine become images in `dist/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mirage_py.build import editor
from mirage_py.build.ending import Ending
from mirage_py.build.equip import (
    Equipment,
    check_dune_lang,
    compile_stubs,
    cross_environment,
    dune_command,
    equip,
    workspaces,
)
from mirage_py.build.finish import Outcome, finish, mapped
from mirage_py.build.link import Group, groups, leaders, link_by_hand, link_shared, sharing
from mirage_py.build.linkmap import Linked
from mirage_py.build.making import MACHINE, Making
from mirage_py.build.manifests import devices
from mirage_py.build.maps import ask_anew, forget_unclaimed
from mirage_py.build.origins import grounds, refusal
from mirage_py.dataclass import dataclass
from mirage_py.doors.files import Tree
from mirage_py.doors.processes import Result, run
from mirage_py.errors import LibraryNotFound, ToolFailed
from mirage_py.model.closure import Closure
from mirage_py.model.command import Command
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.toolchain.steps import strip

Toolchains = Mapping[str, Toolchain]


class LinkFailed(ToolFailed):
    """A link that failed, with the plans it may be about: whoever knows libraries can say what is behind it."""

    def __init__(self, failed: ToolFailed, linked: tuple[tuple[Plan, Toolchain], ...]) -> None:
        super().__init__(
            failed.message, output=failed.output, location=failed.location, details=failed.details, hint=failed.hint
        )
        self.linked = linked


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """What dune is done with: images in the making, and what it is asked for editors."""

    folder: Path
    makings: tuple[Making, ...]
    groups: tuple[Group, ...]
    question: editor.Question

    def endings(self) -> tuple[Ending, ...]:
        """The last steps of the images, by what dune has made."""
        several = len({making.plan.name for making in self.makings}) > 1
        return tuple(ending_of(making, several=several) for making in self.makings)

    def refusal(self, ending: Ending, objects: tuple[Linked, ...]) -> LibraryNotFound:
        """The error for an image that these objects of this machine are in."""
        error = refusal(objects, self._making(ending))
        assert error is not None, "some are in it"
        return error

    def link_failed(self, ending: Ending, failed: ToolFailed) -> LinkFailed:
        """The error for a link that failed."""
        making = self._making(ending)
        return LinkFailed(failed, ((making.plan, making.toolchain),))

    def _making(self, ending: Ending) -> Making:
        return next(making for making in self.makings if making.plan.label == ending.label)


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

    def compiled() -> Compiled:
        equipment = equip(folder, plans, closures, host, toolchains)
        stubs = compile_stubs(equipment)
        spaces = workspaces(folder, plans, host, toolchains)
        tree.mirror(MACHINE, {**equipment.files, **stubs, **spaces, **editor.kept(folder)})
        chosen = groups(plans, toolchains)
        for plan in (one for group in chosen for one in group.compiled if not group.by_hand):
            if toolchains[plan.target].generation == "cross":
                forget_unclaimed(folder, plan.label)
        commands = [_dune_command(folder, group, host, toolchains, environment, jobs, dev=dev) for group in chosen]
        makings = _makings(folder, plans, closures, toolchains, equipment)
        question = editor.question(folder, chosen[0], host, config_file)
        found = Compiled(folder=folder, makings=makings, groups=chosen, question=question)
        with around(commands, found):
            for group, command in zip(chosen, commands, strict=True):
                progress(command.purpose)
                result = _run_dune(tree, group, command, tell)
                if not result.ok:
                    editor.refresh(tree, question)  # what does compile is understood all the same
                    raise _failed(folder, group.plans, toolchains, result)
        editor.refresh(tree, question)
        return found

    done, endings = _with_maps(folder, compiled)
    return finish(tree, endings, refusal=done.refusal, failure=done.link_failed)


def failed_run(compiled: Compiled, result: Result, number: int) -> ToolFailed | None:
    """The error for the failed dune run of a group; None where it failed for its record, and has to be run anew."""
    from mirage_py.build.diagnostics import lost_its_memory  # 6 ms, for what fails

    if lost_its_memory(result):
        return None
    toolchains = {making.plan.target: making.toolchain for making in compiled.makings}
    return _failed(compiled.folder, compiled.groups[number].plans, toolchains, result)


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


def _with_maps(folder: Path, compiled: Callable[[], Compiled]) -> tuple[Compiled, tuple[Ending, ...]]:
    """What `compiled` gives, each program with its map; dune links again what came without one from its cache."""
    done = compiled()
    endings = done.endings()
    lacking = [one.leader for one in endings if not mapped([one])]
    if lacking:
        for label in lacking:
            ask_anew(folder, label)
        done = compiled()
        endings = done.endings()
        mapped(endings)
    return done, endings


STRIPPED = "mirage/.stubs/stripped"
"""Where images are made from what was linked: without the sections that only a debugger reads."""


def ending_of(making: Making, *, several: bool = False) -> Ending:
    """The last steps of an image, by what dune has made of it; `several` unikernels are told apart by their names."""
    plan, tools = making.plan, making.toolchain
    link = link_by_hand(making) if making.by_hand else link_shared(making) if making.shared else None
    linked = link.output if link else making.program
    asked = plan.manifest is not None and tools.elftool is not None
    return Ending(
        label=plan.label,
        name=plan.name,
        target=plan.target,
        image=plan.image,
        leader=making.leader.label,
        folder=making.folder,
        context=making.context,
        program=making.program,
        mapped_by_dune=making.mapped_by_dune,
        link=link,
        strip=strip(tools, linked, making.folder / STRIPPED / plan.label),
        grounds=grounds(making),
        run_command=f"mpy run -t {plan.target}" + (f" -u {plan.name}" if several else ""),
        devices=devices(plan.manifest or {"devices": []}) if asked else (),
        elftool=tools.elftool if asked else None,
    )


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

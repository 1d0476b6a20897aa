"""Info: all that is known about a unikernel on a target once its graph stands; what targets and generators read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mirage_py.dataclass import dataclass, replace
from mirage_py.dsl.config import Config, Unikernel
from mirage_py.dsl.device import CSources
from mirage_py.dsl.key import Key
from mirage_py.dsl.scheduler import Scheduler, lwt
from mirage_py.dsl.term import Device
from mirage_py.dsl.types import ModuleType
from mirage_py.dsl.value import pure
from mirage_py.errors import Location
from mirage_py.resolve.boot_args import BootArg, boot_args
from mirage_py.resolve.bridges import check_main_loop, check_schedulers, packages_of_bridge
from mirage_py.resolve.checks import blocks, check_generated, check_required, check_supported, nets
from mirage_py.resolve.context import Context
from mirage_py.resolve.graph import Graph, Node, build_graph
from mirage_py.resolve.packages import Asked, Requirement, merge
from mirage_py.resolve.platform import Platform

_ROOT: ModuleType[Any] = ModuleType("root")


@dataclass(frozen=True, kw_only=True)
class Info:
    """A resolved unikernel. `output` names the image, `nets` and `blocks` are in the order of connection.

    `source_dir` leads from the generated folder to the folder of config.py.
    """

    name: str
    output: str
    target: str
    config_file: str
    choices: Context
    keys: Mapping[str, Key[Any]]
    requirements: tuple[Requirement, ...]
    local_libs: tuple[str, ...]
    boot_args: tuple[BootArg, ...]
    nets: tuple[str, ...]
    blocks: tuple[str, ...]
    c_sources: tuple[CSources, ...]
    modules: tuple[str, ...] | None
    src: str | None
    location: Location | None
    source_dir: str = "../.."
    scheduler: Scheduler = lwt
    libc_gaps: tuple[str, ...] = ()

    @property
    def libraries(self) -> tuple[str, ...]:
        """Every library to link, sorted."""
        return tuple(sorted({lib for r in self.requirements for lib in r.libraries} | set(self.local_libs)))

    @property
    def label(self) -> str:
        """The name of this unikernel on this target: its folder, its opam package."""
        return f"{self.output}-{self.target}"

    def block_number(self, name: str) -> int:
        """The number of a disk, from 1 in the order of connection; 0 is left to a boot disk."""
        return self.blocks.index(name) + 1

    def boot_arg_names(self, node: Node) -> tuple[str, ...]:
        """The OCaml names of a node's boot-time arguments, in its own order."""
        if not node.device.runtime_args:
            return ()
        names = {one.arg.code: one.name for one in self.boot_args}
        return tuple(names[arg.code] for arg in node.device.runtime_args)


def resolve(
    config: Config,
    unikernel: Unikernel,
    keys: Mapping[str, Key[Any]],
    context: Context,
    platform: Platform,
    *,
    output: str | None = None,
) -> tuple[Graph, Info]:
    """The graph of a unikernel in a context that was chosen of its keys, and what is known about it.

    Raises `UnsupportedDevice`, `PackageConflict`, `UsageError` (a required key), or `ConfigError` (two boot-time
    options, two interfaces or two generated files of one name).
    """
    root = root_device(unikernel, platform)
    graph = build_graph(root, unikernel.init, context)
    check_supported(graph, context, platform.target)
    check_schedulers(graph, unikernel)
    check_main_loop(unikernel, platform)
    check_required(graph, context)
    mains = [device for device in graph.devices if device.is_main]
    info = Info(
        name=unikernel.name,
        output=output or unikernel.name,
        target=platform.target,
        config_file=config.file,
        choices=context,
        keys=keys,
        requirements=merge(_asked(graph, context, unikernel.scheduler, platform), config.overrides),
        local_libs=tuple(dict.fromkeys(lib for device in graph.devices for lib in device.local_libs)),
        boot_args=boot_args(graph),
        nets=nets(graph, context),
        blocks=blocks(graph, context),
        c_sources=tuple(dict.fromkeys(source for device in mains for source in device.c_sources)),
        modules=_modules(mains),
        src=unikernel.src,
        location=unikernel.location,
        scheduler=unikernel.scheduler,
        libc_gaps=tuple(sorted({name for device in mains for name in device.libc_gaps})),
    )
    check_generated(graph, info)
    return graph, info


def root_device(unikernel: Unikernel, platform: Platform) -> Device:
    """The device above all others: it waits for the initial jobs and for the user's."""
    return Device(
        module="Mirage_runtime",
        type=_ROOT,
        connect=lambda _: "return ()",
        packages=pure((*unikernel.scheduler.packages_on(platform.os_module), *platform.packages)),
        extra_deps=(*unikernel.init, *unikernel.jobs),
        location=unikernel.location,
    )


def _asked(graph: Graph, context: Context, scheduler: Scheduler, platform: Platform) -> Iterator[Asked]:
    of_scheduler = {package.name for package in scheduler.packages_on(platform.os_module)}
    for node in _told_apart(graph):
        who = "the target" if node is graph.root else node.device.module
        for one in asked_by(node, who, context):
            is_schedulers = node is graph.root and one.package.name in of_scheduler
            yield replace(one, by=f"the scheduler {scheduler.name}") if is_schedulers else one
        for package in packages_of_bridge(node, scheduler):
            yield Asked(package=package, by=who, location=node.location)


def _told_apart(graph: Graph) -> Iterable[Node]:
    """The first node of each device at each place: who asks for a package is told by these, whatever it is over."""
    found: dict[tuple[Device, Location | None], Node] = {}
    for node in graph.nodes:
        found.setdefault((node.device, node.location), node)
    return found.values()


def asked_by(node: Node, who: str, choices: Mapping[str, Any]) -> Iterator[Asked]:
    """The packages that a device and its boot-time arguments ask for, in the name of `who`."""
    wanted = (*node.device.packages.eval(choices), *(p for arg in node.device.runtime_args for p in arg.packages))
    for package in wanted:
        yield Asked(package=package, by=who, location=node.location)


def _modules(mains: list[Device]) -> tuple[str, ...] | None:
    named = [device.modules for device in mains]
    if any(modules is None for modules in named):
        return None
    return tuple(dict.fromkeys(module for modules in named for module in modules or ()))

"""Info: all that is known about a unikernel on a target once its graph stands; what targets and generators read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mirage_py.dsl.config import Config, Unikernel
from mirage_py.dsl.device import CSources, Device
from mirage_py.dsl.key import Key, target as target_key
from mirage_py.dsl.package import Package
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.types import ModuleType
from mirage_py.dsl.value import pure
from mirage_py.errors import ConfigError, Location, UnsupportedDevice
from mirage_py.resolve.context import Context, keys_of, mentioned_by
from mirage_py.resolve.graph import Graph, Node, build_graph
from mirage_py.resolve.packages import Asked, Requirement, merge

_ROOT: ModuleType[Any] = ModuleType("root")

ALWAYS_OPTIONS = ("name", "help", "version")
"""Boot-time options that every unikernel has, whatever its devices."""


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What the engine must know of a target: the packages that every unikernel needs there."""

    target: str
    packages: tuple[Package, ...]


@dataclass(frozen=True, kw_only=True)
class BootArg:
    """A boot-time argument of the unikernel with the OCaml name it is bound to."""

    arg: RuntimeArg
    name: str


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
        names = {one.arg.code: one.name for one in self.boot_args}
        return tuple(names[arg.code] for arg in node.device.runtime_args)


def resolve(
    config: Config, unikernel: Unikernel, context: Context, platform: Platform, *, output: str | None = None
) -> tuple[Graph, Info]:
    """The graph of a unikernel in a context, and what is known about it.

    Raises `UnsupportedDevice`, `PackageConflict`, `UsageError` (a required key), or `ConfigError` (two boot-time options
    of one name, two interfaces of one name).
    """
    root = root_device(unikernel, platform)
    graph = build_graph(root, unikernel.init, context)
    _check_supported(graph, context, platform.target)
    _check_required(graph, context)
    mains = [node.device for node in graph.nodes if node.device.is_main]
    info = Info(
        name=unikernel.name,
        output=output or unikernel.name,
        target=platform.target,
        config_file=config.file,
        choices=context,
        keys=keys_of((*unikernel.init, *unikernel.jobs)) | {target_key.name: target_key},
        requirements=merge(_asked(graph, context), config.overrides),
        local_libs=tuple(dict.fromkeys(lib for node in graph.nodes for lib in node.device.local_libs)),
        boot_args=_boot_args(graph),
        nets=_nets(graph, context),
        blocks=tuple(dict.fromkeys(_resources(graph, context, "block"))),
        c_sources=tuple(dict.fromkeys(source for device in mains for source in device.c_sources)),
        modules=_modules(mains),
        src=unikernel.src,
        location=unikernel.location,
    )
    return graph, info


def root_device(unikernel: Unikernel, platform: Platform) -> Device:
    """The device above all others: it waits for the initial jobs and for the user's."""
    return Device(
        module="Mirage_runtime",
        type=_ROOT,
        connect=lambda _: "return ()",
        packages=pure(platform.packages),
        extra_deps=(*unikernel.init, *unikernel.jobs),
        location=unikernel.location,
    )


def _check_supported(graph: Graph, context: Context, target: str) -> None:
    refused = [(node, reason) for node in graph.nodes if (reason := node.device.refusal.eval(context))]
    if not refused:
        return
    node, reason = refused[0]
    others = tuple(f"also {n.device.module}: {why}" for n, why in refused[1:])
    raise UnsupportedDevice(
        f"target {target} cannot have {node.device.module}: {reason}",
        location=node.location,
        details=(_path(graph, node), *others),
        hint="choose another device, or configure for another target with -t",
    )


def _path(graph: Graph, node: Node) -> str:
    parents = graph.parents()
    steps = []
    while (above := parents.get(node)) and above is not graph.root:
        steps.append(f"{above.device.module} ({above.location})" if above.location else above.device.module)
        node = above
    return "asked for by " + ", for ".join(steps) if steps else "asked for as a job"


def _check_required(graph: Graph, context: Context) -> None:
    for node in graph.nodes:
        for key in mentioned_by(node.device):
            key.eval(context)


def _asked(graph: Graph, context: Context) -> Iterator[Asked]:
    for node in graph.nodes:
        who = "the target" if node is graph.root else node.device.module
        wanted = (*node.device.packages.eval(context), *(p for arg in node.device.runtime_args for p in arg.packages))
        for package in wanted:
            yield Asked(package=package, by=who, location=node.location)


def _boot_args(graph: Graph) -> tuple[BootArg, ...]:
    args = {arg.code: arg for node in graph.nodes for arg in node.device.runtime_args}
    _check_options(args.values())
    taken: set[str] = set()
    found = []
    for arg in args.values():
        found.append(BootArg(arg=arg, name=_fresh(_stem(arg.code), taken)))
    return tuple(found)


def _stem(code: str) -> str:
    path = re.match(r"[A-Za-z0-9_.']+", code)
    words = re.sub(r"[^a-z0-9_]+", "_", (path.group() if path else "").lower()).strip("_")
    return words if words and not words[0].isdigit() else f"arg_{words}".rstrip("_")


def _fresh(stem: str, taken: set[str]) -> str:
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    taken.add(name)
    return name


def _check_options(args: Iterable[RuntimeArg]) -> None:
    owners: dict[str, RuntimeArg | None] = dict.fromkeys(ALWAYS_OPTIONS)
    for arg in args:
        for option in arg.options:
            if option in owners:
                raise _option_twice(option, arg, owners[option])
            owners[option] = arg


def _option_twice(option: str, arg: RuntimeArg, other: RuntimeArg | None) -> ConfigError:
    dashes = "-" if len(option) == 1 else "--"
    first = f"{other.code}" + (f" ({other.location})" if other.location else "") if other else "every unikernel"
    return ConfigError(
        f"two boot-time arguments define the option {dashes}{option}",
        location=arg.location or (other.location if other else None),
        details=(
            f"{arg.code}" + (f" ({arg.location})" if arg.location else ""),
            first,
            "the unikernel would die when it boots",
        ),
        hint="give one of the devices a group (group=...), or rename the option",
    )


def _resources(graph: Graph, context: Context, kind: str) -> Iterator[str]:
    for node in graph.nodes:
        yield from (r.name for r in node.device.resources.eval(context) if r.kind == kind)


def _nets(graph: Graph, context: Context) -> tuple[str, ...]:
    names = tuple(_resources(graph, context, "net"))
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        places = [n.location for n in graph.nodes if any(r.name == twice for r in n.device.resources.eval(context))]
        raise ConfigError(
            f"two network interfaces are named {twice!r}",
            location=places[-1],
            details=(f"the other one is at {places[0] or 'the catalogue'}",),
            hint="give them different names, or use one netif twice",
        )
    return names


def _modules(mains: list[Device]) -> tuple[str, ...] | None:
    named = [device.modules for device in mains]
    if any(modules is None for modules in named):
        return None
    return tuple(dict.fromkeys(module for modules in named for module in modules or ()))

"""What a graph must satisfy before anything is generated from it; a refusal names the place, or both places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Literal

from mirage_py.dsl.device import ConfiguredUnikernel, Sexp
from mirage_py.dsl.xenstore import disk_id, read_id
from mirage_py.errors import ConfigError, Location, UnsupportedDevice
from mirage_py.resolve.context import mentioned_by
from mirage_py.resolve.graph import Graph, Node

Choices = Mapping[str, Any]


def check_supported(graph: Graph, choices: Choices, target: str) -> None:
    """Refuse devices that say that they cannot exist for these choices, with the way that leads to the first."""
    reasons = {device: reason for device in graph.devices if (reason := device.refusal.eval(choices))}
    if not reasons:
        return
    refused = [(node, reasons[node.device]) for node in graph.nodes if node.device in reasons]
    node, reason = refused[0]
    others = tuple(f"also {n.device.module}: {why}" for n, why in refused[1:])
    raise UnsupportedDevice(
        f"target {target} cannot have {node.device.module}: {reason}",
        location=node.location,
        details=(path_to(graph, node), *others),
        hint="choose another device, or configure for another target with -t",
    )


def path_to(graph: Graph, node: Node) -> str:
    """Who asked for a device, up to the job."""
    parents = graph.parents()
    steps = []
    while (above := parents.get(node)) and above is not graph.root:
        steps.append(f"{above.device.module} ({above.location})" if above.location else above.device.module)
        node = above
    return "asked for by " + ", for ".join(steps) if steps else "asked for as a job"


def place_of(graph: Graph, node: Node) -> Location | None:
    """Where a device was written; one of the catalogue stands where the first that asks for it was written."""
    parents = graph.parents()
    above: Node | None = node
    while above is not None and above.location is None:
        above = parents.get(above)
    return above.location if above else None


def check_required(graph: Graph, choices: Choices) -> None:
    """Ask every key of a device for its value: a required one that was not given refuses with a `UsageError`."""
    for key in dict.fromkeys(chain.from_iterable(map(mentioned_by, graph.devices))):
        key.eval(choices)


def resources(graph: Graph, choices: Choices, kind: Literal["net", "block", "xenstore"]) -> Iterator[tuple[str, Node]]:
    """The names of what the devices are connected to, with the device, in the order of connection."""
    connected = {device: found for device in graph.devices if (found := device.resources.eval(choices))}
    for node in graph.nodes if connected else ():
        yield from ((r.name, node) for r in connected.get(node.device, ()) if r.kind == kind)


def nets(graph: Graph, choices: Choices) -> tuple[str, ...]:
    """The network interfaces; a `ConfigError` when two have one name."""
    owners: dict[str, Node] = {}
    for name, node in resources(graph, choices, "net"):
        if name in owners:
            raise _twice(
                f"two network interfaces are named {name!r}",
                owners[name],
                node,
                "give them different names, or use one netif twice",
            )
        owners[name] = node
    return tuple(owners)


def blocks(graph: Graph, choices: Choices) -> tuple[str, ...]:
    """The disks by name; a `ConfigError` when one that Xen numbers has the identifier of one that names its own."""
    owners: dict[str, Node] = {}
    for name, node in resources(graph, choices, "block"):
        owners.setdefault(name, node)
    numbered = {disk_id(number): node for number, node in enumerate(owners.values(), start=1)}
    for name, node in resources(graph, choices, "xenstore"):
        owner = numbered.get(read_id(name) or 0)
        if owner is not None:
            raise _twice(
                f"two disks have the XenStore identifier {name}",
                owner,
                node,
                "disks by name are numbered from xvdb on: name this one too, or give it a higher identifier",
            )
    return tuple(owners)


def check_generated(graph: Graph, unikernel: ConfiguredUnikernel) -> None:
    """Refuse two dune rules that write one file in different ways; equal ones are one."""
    makers: dict[str, tuple[Sexp, Node]] = {}
    for node in graph.nodes:
        for stanza in node.device.dune(unikernel) if node.device.dune else ():
            for file in _targets(stanza):
                known, owner = makers.setdefault(file, (stanza, node))
                if known != stanza:
                    raise _twice(
                        f"two dune rules write {file}, each in its own way",
                        owner,
                        node,
                        "rename what one of them is made from: folders such as a-b and a_b give one module name",
                    )


def _targets(stanza: Sexp) -> Iterator[str]:
    fields = stanza[1:] if isinstance(stanza, tuple) and stanza[:1] == ("rule",) else ()
    for field in fields:
        if isinstance(field, tuple) and field[:1] in {("target",), ("targets",)}:
            yield from (file for file in field[1:] if isinstance(file, str))


def _twice(message: str, first: Node, second: Node, hint: str) -> ConfigError:
    return ConfigError(
        message,
        location=second.location,
        details=(f"the other one is at {first.location or 'the catalogue'}",),
        hint=hint,
    )

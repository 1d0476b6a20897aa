"""Devices that are written for another scheduler than the unikernel's: how they are awaited, or why they are refused.

The initial jobs are mpy's own choice, and are let in over whatever bridge the page knows; what a person composes is let
in only over one that the configuration names.
"""

from __future__ import annotations

from mirage_py.dsl.config import Unikernel
from mirage_py.dsl.package import Package
from mirage_py.dsl.scheduler import Bridge, Scheduler
from mirage_py.dsl.term import postorder
from mirage_py.errors import ConfigError, UnsupportedTarget
from mirage_py.resolve.checks import path_to, place_of
from mirage_py.resolve.graph import Graph, Node
from mirage_py.resolve.platform import Platform

__all__ = ["bridge_for", "check_main_loop", "check_schedulers", "packages_of_bridge"]


def bridge_for(node: Node, scheduler: Scheduler) -> Bridge | None:
    """The bridge over which a device is awaited; None for one that speaks the unikernel's own language."""
    other = node.device.scheduler
    return None if other is None or scheduler.understands(other) else scheduler.bridge_to(other)


def packages_of_bridge(node: Node, scheduler: Scheduler) -> tuple[Package, ...]:
    """What awaiting a device over a bridge needs: the bridge, and the scheduler on its other side."""
    bridge, other = bridge_for(node, scheduler), node.device.scheduler
    return (*bridge.packages, *other.packages) if bridge and other else ()


def check_main_loop(unikernel: Unikernel, platform: Platform) -> None:
    """Refuse a scheduler that has no main loop on the target."""
    scheduler = unikernel.scheduler
    if scheduler.loop_on(platform.os_module) is None:
        has = ", ".join(loop.os for loop in scheduler.loops)
        raise UnsupportedTarget(
            f"scheduler {scheduler.name} has no main loop for target {platform.target}",
            location=unikernel.location,
            details=(
                f"it has one beside {has}" if has else "it has none at all",
                f"here it would be beside {platform.os_module}",
            ),
            hint=f'take another target, or give the page a MainLoop(os="{platform.os_module}", run=..., packages=...)',
        )


def check_schedulers(graph: Graph, unikernel: Unikernel) -> None:
    """Refuse, with a `ConfigError`, a device whose promises cannot be awaited, with the way that leads to it."""
    scheduler = unikernel.scheduler
    others = {device for device in graph.devices if not scheduler.understands(device.scheduler)}
    if not others:
        return
    initial = set(postorder(graph.init, lambda node: node.inputs))
    foreign = [(node, node.device.scheduler) for node in graph.nodes if node.device in others]
    refused = [(node, other) for node, other in foreign if other and not _let_in(other, scheduler, node in initial)]
    if not refused:
        return
    node, other = refused[0]
    also = dict.fromkeys(one.device.module for one, _ in refused if one.device.module != node.device.module)
    raise ConfigError(
        f"{node.device.module} is written for {other.name}, and unikernel {unikernel.name} runs on {scheduler.name}",
        location=place_of(graph, node) if node not in initial else unikernel.location,
        details=(
            path_to(graph, node) if node not in initial else "it is one of the initial jobs",
            *((f"so are {', '.join(also)}",) if also else ()),
        ),
        hint=_what_bridges(scheduler, other, initial=node in initial),
    )


def _let_in(other: Scheduler, scheduler: Scheduler, initial: bool) -> bool:  # private, named at its call
    return scheduler.bridge_to(other) is not None and (initial or other.name in scheduler.bridged)


def _what_bridges(scheduler: Scheduler, other: Scheduler, *, initial: bool) -> str:
    if scheduler.bridge_to(other):
        words = {"lwt": "scheduler.lwt", "async": "scheduler.async_"}
        ours, theirs = (words.get(one.name, one.name) for one in (scheduler, other))
        return f"let it in over the bridge: register(..., scheduler={ours}.bridging({theirs}))"
    bridge = f"Bridge(of={other.name!r}, function=...)"
    named = "" if initial else f", and let it in: .bridging({other.name})"
    return f"give the page a {bridge}, of type (unit -> 'a {other.promise}) -> 'a {scheduler.promise}{named}"

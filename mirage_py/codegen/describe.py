"""The graph as plain data, for `query graph --json` and for the pictures that `describe` draws."""

from __future__ import annotations

from typing import Any

from mirage_py.resolve.graph import Graph, Node
from mirage_py.resolve.info import Info
from mirage_py.resolve.packages import Requirement

Json = dict[str, Any]  # any: JSON


def graph_json(graph: Graph, info: Info, *, image: str, os_module: str, manifest: Json | None) -> Json:
    """The graph in the form of `docs/reference/json.md`; `manifest` is None where the target has none."""
    return {
        "accepted": True,
        "name": info.name,
        "target": info.target,
        "image": image,
        "run": info.scheduler.run_on(os_module),
        "devices": [_device(node, info) for node in graph.nodes],
        "init": [node.variable for node in (*graph.init, graph.root)],
        "packages": [requirement_json(requirement) for requirement in info.requirements],
        "libraries": list(info.libraries),
        "manifest": manifest,
    }


def _device(node: Node, info: Info) -> Json:
    from mirage_py.codegen.main_ml import connect  # most queries do without code

    return {
        "id": node.variable,
        "module": node.device.module,
        "args": [arg.variable for arg in node.args],
        "deps": [child.variable for child in node.inputs],
        "runtime_args": [arg.code for arg in node.device.runtime_args],
        "runtime_arg_names": [f"_{name}" for name in info.boot_arg_names(node)],
        "connect": connect(node, info),
        "location": str(node.location) if node.location else None,
    }


def requirement_json(requirement: Requirement) -> Json:
    """An opam package as the whole unikernel needs it."""
    pin = requirement.pin
    return {
        "name": requirement.name,
        "scope": requirement.scope,
        "build": requirement.build,
        "min": list(requirement.min),
        "max": list(requirement.max),
        "pin": None if pin is None else {"url": pin.url, "version": pin.version},
        "libraries": list(requirement.libraries),
        "asked_by": list(dict.fromkeys(str(one) for one in requirement.asked)),
    }

"""A resolved unikernel as plain data: the JSON of `query` and `describe`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from mirage_py.codegen.describe import graph_json
from mirage_py.dsl.key import Key
from mirage_py.resolve.boot_args import BootArg
from mirage_py.resolve.packages import Requirement
from mirage_py.targets.resolved import Resolved

if TYPE_CHECKING:
    from mirage_py.describe.served import Served, Sources

Json = dict[str, Any]  # any: JSON


def graph_data(one: Resolved) -> Json:
    """The graph, in the form that is compared with the OCaml configurator's."""
    plan = one.plan
    manifest = None if plan.manifest is None else dict(plan.manifest)
    name = PurePosixPath(plan.image).name
    graph = graph_json(one.graph, one.info, image=name, os_module=plan.os_module, manifest=manifest)
    return graph | {"path": f"dist/{plan.image}"}


def description(one: Resolved, served: Mapping[str, Served], sources: Sources | None) -> Json:
    """All that `describe` knows: the graph, and what was chosen, what it is connected to, and who serves what."""
    return graph_data(one) | {
        "config": one.info.config_file,
        "location": str(one.info.location) if one.info.location else None,
        "keys": keys_data(one),
        "boot_arguments": boot_arguments_data(one),
        "nets": list(one.plan.nets),
        "blocks": list(one.plan.blocks),
        "files": files(one),
        "served": {name: asdict(served[name]) for name in sorted(served)},
        "sources": asdict(sources) if sources else None,
    }


def keys_data(one: Resolved) -> list[Json]:
    """Every key, with its value here and who chose it."""
    return [_key(key, one) for _, key in sorted(one.info.keys.items())]


def _key(key: Key[Any], one: Resolved) -> Json:
    return {
        "name": key.name,
        "kind": key.kind,
        "value": key.show(key.eval(one.context)) if _has_value(key, one) else None,
        "source": one.context.source(key),
        "default": None if key.default is None else key.show(key.default),
        "choices": list(key.choices),
        "required": key.required,
        "doc": key.doc,
        "environment": key.environment,
        "location": str(key.location) if key.location else None,
    }


def _has_value(key: Key[Any], one: Resolved) -> bool:
    """A required key of a branch that is not taken may be left out; an optional one stands for None."""
    if key.required and key.name not in one.context:
        return False
    return key.eval(one.context) is not None


def boot_arguments_data(one: Resolved) -> list[Json]:
    """The arguments that the unikernel reads when it starts."""
    return [_boot_argument(boot) for boot in one.info.boot_args]


def _boot_argument(boot: BootArg) -> Json:
    return {
        "name": boot.name,
        "code": boot.arg.code,
        "options": list(boot.arg.options),
        "location": str(boot.arg.location) if boot.arg.location else None,
    }


def files(one: Resolved) -> list[str]:
    """The generated files of this target, relative to the directory of config.py."""
    return [f"mirage/{one.plan.label}/{file.path}" for file in one.plan.files]


def plan_data(one: Resolved) -> Json:
    """The plan without the texts of its files."""
    plan = one.plan
    return {
        "name": plan.name,
        "target": plan.target,
        "label": plan.label,
        "image": f"dist/{plan.image}",
        "context": plan.context,
        "abi": plan.abi,
        "os_module": plan.os_module,
        "files": files(one),
        "modules": list(plan.modules),
        "c_stubs": [asdict(stub) for stub in plan.c_stubs],
        "libraries": [asdict(library) for library in plan.libraries],
        "forbidden": list(plan.forbidden),
        "nets": list(plan.nets),
        "blocks": list(plan.blocks),
        "manifest": None if plan.manifest is None else dict(plan.manifest),
    }


def bounds(requirement: Requirement) -> str:
    """The versions that serve, as opam writes them; what is special about the package."""
    versions = [*(f">= {version}" for version in requirement.min), *(f"< {version}" for version in requirement.max)]
    notes = ["(build)"] * requirement.build + ([f"(pin {requirement.pin.url})"] if requirement.pin else [])
    return " ".join(filter(None, [" & ".join(versions), *notes]))

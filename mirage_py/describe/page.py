"""Graphs as one page that needs nothing else: zoomable, a click tells the details, targets side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Literal

from mirage_py.codegen.main_ml import connect
from mirage_py.codegen.render import render
from mirage_py.codegen.stamp import stamp
from mirage_py.dataclass import dataclass
from mirage_py.describe.roles import drawn, waited
from mirage_py.describe.svg import drawing
from mirage_py.resolve.graph import Node
from mirage_py.targets.resolved import Resolved

Json = dict[str, Any]  # any: JSON


Kind = Literal["device", "package", "connected to", "boot-time argument"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How often each picture has something, where they do not all have the same."""

    kind: Kind
    name: str
    counts: tuple[int, ...]


def page(found: Sequence[Resolved]) -> str:
    """The page for these unikernels and targets, one picture beside the other."""
    different = differences(found)
    alone = _unlike(found)
    pictures = [
        {
            "title": f"{one.info.name} for {one.info.target}",
            "target": one.info.target,
            "svg": drawing(one, prefix=f"p{number}-", alone=alone),
        }
        for number, one in enumerate(found)
    ]
    names = ", ".join(dict.fromkeys(one.info.name for one in found))
    return render(
        "describe/page.html.j2",
        title=f"{names} for {', '.join(dict.fromkeys(one.info.target for one in found))}",
        stamp=stamp("opam", found[0].info.config_file).removeprefix("# "),
        pictures=pictures,
        differences=[(kind, list(rows)) for kind, rows in groupby(different, key=lambda row: row.kind)],
        facts=_script([_facts(one) for one in found]),
    )


def differences(found: Sequence[Resolved]) -> tuple[Difference, ...]:
    """What is not in every picture as often: devices, then what they need and are connected to."""
    kinds: tuple[tuple[Kind, Callable[[Resolved], Iterable[str]]], ...] = (
        ("device", lambda one: (node.device.module for node in drawn(one))),
        ("package", lambda one: (requirement.name for requirement in one.info.requirements)),
        (
            "connected to",
            lambda one: (*(f"net {net}" for net in one.plan.nets), *(f"block {b}" for b in one.plan.blocks)),
        ),
        ("boot-time argument", lambda one: (boot.arg.code for boot in one.info.boot_args)),
    )
    return tuple(row for kind, names in kinds for row in _rows(kind, [Counter(names(one)) for one in found]))


def _rows(kind: Kind, counted: Sequence[Counter[str]]) -> Iterable[Difference]:
    names = dict.fromkeys(name for count in counted for name in count)
    rows = (Difference(kind=kind, name=name, counts=tuple(count[name] for count in counted)) for name in names)
    return (row for row in rows if len(set(row.counts)) > 1)


def _unlike(found: Sequence[Resolved]) -> set[str]:
    """The modules of devices that are another in one picture than in the next: not there, or with other packages."""
    counted = [Counter(_kept(node, one) for node in drawn(one)) for one in found]
    every = set().union(*counted)
    return {kept[0] for kept in every if len({count[kept] for count in counted}) > 1}


def _kept(node: Node, one: Resolved) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    packages = tuple(package.name for package in node.device.packages.eval(one.context))
    return node.device.module, packages, tuple(thing.name for thing in node.device.resources.eval(one.context))


def _script(data: object) -> str:
    """JSON as a script element may hold it: nothing in it ends the element."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def _facts(one: Resolved) -> Json:
    needed: dict[Node, list[str]] = {}
    for node in drawn(one):
        for child in node.inputs:
            needed.setdefault(child, []).append(node.variable)
    return {
        "target": one.info.target,
        "devices": {node.variable: _device(node, one, needed.get(node, ())) for node in drawn(one)},
    }


def _device(node: Node, one: Resolved, needed: Iterable[str]) -> Json:
    return {
        "module": node.device.module,
        "type": repr(node.device.type),
        "location": str(node.location) if node.location else None,
        "args": [child.variable for child in node.args],
        "waits": [child.variable for child in waited(node)],
        "needed": list(dict.fromkeys(needed)),
        "packages": [package.name for package in node.device.packages.eval(one.context)],
        "boot": [arg.code for arg in node.device.runtime_args],
        "outside": [f"{thing.kind} {thing.name}" for thing in node.device.resources.eval(one.context)],
        "connect": connect(node, one.info),
    }

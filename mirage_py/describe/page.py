"""Graphs as one page that needs nothing else: zoomable, a click tells the details, targets side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mirage_py.codegen.main_ml import connect
from mirage_py.codegen.render import render
from mirage_py.codegen.stamp import stamp
from mirage_py.describe.roles import drawn, waited
from mirage_py.describe.svg import drawing
from mirage_py.resolve.graph import Node
from mirage_py.targets.resolved import Resolved

Json = dict[str, Any]  # any: JSON


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How many devices of a module each picture has, where they do not all have the same."""

    module: str
    counts: tuple[int, ...]


def page(found: Sequence[Resolved]) -> str:
    """The page for these unikernels and targets, one picture beside the other."""
    different = differences(found)
    alone = {one.module for one in different}
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
        differences=different,
        facts=_script([_facts(one) for one in found]),
    )


def differences(found: Sequence[Resolved]) -> tuple[Difference, ...]:
    """The modules that are not in every picture as often."""
    counted = [Counter(node.device.module for node in drawn(one)) for one in found]
    modules = dict.fromkeys(module for count in counted for module in count)
    rows = (Difference(module=module, counts=tuple(count[module] for count in counted)) for module in modules)
    return tuple(row for row in rows if len(set(row.counts)) > 1)


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

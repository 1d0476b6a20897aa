"""The kinds of `mpy query`: each is a way to tell one thing, as text and as data.

A new kind is an entry of `VIEWS`, or, where this machine is asked, of `mirage_py.workflow.query.MACHINE`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mirage_py.codegen.describe import requirement_json
from mirage_py.dataclass import dataclass
from mirage_py.describe.data import Json, boot_arguments_data, bounds, files, graph_data, keys_data, plan_data
from mirage_py.targets.resolved import Resolved


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of a query: for whom it is, as text and as JSON."""

    heading: str
    text: str
    data: Json


@dataclass(frozen=True, kw_only=True)
class View:
    """What a kind of query tells of one unikernel on one target: data to use, and the same as text to read."""

    data: Callable[[Resolved], Any]  # any: JSON
    text: Callable[[Any], str]  # any: what `data` gives


def answer(kind: str, one: Resolved) -> Answer:
    """The answer to a kind of `VIEWS`, or to `graph`."""
    if kind == "graph":
        data = graph_data(one)
        return Answer(heading=heading(one), text=_graph(data), data=data)
    view = VIEWS[kind]
    told = view.data(one)
    return told_of(kind, one, told, view.text(told))


def told_of(kind: str, one: Resolved, told: Any, text: str) -> Answer:  # any: JSON
    """An answer whose JSON says for what it is."""
    data = {"name": one.info.name, "target": one.info.target, kind.replace("-", "_"): told}
    return Answer(heading=heading(one), text=text, data=data)


def heading(one: Resolved) -> str:
    """Which of several answers this is."""
    return f"{one.info.output} for {one.info.target}"


def _lines(lines: list[str]) -> str:
    return "\n".join(lines)


def _file(ending: str) -> Callable[[Resolved], str]:
    return lambda one: next(file.content for file in one.plan.files if file.path.endswith(ending))


def _package_lines(one: Resolved) -> list[str]:
    return [f"{requirement.name} {bounds(requirement)}".rstrip() for requirement in one.info.requirements]


def _graph(data: Json) -> str:
    """One device a line, what it is applied to in parentheses, what else it waits for after an arrow."""
    return _lines([_node(device) for device in data["devices"]])


def _node(device: Json) -> str:
    applied = "".join(f"({arg})" for arg in device["args"])
    rest = [dep for dep in device["deps"] if dep not in device["args"]]
    waits = f" <- {', '.join(rest)}" if rest else ""
    return f"{device['id']} = {device['module']}{applied}{waits}"


def _key_line(key: Json) -> str:
    value = key["value"] if key["value"] is not None else ""
    return f"{key['name']}={value} ({key['source']})"


def _boot_line(argument: Json) -> str:
    return f"{argument['name']} = {argument['code']}" + (f"  ({argument['location']})" if argument["location"] else "")


def _plan(plan: Json) -> str:
    return _lines([f"{name}: {_plain(value)}".rstrip() for name, value in plan.items()])


def _plain(value: Any) -> str:  # any: JSON
    match value:
        case None:
            return ""
        case [{"name": _}, *_]:
            return ", ".join(one["name"] for one in value)
        case [{"path": _}, *_]:
            return ", ".join(one["path"] for one in value)
        case list():
            return ", ".join(value)
        case dict():
            return json.dumps(value)
        case _:
            return str(value)


def _packages_text(packages: list[Json]) -> str:
    return _lines([package["text"] for package in packages])


VIEWS: Mapping[str, View] = {
    "packages": View(
        data=lambda one: [
            requirement_json(r) | {"text": line}
            for r, line in zip(one.info.requirements, _package_lines(one), strict=True)
        ],
        text=_packages_text,
    ),
    "opam": View(data=_file(".opam"), text=str),
    "files": View(data=files, text=_lines),
    "main": View(data=_file("main.ml"), text=str),
    "dune": View(data=_file("dune"), text=str),
    "libraries": View(data=lambda one: list(one.info.libraries), text=_lines),
    "keys": View(data=keys_data, text=lambda keys: _lines([_key_line(key) for key in keys])),
    "runtime-args": View(data=boot_arguments_data, text=lambda args: _lines([_boot_line(arg) for arg in args])),
    "plan": View(data=plan_data, text=_plan),
}

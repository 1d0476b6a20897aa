"""What `query` and `describe` tell about a configuration: read-only views of what the workflow resolved."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from mirage_py.codegen.describe import graph_json, requirement_json
from mirage_py.resolve.packages import Requirement
from mirage_py.workflow import Request, Resolved, resolve_all

Json = dict[str, Any]  # any: JSON


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of a query: for whom it is, as text and as JSON."""

    heading: str
    text: str
    data: Json


@dataclass(frozen=True, kw_only=True)
class View:
    """What a kind of query tells of one unikernel on one target: text to read, data to use."""

    text: Callable[[Resolved], str]
    data: Callable[[Resolved], Json]


def answers(kind: str, request: Request) -> tuple[Answer, ...]:
    """The answers to one kind of query, one for each unikernel and target that the request names."""
    view = VIEWS[kind]
    return tuple(
        Answer(heading=f"{one.info.output} for {one.info.target}", text=view.text(one), data=view.data(one))
        for one in resolve_all(request)
    )


def _headed(one: Resolved, **fields: Any) -> Json:  # any: JSON
    return {"name": one.info.name, "target": one.info.target} | fields


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _package(requirement: Requirement) -> str:
    bounds = [*(f">= {v}" for v in requirement.min), *(f"< {v}" for v in requirement.max)]
    notes = ["build"] * requirement.build + ([f"pin {requirement.pin.url}"] if requirement.pin else [])
    return " ".join([requirement.name, " & ".join(bounds), *(f"({note})" for note in notes)]).replace("  ", " ").rstrip()


def _file(one: Resolved, ending: str) -> str:
    return next(file.content for file in one.plan.files if file.path.endswith(ending))


def graph_data(one: Resolved) -> Json:
    """The graph in the form of docs/reference/json.md."""
    manifest = dict(one.plan.manifest) if one.plan.manifest is not None else None
    name = PurePosixPath(one.plan.image).name
    graph = graph_json(one.graph, one.info, image=name, os_module=one.plan.os_module, manifest=manifest)
    return graph | {"path": f"dist/{one.plan.image}"}


def _files(one: Resolved) -> list[str]:
    return [f"mirage/{one.plan.label}/{file.path}" for file in one.plan.files]


VIEWS: Mapping[str, View] = {
    "name": View(text=lambda one: one.info.name, data=lambda one: _headed(one)),
    "packages": View(
        text=lambda one: _lines([_package(r) for r in one.info.requirements]),
        data=lambda one: _headed(one, packages=[requirement_json(r) for r in one.info.requirements]),
    ),
    "opam": View(text=lambda one: _file(one, ".opam"), data=lambda one: _headed(one, opam=_file(one, ".opam"))),
    "files": View(text=lambda one: _lines(_files(one)), data=lambda one: _headed(one, files=_files(one))),
    "main": View(text=lambda one: _file(one, "main.ml"), data=lambda one: _headed(one, main=_file(one, "main.ml"))),
    "dune": View(text=lambda one: _file(one, "dune"), data=lambda one: _headed(one, dune=_file(one, "dune"))),
    "libraries": View(
        text=lambda one: _lines(list(one.info.libraries)),
        data=lambda one: _headed(one, libraries=list(one.info.libraries)),
    ),
    "graph": View(text=lambda one: json.dumps(graph_data(one), indent=2), data=graph_data),
}

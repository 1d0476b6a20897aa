"""A unikernel to read at a glance: what it is, what was chosen and by whom, what it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from mirage_py.describe.data import boot_arguments_data, bounds, keys_data
from mirage_py.describe.served import Served, Sources
from mirage_py.describe.tree import Branch, trees
from mirage_py.doors.terminal import Cell, Paint, Row, Style, table
from mirage_py.targets.resolved import Resolved

if TYPE_CHECKING:
    from mirage_py.model.library import Origin

SOURCES: Mapping[str, str] = {
    "flag": "flag",
    "environment": "environment",
    "saved": "saved",
    "default": "default",
}
_SOURCE_STYLES: Mapping[str, Style] = {"flag": "green", "environment": "yellow", "saved": "cyan", "default": "dim"}
_ORIGINS: Mapping[Origin | Literal["missing"], Cell] = {
    "vendored": ("vendored", "green"),
    "local": ("in this tree", "green"),
    "installed": ("installed", "cyan"),
    "bundled": ("bundled", "dim"),
    "missing": ("missing", "red"),
}


def describe_text(
    one: Resolved, served: Mapping[str, Served], sources: Sources | None, paint: Paint, width: int | None
) -> str:
    """The whole description, in lines of about `width` columns; None: as long as they are."""
    columns = None if width is None else width - 2
    sections = (
        ("Keys", _keys(one)),
        ("Arguments at boot", _boot_arguments(one)),
        ("Connected to", _resources(one)),
        ("Packages", _packages(one)),
        ("Libraries", _libraries(one, served)),
        ("Locked sources", list(_sources(sources)) if sources else []),
    )
    tables = {title: table(rows, paint, columns) for title, rows in sections if rows}
    first, jobs = trees(one.graph)
    devices = {"Started first, in this order": _devices(first, paint), "Devices": _devices(jobs, paint)}
    order = ("Keys", "Arguments at boot", "Connected to", *devices, "Packages", "Libraries", "Locked sources")
    blocks = [_head(one, paint)]
    for title in order:
        lines = (tables | devices).get(title)
        if lines:
            blocks.append("\n".join([_title(title, lines, paint), *(f"  {line}" for line in lines)]))
    return "\n\n".join(blocks) + "\n"


def _head(one: Resolved, paint: Paint) -> str:
    """Which unikernel, for what, registered where, and the image."""
    place = f"  {paint(str(one.info.location), 'dim')}" if one.info.location else ""
    return f"{paint(f'{one.info.name} for {one.info.target}', 'bold')}{place}\n  image  dist/{one.plan.image}"


def _keys(one: Resolved) -> list[Row]:
    return [
        (
            (f"--{key['name']}", None),
            (key["value"] if key["value"] is not None else "(none)", "bold"),
            (SOURCES[key["source"]], _SOURCE_STYLES[key["source"]]),
            (key["doc"], "dim"),
        )
        for key in keys_data(one)
    ]


def _boot_arguments(one: Resolved) -> list[Row]:
    return [((_some(arg["options"]) or "(its own)", None), (arg["code"], "dim")) for arg in boot_arguments_data(one)]


MOST_OPTIONS = 3
"""Options of one argument in a line; OCaml's runtime alone has thirteen."""


def _some(options: list[str]) -> str:
    shown = ", ".join(map(_dashed, options[:MOST_OPTIONS]))
    more = len(options) - MOST_OPTIONS
    return f"{shown}, {more} more" if more > 0 else shown


def _dashed(option: str) -> str:
    return f"-{option}" if len(option) == 1 else f"--{option}"


def _resources(one: Resolved) -> list[Row]:
    return [
        *((("net", None), (name, "bold")) for name in one.plan.nets),
        *((("block", None), (name, "bold")) for name in one.plan.blocks),
    ]


def _packages(one: Resolved) -> list[Row]:
    return [((requirement.name, None), (bounds(requirement), "dim")) for requirement in one.info.requirements]


def _libraries(one: Resolved, served: Mapping[str, Served]) -> list[Row]:
    local = {library.name for library in one.plan.libraries if library.local}
    names = sorted({*one.info.libraries, *served})
    return [((name, None), *_origin(name, served, local)) for name in names]


def _origin(name: str, served: Mapping[str, Served], local: set[str]) -> Iterator[Cell]:
    if name in local:
        yield _ORIGINS["local"]
    elif name in served:
        yield _ORIGINS[served[name].origin]
        yield served[name].version or "", "dim"
        needed = f"for {served[name].needed_by}" if served[name].needed_by else None
        yield "; ".join(filter(None, (needed, served[name].locked))), "yellow" if served[name].locked else "dim"


def _sources(sources: Sources) -> Iterator[Row]:
    if sources.trouble is not None:
        yield ("mpy.lock", None), (sources.trouble, "red"), ("remove it and make it anew: mpy lock", "yellow")
        return
    waiting = f"{len(sources.waiting)} not pulled: mpy pull" if sources.waiting else "pulled"
    yield ("mpy.lock", None), (sources.size, None), (waiting, "yellow" if sources.waiting else "green")
    for name, checkout in sources.checkouts.items():
        yield (name, None), (f"from the checkout {checkout}", "yellow"), (f"until mpy dev --drop {name}", "dim")


def _devices(branches: Iterable[Branch], paint: Paint) -> list[str]:
    return [_device(branch, paint) for branch in branches]


def _title(title: str, lines: Iterable[str], paint: Paint) -> str:
    """A heading; where lines are drawn, with what they mean."""
    solid, dashed = (any(corner in line for line in lines) for corner in ("──", "╌╌"))
    meaning = ["── is applied to"] * solid + ["╌╌ waits for"] * dashed
    return paint(title, "bold") + (f"   {paint('   '.join(meaning), 'dim')}" if dashed else "")


def _device(branch: Branch, paint: Paint) -> str:
    node = branch.node
    number = paint(f"#{node.number}", "dim")
    if branch.seen:
        return f"{paint(branch.lead, 'dim')}{node.device.module} {number} {paint(branch.seen, 'dim')}"
    module = paint(node.device.module, "bold" if node.device.is_main else "blue")
    place = f"  {paint(str(node.location), 'dim')}" if node.device.is_main and node.location else ""
    return f"{paint(branch.lead, 'dim')}{module} {number}{place}"

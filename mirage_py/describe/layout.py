"""Where each device of a picture is: layers from the jobs down, few crossings, room for every label.

The layered layout is fast-sugiyama's; what is started first stands apart, in a column of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from mirage_py.dataclass import dataclass
from mirage_py.describe.roles import drawn, only_first, waited
from mirage_py.resolve.graph import Node
from mirage_py.targets.resolved import Resolved

WIDEST: Final = 20
"""Letters of a label's line: longer module paths are broken at a dot, underscores too where that is not enough."""
LETTER: Final = 7.4
"""Width of a bold letter in px, about: boxes are wide enough for any sans-serif font."""
SMALL: Final = 5.8
LINE, PAD, GAP, LAYER = 16.0, 10.0, 26.0, 46.0
BEND: Final = 6.0
"""Width that a line takes where it passes a layer."""


class Point(NamedTuple):
    """A place in px, from the top left."""

    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Box:
    """A device: its middle, its size, the lines of its label."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    @property
    def left(self) -> float:
        return self.x - self.width / 2


@dataclass(frozen=True, kw_only=True)
class Line:
    """From a device to one that it is applied to, or only waits for: the points it passes."""

    above: Node
    below: Node
    waits: bool
    points: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What surrounds the devices that are started first."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A whole picture in px."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    first: Frame | None


def layout(one: Resolved) -> Layout:
    """The picture of a graph."""
    first = only_first(one)
    nodes = tuple(node for node in drawn(one) if node not in first)
    links = tuple(_links(nodes))
    column = _column(first)
    start = column[0].width + 4 * PAD + GAP if column else 0.0
    boxes, lines = _layered(nodes, links, Point(start, 0.0))
    everything = (*column, *boxes)
    width = max((box.x + box.width / 2 for box in everything), default=0.0)
    bends = [point.x for line in lines for point in line.points]
    height = max((box.y + box.height / 2 for box in everything), default=0.0)
    return Layout(
        width=max(width, *bends, 0.0) if bends else width,
        height=height + (PAD if column else 0.0),
        boxes=everything,
        lines=lines,
        first=_frame(column) if column else None,
    )


def _links(nodes: Sequence[Node]) -> Iterator[tuple[Node, Node, bool]]:
    present = set(nodes)
    for node in nodes:
        yield from ((node, child, False) for child in dict.fromkeys(node.args) if child in present)
        yield from ((node, child, True) for child in dict.fromkeys(waited(node)) if child in present)


def label_lines(module: str) -> tuple[str, ...]:
    """A module path in lines of about twenty letters."""
    return tuple(_packed(re.findall(r"\.?[^._]+_*", module) if len(module) > WIDEST else [module]))


def _packed(pieces: Iterable[str]) -> Iterator[str]:
    line = ""
    for piece in pieces:
        if line and len(line) + len(piece) > WIDEST:
            yield line
            line = ""
        line += piece
    yield line


def _size(node: Node) -> tuple[tuple[str, ...], float, float]:
    lines = label_lines(node.device.module)
    width = max(*(len(line) * LETTER for line in lines), len(node.variable) * SMALL) + 2 * PAD
    return lines, width, LINE * (len(lines) + 1) + PAD


def _column(first: Sequence[Node]) -> tuple[Box, ...]:
    sizes = [_size(node) for node in first]
    width = max((size[1] for size in sizes), default=0.0)
    y, boxes = LINE + 2 * PAD, []
    for node, (lines, _, height) in zip(first, sizes, strict=True):
        boxes.append(Box(node=node, x=2 * PAD + width / 2, y=y + height / 2, width=width, height=height, lines=lines))
        y += height + PAD
    return tuple(boxes)


def _frame(column: Sequence[Box]) -> Frame:
    return Frame(
        x=PAD, y=PAD / 2, width=column[0].width + 2 * PAD, height=column[-1].y + column[-1].height / 2 + PAD / 2
    )


def _layered(
    nodes: Sequence[Node], links: Sequence[tuple[Node, Node, bool]], origin: Point
) -> tuple[tuple[Box, ...], tuple[Line, ...]]:
    sizes = {node: _size(node) for node in nodes}
    tall = max((size[2] for size in sizes.values()), default=0.0)
    grid, bends = _grid(nodes, links)
    passing = {cell: BEND for way in bends.values() for cell in way}
    columns = _columns(passing | {grid[node]: sizes[node][1] for node in nodes})
    row = tall + LAYER

    def place(cell: Point) -> Point:
        return Point(origin.x + columns[cell.x], origin.y + tall / 2 + PAD + cell.y * row)

    boxes = {}
    for node in nodes:
        lines, width, height = sizes[node]
        middle = place(grid[node])
        boxes[node] = Box(node=node, x=middle.x, y=middle.y, width=width, height=height, lines=lines)
    drawn_lines = tuple(
        Line(
            above=above,
            below=below,
            waits=waits,
            points=tuple(_through(boxes[above], map(place, bends.get((above, below), ())), boxes[below])),
        )
        for above, below, waits in links
    )
    return tuple(boxes.values()), drawn_lines


def _columns(widths: Mapping[Point, float]) -> dict[float, float]:
    """Where each column of the grid is, as far left as what stands in it has room beside what is left of it.

    `widths` are those of what is in the cells: a column of lines alone is narrow.
    """
    by_column: dict[float, list[tuple[float, float]]] = {}
    for cell, width in widths.items():
        by_column.setdefault(cell.x, []).append((cell.y, width))
    right: dict[float, float] = {}
    found: dict[float, float] = {}
    least = 0.0
    for column in sorted(by_column):
        needed = (right.get(row, 0.0) + width / 2 for row, width in by_column[column])
        found[column] = least = max(least, *needed)
        right |= {row: least + width / 2 + GAP for row, width in by_column[column]}
        least += BEND
    return found


def _through(above: Box, bends: Iterable[Point], below: Box) -> Iterator[Point]:
    yield Point(above.x, above.top + above.height)
    yield from bends
    yield Point(below.x, below.top)


Cell = tuple[int, int]
"""A place of the grid: the number of a connected part of the graph, and that of a device or a bend in it."""


def _grid(
    nodes: Sequence[Node], links: Sequence[tuple[Node, Node, bool]]
) -> tuple[dict[Node, Point], dict[tuple[Node, Node], tuple[Point, ...]]]:
    """Column and layer of each device, counted from 0, and the cells that each long line passes."""
    from fast_sugiyama import from_edges  # only where something is drawn

    linked = {node for above, below, _ in links for node in (above, below)}
    numbers = {node: number for number, node in enumerate(one for one in nodes if one in linked)}
    names = tuple(numbers)
    edges = [(numbers[above], numbers[below]) for above, below, _ in links]
    places: dict[Node, Point] = {}
    bends: dict[tuple[Node, Node], tuple[Point, ...]] = {}
    right = 0.0
    parts: Any = from_edges(edges, vertex_spacing=1, dummy_vertices=True) if edges else ()  # any: it says int | str
    for positions, width, _, drawn_edges in parts:
        left, top = min(x for _, (x, _) in positions), max(y for _, (_, y) in positions)
        cells = {number: Point(right + x - left, top - y) for number, (x, y) in positions}
        places |= {names[number]: cell for number, cell in cells.items() if number < len(names)}
        for start, end, way in _ways(drawn_edges or (), len(names)):
            bends[names[start], names[end]] = tuple(cells[number] for number in way)
        right += width + 1
    for node in nodes:
        if node not in linked:
            places[node], right = Point(right, 0.0), right + 1
    return places, bends


def _ways(edges: Iterable[tuple[int, int]], count: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """For each line its two devices and the bends between them: numbers from `count` on stand for no device."""
    following: dict[int, list[int]] = {}
    for start, end in edges:
        following.setdefault(start, []).append(end)
    for start in [number for number in following if number < count]:
        for end in following[start]:
            way: list[int] = []
            here = end
            while here >= count:
                way.append(here)
                here = following[here][0]
            yield start, here, tuple(way)


def corners(points: Sequence[Point]) -> Iterator[tuple[Point, Point, Point]]:
    """For each stretch of a line, the two handles and the end of a curve that leaves and arrives upright."""
    for start, end in pairwise(points):
        half = (start.y + end.y) / 2
        yield Point(start.x, half), Point(end.x, half), end

"""A graph drawn as SVG, without any program: by itself, or as part of a page."""

from __future__ import annotations

from collections.abc import Container, Iterator
from html import escape
from typing import Final

from mirage_py.codegen.stamp import stamp
from mirage_py.describe.layout import LINE, Box, Frame, Layout, Line, corners, layout
from mirage_py.describe.roles import COLORS, FAINT, INK, role
from mirage_py.targets.resolved import Resolved

MARGIN: Final = 16.0
TITLE: Final = 34.0
FONT: Final = "Helvetica, Arial, sans-serif"


def svg(one: Resolved) -> str:
    """The picture as a file of its own, with its title above."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + drawing(one) + "\n"


def drawing(one: Resolved, *, prefix: str = "", alone: Container[str] = ()) -> str:
    """The `svg` element; `prefix` tells apart the names in it from those of another picture on the same page.

    `alone` are the modules of devices that stand out, because another picture has not as many.
    """
    return "\n".join(_lines(one, layout(one), prefix, alone))


def _lines(one: Resolved, place: Layout, prefix: str, alone: Container[str]) -> Iterator[str]:
    width, height = place.width + 2 * MARGIN, place.height + 2 * MARGIN + TITLE
    title = f"{one.info.name} for {one.info.target}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{FONT}" fill="{INK}">'
    )
    yield f"<title>{escape(title)}</title>"
    yield f"<desc>{escape(stamp('opam', one.info.config_file).removeprefix('# '))}</desc>"
    yield (
        f'<defs><marker id="{prefix}tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{FAINT}"/></marker></defs>'
    )
    yield f'<g class="picture" transform="translate({MARGIN:.0f},{MARGIN + TITLE:.0f})">'
    yield f'<text class="title" x="0" y="-14" font-size="16" font-weight="bold">{escape(title)}</text>'
    if place.first:
        yield _frame(place.first)
    yield from (_line(line, prefix) for line in place.lines)
    for box in place.boxes:
        yield from _box(box, one, prefix, alone=box.node.device.module in alone)
    yield "</g>"
    yield "</svg>"


def _frame(frame: Frame) -> str:
    return (
        f'<g class="first"><rect x="{frame.x:.1f}" y="{frame.y:.1f}" width="{frame.width:.1f}" '
        f'height="{frame.height:.1f}" rx="8" fill="none" stroke="#c5cad3" stroke-dasharray="5 4"/>'
        f'<text x="{frame.x + frame.width / 2:.1f}" y="{frame.y + 15:.1f}" font-size="11" fill="{FAINT}" '
        f'text-anchor="middle">started first, in order</text></g>'
    )


def _line(line: Line, prefix: str) -> str:
    start, *_ = line.points
    curve = " ".join(
        f"C{one.x:.1f},{one.y:.1f} {two.x:.1f},{two.y:.1f} {end.x:.1f},{end.y:.1f}"
        for one, two, end in corners(line.points)
    )
    dashes = ' stroke-dasharray="5 4"' if line.waits else ""
    return (
        f'<path class="line" data-from="{line.above.variable}" data-to="{line.below.variable}" '
        f'd="M{start.x:.1f},{start.y:.1f} {curve}" fill="none" stroke="{FAINT}" stroke-width="1.1"{dashes} '
        f'marker-end="url(#{prefix}tip)"/>'
    )


def _box(box: Box, one: Resolved, prefix: str, *, alone: bool) -> Iterator[str]:
    what = "init" if box.node in one.graph.init else role(box.node, one)
    fill, outline = COLORS[what]
    kinds, name = f"node {what}{' alone' if alone else ''}", box.node.variable
    yield f'<g class="{kinds}" id="{prefix}{name}" data-device="{name}">'
    yield (
        f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="6" '
        f'fill="{fill}" stroke="{outline}" stroke-width="1.2"/>'
    )
    y = box.top + LINE
    for line in box.lines:
        yield _text(line, box.x, y, 'font-size="12" font-weight="bold"')
        y += LINE
    yield _text(box.node.variable, box.x, y - 1, f'font-size="9.5" fill="{FAINT}"')
    yield "</g>"


def _text(words: str, x: float, y: float, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" {style}>{escape(words)}</text>'

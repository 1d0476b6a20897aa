"""Jinja2, set up once: nothing is escaped silently, an unknown name is an error, every value has passed a filter."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: object) -> str:
    """The template of this name, filled in."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # 25 ms: only where a page is laid out

    return Environment(
        loader=PackageLoader("mirage_py"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # each value passes its language's filter
        cache_size=50,
    )

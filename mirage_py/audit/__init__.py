"""Will it run on this target? The audit of libraries, and the explanation of links that failed."""

from __future__ import annotations

from mirage_py.audit.engine import audit
from mirage_py.audit.equip import with_toolchain
from mirage_py.audit.explain import Undefined, explain_undefined, read_linker
from mirage_py.audit.render import render_json, render_markdown, render_sarif, render_text

__all__ = [
    "Undefined",
    "audit",
    "explain_undefined",
    "read_linker",
    "render_json",
    "render_markdown",
    "render_sarif",
    "render_text",
    "with_toolchain",
]

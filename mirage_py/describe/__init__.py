"""What `query` and `describe` tell about a configuration: read-only views of what the workflow resolved."""

from __future__ import annotations

KINDS = (
    "name",
    "packages",
    "opam",
    "files",
    "main",
    "dune",
    "libraries",
    "keys",
    "runtime-args",
    "plan",
    "graph",
    "cflags",
    "ldflags",
)
"""What `query` can be asked; `mirage_py.describe.queries` answers, and is not imported to list them."""

"""What the pages of several families say in the same words."""

from __future__ import annotations

from mirage_py.dsl.device import Sexp
from mirage_py.dsl.package import Package, bounded

COMMON: tuple[Package, ...] = (Package(name="lwt", libraries=("lwt",)), bounded("mirage-runtime"))
"""Every unikernel, wherever it runs."""


def in_context(context: str) -> Sexp:
    """The field that keeps a stanza to one dune context."""
    return ("enabled_if", ("=", "%{context_name}", context))

"""Who serves each library of a plan on this machine, as far as it can be told without building."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mirage_py.errors import MpyError
from mirage_py.workflow import Resolved


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where a library comes from: vendored, installed or bundled, or missing; in which version, where that is known."""

    origin: str
    version: str | None = None


def served_by(one: Resolved, folder: Path) -> Mapping[str, Served]:
    """Library name to who serves it; empty on a machine without the tools that know (that is for `build` to refuse)."""
    from mirage_py.equip import vendored_libraries
    from mirage_py.serving import Servers
    from mirage_py.toolchain.findlib import Findlib

    try:
        servers = Servers(one.plan, Findlib.discover(), vendored_libraries(folder))
        found = {library.name: servers.find(library.name) for library in one.plan.libraries}
    except MpyError:
        return {}
    return {
        name: Served(origin=library.origin, version=library.version) if library else Served(origin="missing")
        for name, library in found.items()
    }

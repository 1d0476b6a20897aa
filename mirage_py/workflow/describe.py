"""Describe: every unikernel that the request names, with who serves its libraries on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mirage_py.describe.served import Served
from mirage_py.errors import MpyError
from mirage_py.targets.resolved import Resolved


def served_by(one: Resolved, folder: Path) -> Mapping[str, Served]:
    """Library name to who serves it; empty on a machine without the tools that know (that is for `build` to refuse)."""
    from mirage_py.libraries.findlib import Findlib
    from mirage_py.libraries.serving import Servers, vendored_libraries

    try:
        servers = Servers(one.plan, Findlib.discover(), vendored_libraries(folder))
        found = {library.name: servers.find(library.name) for library in one.plan.libraries}
    except MpyError:
        return {}
    return {
        name: Served(origin=library.origin, version=library.version) if library else Served(origin="missing")
        for name, library in found.items()
    }

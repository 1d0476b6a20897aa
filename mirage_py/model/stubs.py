"""C stubs of installed libraries whose sources the user names."""

from __future__ import annotations

from mirage_py.dataclass import dataclass
from mirage_py.errors import Location


@dataclass(frozen=True, kw_only=True)
class DeclaredStubs:
    """C sources that a user names for the stubs of an installed library, for targets that have to recompile them.

    `sources` are files, folders or globs; `pkg_config` names packages of the target.
    """

    library: str
    sources: tuple[str, ...]
    cflags: tuple[str, ...] = ()
    pkg_config: tuple[str, ...] = ()
    location: Location | None = None

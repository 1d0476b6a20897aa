"""OCaml libraries as findlib, dune and mpy's own runtime describe them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Origin = Literal["vendored", "installed", "bundled"]
"""Who serves a library; vendored wins over installed, installed over bundled."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """One findlib library (a sublibrary counts as one): where it is, what it needs, what it links.

    `name` is the findlib name (`lwt.unix`), `package` the name before the first dot. `archives` are `.cmxa`/`.cmx`
    paths; an archive that does not exist is listed all the same. `requires` is for native code, preprocessors left out.
    """

    name: str
    package: str
    origin: Origin
    directory: Path
    version: str | None = None
    requires: tuple[str, ...] = ()
    archives: tuple[Path, ...] = ()
    ppx: bool = False
    meta: Path | None = None

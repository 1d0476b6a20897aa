"""OCaml libraries as findlib, dune and mpy's own runtime describe them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mirage_py.dataclass import dataclass

Origin = Literal["vendored", "local", "installed", "bundled"]
"""Who serves a library. local: the project that config.py is part of; vendored wins over installed, installed over
bundled."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """One findlib library (a sublibrary counts as one): where it is, what it needs, what it links.

    `name` is the findlib name (`lwt.unix`), `package` the name before the first dot. `archives` are `.cmxa`/`.cmx`
    paths; an archive that does not exist is listed all the same. `requires` is for native code, preprocessors left out.

    The rest is known of sources, and of what dune has installed: the virtual library that it `implements`, whether it
    is one itself (`virtual`, with the implementation that it gets where nobody chooses: `default`), the `words` that
    it gives to the C linker, the libraries of the `tools` that make it (preprocessors, generators), the `programs`
    that its rules run, and, of a preprocessor, the `runtime` libraries that what it writes needs.
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
    implements: str = ""
    virtual: bool = False
    default: str = ""
    words: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()

    @property
    def read_as_text(self) -> bool:
        """Whether there are sources of it and no objects."""
        return self.compiled_here and not self.archives

    @property
    def compiled_here(self) -> bool:
        """Whether the build compiles it from its sources, for each target anew."""
        return self.origin != "installed"

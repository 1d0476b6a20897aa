"""What the dune files of a folder of sources say of libraries, and which of its trees no library needs.

dune reads every dune file that it sees, also those of tests, benchmarks and examples, whose libraries nobody has; and
two libraries of one name are an error there, far from the person who put them side by side.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.libraries.sexp import Sexp, SexpError, atoms, field, parse
from mirage_py.project.reading import text_of

__all__ = ["DuneFile", "Sources", "read_sources"]

BESIDE: Final = frozenset(
    ("test", "tests", "bench", "benchs", "benches", "benchmark", "benchmarks", "example", "examples", "fuzz")
)
"""Names of folders that hold what is about a library, and not part of it."""

NOT_READ: Final = frozenset(("_build", "_opam", "node_modules", "_esy"))
"""Folders that dune does not look into, besides those with a dot."""

NEEDS: Final = ("libraries", "ppx_runtime_libraries", "implements", "default_implementation")
PATH: Final = re.compile(r"[^\s()\";%{}:]+")
TREES: Final = re.compile(r"\((?:subdir|source_tree)\s+([^\s()]+)")


@dataclass(frozen=True, kw_only=True)
class DuneFile:
    """One dune file, `folder` below the top of its source: libraries that it defines and needs, paths that it names."""

    folder: str
    public: frozenset[str] = frozenset()
    private: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    spread: bool = False


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The dune files of one folder of sources."""

    files: tuple[DuneFile, ...]

    def provides(self, without: Mapping[str, object]) -> frozenset[str]:
        """The public libraries outside of these trees."""
        return frozenset(name for file in self.files if not _in_any(file.folder, without) for name in file.public)

    def needs(self, without: Mapping[str, object]) -> frozenset[str]:
        """The libraries that are needed outside of these trees."""
        return frozenset(name for file in self.files if not _in_any(file.folder, without) for name in file.needs)

    def beside(self, needed: frozenset[str]) -> dict[str, tuple[str, ...]]:
        """The trees of tests, benchmarks and examples that none of these libraries, nor one outside the trees, needs.

        Each with the libraries in it.
        """
        trees = {tree for file in self.files if (tree := self._tree(file.folder))}
        while wanted := {tree for tree in trees if self._wanted(tree, trees, needed)}:
            trees -= wanted
        inside = {tree: [file for file in self.files if _in(file.folder, tree)] for tree in sorted(trees)}
        return {tree: tuple(sorted({n for f in files for n in f.public | f.private})) for tree, files in inside.items()}

    def _tree(self, folder: str) -> str | None:
        """The outermost folder of that kind that this one is in, unless a library spreads over it."""
        parts = folder.split("/")
        for count, part in enumerate(parts):
            tree = "/".join(parts[: count + 1])
            if any(file.spread and _in(tree, file.folder) for file in self.files if file.folder != tree):
                return None
            if part in BESIDE:
                return tree
        return None

    def _wanted(self, tree: str, trees: set[str], needed: frozenset[str]) -> bool:
        outside = [file for file in self.files if not _in_any(file.folder, trees)]
        here = {name for file in outside for name in file.public | file.private}
        names = {name for file in outside for name in file.needs} - here
        inside = [file for file in self.files if _in(file.folder, tree)]
        defined = {name for file in inside for name in file.public | file.private}
        public = {name for file in inside for name in file.public}
        return bool(defined & names or public & needed) or any(
            _in(path, tree) for file in outside for path in file.paths
        )


def read_sources(folder: Path) -> Sources:
    """What the dune files below a folder say. One that cannot be read, or is written in OCaml, says where it is."""
    return Sources(files=tuple(_files(folder)))


def _files(folder: Path) -> Iterator[DuneFile]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_READ and not name.startswith("."))
        below = os.path.relpath(here, folder)
        if "dune" in names:
            yield _file(Path(here) / "dune", "" if below == "." else below)
        elif "dune-project" in names or any(name.endswith(".opam") for name in names):
            yield DuneFile(folder="" if below == "." else below)


def _file(path: Path, folder: str) -> DuneFile:
    try:
        text = text_of(path)
    except OSError:  # who compiles what is below says so
        return DuneFile(folder=folder)
    paths = frozenset(_paths(text, folder))
    try:
        stanzas = parse(text)
    except SexpError:
        return DuneFile(folder=folder, paths=paths)
    libraries = [one for one in stanzas if isinstance(one, tuple) and one[:1] == ("library",)]
    return DuneFile(
        folder=folder,
        public=frozenset(name for one in libraries for name in atoms(field(one, "public_name"))),
        private=frozenset(name for one in libraries for name in atoms(field(one, "name"))),
        needs=frozenset(name for one in stanzas for name in _needs(one)),
        paths=paths,
        spread=any(
            isinstance(one, tuple) and one[:1] == ("include_subdirs",) and one[1:] != ("no",) for one in stanzas
        ),
    )


def _needs(stanza: Sexp) -> Iterator[str]:
    """The libraries that a stanza needs to be built; what a test needs, nobody does who builds an image."""
    if not isinstance(stanza, tuple) or stanza[:1] in (("test",), ("tests",)):
        return
    for name in NEEDS:
        yield from atoms(field(stanza, name))
    for part in field(stanza, "preprocess"):
        yield from atoms((part,))


def _paths(text: str, folder: str) -> Iterator[str]:
    """The paths that a dune file names, from the top of the source."""
    named = [word for word in PATH.findall(text) if "/" in word] + TREES.findall(text)
    for word in named:
        path = os.path.normpath(os.path.join(folder, word))
        if not path.startswith(".."):
            yield path


def _in(path: str, tree: str) -> bool:
    return path == tree or path.startswith(f"{tree}/") or not tree


def _in_any(path: str, trees: Mapping[str, object] | set[str]) -> bool:
    return any(_in(path, tree) for tree in trees)

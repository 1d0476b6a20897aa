"""Libraries in source form, as their dune files describe them: which there are, by which names, and what each needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_py.dataclass import replace
from mirage_py.libraries.conditions import holds
from mirage_py.libraries.sexp import atoms, field
from mirage_py.libraries.stanzas import Located, Reading, stanzas_below
from mirage_py.model.audit import Problem
from mirage_py.model.library import Library

if TYPE_CHECKING:
    from mirage_py.libraries.librarystanza import Available, Stanza

__all__ = ["Vendored"]


class Vendored:
    """The libraries below some folders of sources, by public name, and by name where they have no other.

    `facts` are what is known of the dune context (`context_name`, `system`, ...); folders for which `skip` holds are
    not looked into. What is `elsewhere` counts for `optional`, and for `select` unless others do; `preprocessors` are
    what others than these sources have to preprocess with.
    """

    def __init__(
        self,
        folders: tuple[Path, ...],
        *,
        facts: Mapping[str, str] | None = None,
        skip: Callable[[Path], bool] = lambda _: False,
        elsewhere: Available = lambda _: False,
        selectable: Available | None = None,
        preprocessors: Callable[[str], Library | None] = lambda _: None,
        like: Vendored | None = None,
    ) -> None:
        self.folders = folders
        self.like = like
        self.facts = facts or {}
        self.skip = skip
        self.elsewhere = elsewhere
        self.selectable = selectable or elsewhere
        self.preprocessors = preprocessors
        self.reading: Reading = like.reading if like else Reading()

    @property
    def problems(self) -> list[Problem]:
        """What could not be read."""
        return self.reading.problems

    @property
    def read(self) -> list[Path]:
        """The files and folders that were read."""
        return self.reading.read

    @cached_property
    def located(self) -> tuple[Located, ...]:
        """Every stanza of every dune file; read once for all contexts, `like` being the same folders in another one."""
        if self.like is not None:
            return self.like.located
        return tuple(one for folder in self.folders for one in stanzas_below(folder, self.reading, self.skip))

    @cached_property
    def stanzas(self) -> dict[str, Stanza]:
        """Every library that counts in the context; the first of a name counts, and a public name before a private one.

        A private name is seen in its own project only: that of another project's public library may be the same.
        """
        libraries = [one for one in self.located if one.kind == "library"]
        renamed = [one for one in self.located if one.kind == "deprecated_library_name"]
        if not libraries and not renamed:
            return {}
        from mirage_py.libraries.librarystanza import library_stanza, renamed_library  # most unikernels have none

        by_folder: dict[Path, list[Located]] = {}
        for one in self.located:
            by_folder.setdefault(one.directory, []).append(one)
        found: dict[str, Stanza] = {}
        for one in sorted(libraries, key=lambda one: not field(one.stanza, "public_name")):
            if holds(field(one.stanza, "enabled_if"), self.facts):
                stanza = library_stanza(one, by_folder, self.folders)
                if stanza is not None:
                    found.setdefault(stanza.library.name, stanza)
        whole = _with_runtimes(_resolved(found), self.preprocessors)
        for stanza in filter(None, map(renamed_library, renamed)):
            whole.setdefault(stanza.library.name, stanza)
        return self._whole(whole)

    @cached_property
    def libraries(self) -> dict[str, Library]:
        """The libraries by their names."""
        return {name: stanza.library for name, stanza in self.stanzas.items()}

    def preprocessor(self, name: str) -> Library | None:
        """The library of this name, in these sources or where else preprocessors are."""
        return self.libraries.get(name) or self.preprocessors(name)

    @cached_property
    def packages(self) -> Mapping[str, tuple[Path, ...]]:
        """By name, the folders whose opam file makes a package, used or not."""
        assert self.located is not None  # reading is what finds them
        return {name: tuple(folders) for name, folders in self.reading.packages.items()}

    @cached_property
    def misnamed(self) -> tuple[Path, ...]:
        """Opam files that dune takes for the name of a project, which has no dot: it builds nothing then."""
        by_folder: dict[Path, list[str]] = {}
        for name, folders in self.packages.items():
            for folder in folders:
                by_folder.setdefault(folder, []).append(name)
        shortest = {folder: min(names, key=lambda name: (len(name), name)) for folder, names in by_folder.items()}
        return tuple(
            folder / f"{name}.opam"
            for folder, name in sorted(shortest.items())
            if "." in name and not _names_its_project(folder)
        )

    @cached_property
    def programs(self) -> frozenset[str]:
        """The commands that these sources build."""
        return frozenset(
            name
            for one in self.located
            if one.kind in ("executable", "executables")
            for part in ("public_name", "public_names")
            for name in atoms(field(one.stanza, part))
        )

    def _whole(self, stanzas: dict[str, Stanza]) -> dict[str, Stanza]:
        """The libraries with what their selections choose, without the optional ones that lack what they need."""
        gone: set[str] = set()

        def here(name: str) -> bool:
            return name in stanzas and name not in gone

        def available(name: str) -> bool:
            return here(name) or self.elsewhere(name)

        def selectable(name: str) -> bool:
            return here(name) or self.selectable(name)

        while True:
            chosen = {name: _selected(one, selectable) for name, one in stanzas.items() if name not in gone}
            lacking = {
                name for name, one in chosen.items() if one.optional and not all(map(available, one.library.requires))
            }
            if not lacking:
                return chosen
            gone |= lacking


def _names_its_project(folder: Path) -> bool:
    file = folder / "dune-project"
    return file.is_file() and re.search(r"^\s*\(name\s", file.read_text("utf-8", "replace"), re.MULTILINE) is not None


def _selected(stanza: Stanza, available: Available) -> Stanza:
    if not stanza.selections:
        return stanza
    more = (name for selection in stanza.selections for name in selection.chosen(available))
    requires = tuple(dict.fromkeys((*stanza.library.requires, *more)))
    return replace(stanza, library=replace(stanza.library, requires=requires))


def _resolved(stanzas: dict[str, Stanza]) -> dict[str, Stanza]:
    """The stanzas with public names in their needs: a private name is seen in its own project."""
    public = {(one.project, one.private): name for name, one in stanzas.items()}

    def known(name: str, project: Path) -> str:
        return name if name in stanzas else public.get((project, name), name)

    def seen(stanza: Stanza) -> Stanza:
        library, project = stanza.library, stanza.project
        changed = replace(
            library,
            requires=tuple(dict.fromkeys(known(need, project) for need in library.requires)),
            implements=known(library.implements, project) if library.implements else "",
            default=known(library.default, project) if library.default else "",
            tools=tuple(dict.fromkeys(known(need, project) for need in library.tools)),
            runtime=tuple(known(one, project) for one in library.runtime),
        )
        return replace(
            stanza,
            library=changed,
            ppxs=tuple(known(one, project) for one in stanza.ppxs),
        )

    return {name: seen(stanza) for name, stanza in stanzas.items()}


def _with_runtimes(stanzas: dict[str, Stanza], elsewhere: Callable[[str], Library | None]) -> dict[str, Stanza]:
    """The stanzas with what code needs that comes of their preprocessors: the runtime libraries, as dune adds them.

    Those of everything that a preprocessor is linked with count too.
    """
    runtimes: dict[str, tuple[str, ...]] = {}

    def known(name: str) -> Library | None:
        return stanzas[name].library if name in stanzas else elsewhere(name)

    def runtimes_of(ppx: str) -> tuple[str, ...]:
        if ppx not in runtimes:
            linked = dict.fromkeys((ppx,))
            for name in (queue := [ppx]):  # grows while it is walked
                library = known(name)
                fresh = [need for need in (library.requires if library else ()) if need not in linked]
                linked |= dict.fromkeys(fresh)
                queue += fresh
            runtimes[ppx] = tuple(need for name in linked if (library := known(name)) for need in library.runtime)
        return runtimes[ppx]

    def whole(stanza: Stanza) -> Stanza:
        more = [need for ppx in stanza.ppxs for need in runtimes_of(ppx)]
        requires = tuple(dict.fromkeys((*stanza.library.requires, *more)))
        return replace(stanza, library=replace(stanza.library, requires=requires)) if more else stanza

    return {name: whole(stanza) for name, stanza in stanzas.items()}

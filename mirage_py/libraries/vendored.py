"""Libraries in source form, as their dune files describe them: names, needs, and what they say of C."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from mirage_py.dataclass import dataclass, replace
from mirage_py.libraries.askdune import project_of
from mirage_py.libraries.conditions import holds
from mirage_py.libraries.generated import made_by
from mirage_py.libraries.sexp import Sexp, atoms, field
from mirage_py.libraries.stanzas import Located, Reading, stanzas_below
from mirage_py.libraries.versions import version_of
from mirage_py.libraries.written import Written, written_for
from mirage_py.model.audit import Problem
from mirage_py.model.library import Library

__all__ = ["Selection", "Stanza", "Vendored", "capital"]

Available = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """`(select FILE from (LIBS -> CHOICE) ...)`: the first choice whose libraries are there; `!` means absent."""

    choices: tuple[tuple[str, ...], ...]

    def chosen(self, available: Available) -> tuple[str, ...]:
        """The libraries that dune takes."""
        for names in self.choices:
            if all(not available(name[1:]) if name.startswith("!") else available(name) for name in names):
                return tuple(name for name in names if not name.startswith("!"))
        return ()


@dataclass(frozen=True, kw_only=True)
class Stanza:
    """A `library` stanza: its library, and what it says of C.

    `stubs` are its C files, `unmade` the names of those that are only there when a rule has made them, `written` the
    OCaml files that a build brings. `library.requires` are the needs that hold whatever is there; `selections` add to
    them. `headers` are the folders that its C files include from besides their own, and the names of libraries whose
    folders are. `modules` is that field as it stands, `wrapped` says that other libraries see one module of it,
    `spread` that folders below count.
    """

    library: Library
    stubs: tuple[Path, ...] = ()
    unmade: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    configured: bool = False
    generated: bool = False
    archives: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    headers: tuple[Path | str, ...] = ()
    file: Path
    private: str = ""
    implements: str = ""
    default: str = ""
    project: Path = Path()
    selections: tuple[Selection, ...] = ()
    optional: bool = False
    ppxs: tuple[str, ...] = ()
    modules: tuple[Sexp, ...] = ()
    wrapped: bool = True
    spread: bool = False
    enabled: tuple[Sexp, ...] = ()
    written: Written = Written()

    @property
    def main(self) -> str:
        """The name of the module that wraps the others, and of its archives."""
        return self.private or self.library.name.replace(".", "_").replace("-", "_")

    @property
    def chosen(self) -> tuple[frozenset[str] | None, frozenset[str]]:
        """The modules that it names (None where it takes all of its folder), and those that it leaves out."""
        words = tuple(atoms(self.modules))
        at = words.index("\\") if "\\" in words else len(words)
        taken, left_out = words[:at], words[at + 1 :]
        modules = None if not taken or ":standard" in taken else frozenset(map(capital, taken))
        return modules, frozenset(map(capital, left_out))

    def takes(self, module: str) -> bool:
        """Whether a module that is in its folder is one of it."""
        modules, left_out = self.chosen
        return module not in left_out and (modules is None or module in modules)


def capital(name: str) -> str:
    """A module as OCaml writes it."""
    return name[:1].upper() + name[1:]


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
        by_folder: dict[Path, list[Located]] = {}
        for one in self.located:
            by_folder.setdefault(one.directory, []).append(one)
        found: dict[str, Stanza] = {}
        libraries = [one for one in self.located if one.kind == "library"]
        for one in sorted(libraries, key=lambda one: not field(one.stanza, "public_name")):
            if holds(field(one.stanza, "enabled_if"), self.facts):
                for stanza in _stanza(one, by_folder, self.folders):
                    found.setdefault(stanza.library.name, stanza)
        return self._whole(_with_runtimes(_resolved(found), self.preprocessors) | self._renamed(found))

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

    def _renamed(self, found: Mapping[str, Stanza]) -> dict[str, Stanza]:
        """`deprecated_library_name`: a name that stands for another library."""
        names: dict[str, Stanza] = {}
        for one in self.located:
            old = next(atoms(field(one.stanza, "old_public_name")), None)
            new = next(atoms(field(one.stanza, "new_public_name")), None)
            if one.kind == "deprecated_library_name" and old and new and old not in found:
                library = Library(
                    name=old, package=old.split(".")[0], origin="vendored", directory=one.directory, requires=(new,)
                )
                names[old] = Stanza(library=library, file=one.file)
        return names

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


def _stanza(one: Located, by_folder: Mapping[Path, list[Located]], tops: tuple[Path, ...]) -> Iterator[Stanza]:
    """The library of a stanza."""
    stanza, directory = one.stanza, one.directory
    private = next(atoms(field(stanza, "name")), "")
    public = next(atoms(field(stanza, "public_name")), "")
    name = public or private
    if not name:
        return
    made = made_by(one, by_folder)
    spread = any(
        isinstance(part, tuple) and part[:1] == ("include_subdirs",) and part[1:] != ("no",) for part in one.beside
    )
    words = list(_linked_words(stanza))
    stubs = tuple(_stub_files(stanza, directory, spread=spread))
    implements = next(atoms(field(stanza, "implements")), "")
    requires = tuple(_requires(field(stanza, "libraries")))
    archives = tuple(atoms(field(stanza, "foreign_archives")))
    ppxs = tuple(_ppxs(stanza))
    yield Stanza(
        library=Library(
            name=name,
            package=name.split(".")[0],
            origin="vendored",
            directory=directory,
            version=version_of(directory, name.split(".")[0], tops),
            requires=(*requires, implements) if implements else requires,
            ppx=next(atoms(field(stanza, "kind")), "").startswith("ppx_"),
            implements=implements,
            virtual=bool(field(stanza, "virtual_modules")),
            default=next(atoms(field(stanza, "default_implementation")), ""),
            words=(
                *((f"-l{private or name.replace('.', '_').replace('-', '_')}_stubs",) if stubs else ()),
                *(f"-l{archive.rpartition('/')[2]}" for archive in archives),
                *(word for word in words if word.startswith("-l")),
            ),
            tools=(*ppxs, *made.libraries),
            programs=made.programs,
            runtime=tuple(atoms(field(stanza, "ppx_runtime_libraries"))),
        ),
        stubs=stubs,
        unmade=tuple(_unmade(stanza, stubs)),
        system=tuple(dict.fromkeys(word[2:] for word in words if word.startswith("-l") and word != "-lm")),
        configured=":include" in (*words, *(word for part in _flag_fields(stanza) for word in atoms(part)))
        or "dune-configurator" in (*requires, *made.libraries),
        generated="ctypes" in {part[0] for part in stanza[1:] if isinstance(part, tuple) and part},
        archives=archives,
        ppxs=ppxs,
        objects=tuple(atoms(field(stanza, "extra_objects"))),
        flags=tuple(_c_flags(stanza)),
        headers=tuple(_headers(stanza, directory)),
        file=one.file,
        private=private,
        implements=implements,
        default=next(atoms(field(stanza, "default_implementation")), ""),
        project=project_of(directory, *tops),
        selections=tuple(_selections(field(stanza, "libraries"))),
        modules=field(stanza, "modules"),
        wrapped=next(atoms(field(stanza, "wrapped")), "true") != "false",
        spread=spread,
        optional=any(part == ("optional",) for part in stanza),
        enabled=field(stanza, "enabled_if"),
        written=written_for(one, by_folder.get(directory, ())),
    )


def _requires(parts: tuple[Sexp, ...]) -> Iterator[str]:
    """The libraries of a `libraries` field that hold whatever is there."""
    for part in parts:
        if isinstance(part, str):
            yield part
        elif part[:1] == ("re_export",):
            yield from atoms(part[1:])


def _selections(parts: tuple[Sexp, ...]) -> Iterator[Selection]:
    for part in parts:
        if isinstance(part, tuple) and part[:1] == ("select",):
            yield Selection(choices=tuple(_choice(one) for one in part if isinstance(one, tuple)))


def _choice(words: tuple[Sexp, ...]) -> tuple[str, ...]:
    """What stands before the arrow."""
    names = [word for word in words if isinstance(word, str)]
    return tuple(names[: names.index("->")]) if "->" in names else ()


def _ppxs(stanza: Sexp) -> Iterator[str]:
    """The preprocessors of `(preprocess (pps ...))` and of its form for each module, their flags left out.

    Those of `lint` run for the alias of that name alone.
    """
    for part in _lists(field(stanza, "preprocess")):
        for words in _found("pps", part):
            yield from _until_flags(words)
        for words in _found("staged_pps", part):
            yield from _until_flags(words)


def _lists(parts: tuple[Sexp, ...]) -> Iterator[tuple[Sexp, ...]]:
    return (part for part in parts if isinstance(part, tuple))


def _found(head: str, part: Sexp) -> Iterator[tuple[Sexp, ...]]:
    if isinstance(part, tuple):
        if part[:1] == (head,):
            yield part[1:]
        else:
            for one in part:
                yield from _found(head, one)


def _until_flags(words: Iterable[Sexp]) -> Iterator[str]:
    for word in words:
        if word == "--":
            return
        if isinstance(word, str) and not word.startswith(("-", "%")):
            yield word


def _c_flags(stanza: Sexp) -> Iterator[str]:
    """The flags of its C files, as far as they stand here: a variable, and what a rule writes, is left to dune."""
    for part in _flag_fields(stanza):
        yield from (word for word in atoms(_without_includes(part)) if not word.startswith((":", "%")))


def _headers(stanza: Sexp, directory: Path) -> Iterator[Path | str]:
    """`include_dirs` of its C: folders, and `(lib NAME)`."""
    for part in _foreign(stanza):
        for one in field(part, "include_dirs"):
            if isinstance(one, str):
                yield directory / one
            elif one[:1] == ("lib",):
                yield from atoms(one[1:])


def _flag_fields(stanza: Sexp) -> Iterator[tuple[Sexp, ...]]:
    yield from (field(part, "flags") for part in _foreign(stanza))
    yield field(stanza, "c_flags")


def _without_includes(parts: tuple[Sexp, ...]) -> tuple[Sexp, ...]:
    """The parts without `(:include FILE)`, at any depth."""
    inside = ((_without_includes(part) if isinstance(part, tuple) else part) for part in parts if not _includes(part))
    return tuple(inside)


def _includes(part: Sexp) -> bool:
    return isinstance(part, tuple) and part[:1] == (":include",)


def _linked_words(stanza: Sexp) -> Iterator[str]:
    """What a stanza gives to the C linker, `-cclib` of its archive among it."""
    yield from atoms(field(stanza, "c_library_flags"))
    flags = tuple(atoms(field(stanza, "library_flags")))
    yield from (word for before, word in pairwise(flags) if before == "-cclib")


def _foreign(stanza: Sexp) -> Iterator[tuple[Sexp, ...]]:
    for part in stanza[1:] if isinstance(stanza, tuple) else ():
        if isinstance(part, tuple) and part[:1] == ("foreign_stubs",):
            yield part


def _stub_files(stanza: Sexp, directory: Path, *, spread: bool) -> Iterator[Path]:
    """The C files of `foreign_stubs` and of the older `c_names`, with those that `:standard` means."""
    groups: list[tuple[tuple[Sexp, ...], str]] = []
    old = field(stanza, "c_names")
    if old:
        groups.append((old, "c"))
    for part in _foreign(stanza):
        groups.append((field(part, "names") or (":standard",), next(atoms(field(part, "language")), "c")))
    for names, language in groups:
        endings = (".c",) if language == "c" else (".cpp", ".cc", ".cxx")
        yield from _files(names, directory, endings, spread=spread)


def _unmade(stanza: Sexp, stubs: Iterable[Path]) -> Iterator[str]:
    """The names of C files that do not lie there."""
    there = {file.stem for file in stubs}
    parts = (field(stanza, "c_names"), *(field(part, "names") for part in _foreign(stanza)))
    for part in parts:
        words = list(atoms(part))
        named = words[: words.index("\\")] if "\\" in words else words
        yield from (word for word in named if not word.startswith(":") and word.rpartition("/")[2] not in there)


def _files(names: tuple[Sexp, ...], directory: Path, endings: tuple[str, ...], *, spread: bool) -> Iterator[Path]:
    """Those of a folder, and of the folders below where they count too, that an ordered set of names means."""
    below = directory.rglob("*") if spread else directory.glob("*")
    there = {file.stem: file for file in sorted(below) if file.suffix in endings}
    chosen: dict[str, Path] = {}
    taken_away = False
    for word in atoms(names):
        if word == "\\":
            taken_away = True
        elif taken_away:
            for stem in there if word == ":standard" else (word,):
                chosen.pop(stem, None)
        elif word == ":standard":
            chosen |= there
        else:
            file = next((directory / f"{word}{end}" for end in endings if (directory / f"{word}{end}").is_file()), None)
            found = file or there.get(re.sub(r".*/", "", word))
            if found:
                chosen[word] = found
    yield from chosen.values()

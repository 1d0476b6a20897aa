"""A `library` stanza of a dune file as a value: its library, its modules, its C, and what others have to decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from mirage_py.dataclass import dataclass
from mirage_py.libraries.askdune import project_of
from mirage_py.libraries.foreignstubs import (
    c_flags,
    flag_fields,
    include_folders,
    linked_words,
    stub_files,
    unmade_files,
)
from mirage_py.libraries.generated import made_by
from mirage_py.libraries.sexp import Sexp, atoms, field, word_of
from mirage_py.libraries.stanzas import Located
from mirage_py.libraries.versions import version_of
from mirage_py.libraries.written import Written, written_for
from mirage_py.model.library import Library

__all__ = ["Available", "Selection", "Stanza", "capital", "library_stanza", "renamed_library"]

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
    project: Path = Path()
    selections: tuple[Selection, ...] = ()
    optional: bool = False
    ppxs: tuple[str, ...] = ()
    modules: tuple[Sexp, ...] = ()
    wrapped: bool = True
    spread: bool = False
    written: Written = Written()

    @property
    def main(self) -> str:
        """The name of the module that wraps the others, and of its archives."""
        return _main_of(self.library.name, self.private)

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


def _main_of(name: str, private: str) -> str:
    return private or name.replace(".", "_").replace("-", "_")


def capital(name: str) -> str:
    """A module as OCaml writes it."""
    return name[:1].upper() + name[1:]


def library_stanza(one: Located, by_folder: Mapping[Path, list[Located]], tops: tuple[Path, ...]) -> Stanza | None:
    """What a stanza says of its library; None for one without a name.

    `by_folder` are all stanzas by the folder that they describe, `tops` the folders of sources.
    """
    stanza, directory = one.stanza, one.directory
    private = word_of(stanza, "name")
    public = word_of(stanza, "public_name")
    name = public or private
    if not name:
        return None
    made = made_by(one, by_folder)
    spread = any(
        isinstance(part, tuple) and part[:1] == ("include_subdirs",) and part[1:] != ("no",) for part in one.beside
    )
    words = list(linked_words(stanza))
    stubs = tuple(stub_files(stanza, directory, spread=spread))
    implements = word_of(stanza, "implements")
    requires = tuple(_requires(field(stanza, "libraries")))
    archives = tuple(atoms(field(stanza, "foreign_archives")))
    ppxs = tuple(_ppxs(stanza))
    return Stanza(
        library=Library(
            name=name,
            package=name.split(".")[0],
            origin="vendored",
            directory=directory,
            version=version_of(directory, name.split(".")[0], tops),
            requires=(*requires, implements) if implements else requires,
            ppx=word_of(stanza, "kind").startswith("ppx_"),
            implements=implements,
            virtual=bool(field(stanza, "virtual_modules")),
            default=word_of(stanza, "default_implementation"),
            words=(
                *((f"-l{_main_of(name, private)}_stubs",) if stubs else ()),
                *(f"-l{archive.rpartition('/')[2]}" for archive in archives),
                *(word for word in words if word.startswith("-l")),
            ),
            tools=(*ppxs, *made.libraries),
            programs=made.programs,
            runtime=tuple(atoms(field(stanza, "ppx_runtime_libraries"))),
        ),
        stubs=stubs,
        unmade=tuple(unmade_files(stanza, stubs)),
        system=tuple(dict.fromkeys(word[2:] for word in words if word.startswith("-l") and word != "-lm")),
        configured=":include" in (*words, *(word for part in flag_fields(stanza) for word in atoms(part)))
        or "dune-configurator" in (*requires, *made.libraries),
        generated="ctypes" in {part[0] for part in stanza[1:] if isinstance(part, tuple) and part},
        archives=archives,
        ppxs=ppxs,
        objects=tuple(atoms(field(stanza, "extra_objects"))),
        flags=tuple(c_flags(stanza)),
        headers=tuple(include_folders(stanza, directory)),
        file=one.file,
        private=private,
        project=project_of(directory, *tops),
        selections=tuple(_selections(field(stanza, "libraries"))),
        modules=field(stanza, "modules"),
        wrapped=word_of(stanza, "wrapped") != "false",
        spread=spread,
        optional=any(part == ("optional",) for part in stanza),
        written=written_for(one, by_folder.get(directory, ())),
    )


def renamed_library(one: Located) -> Stanza | None:
    """`deprecated_library_name`: a name that stands for another library, as a library that needs that one."""
    old, new = word_of(one.stanza, "old_public_name"), word_of(one.stanza, "new_public_name")
    if not old or not new:
        return None
    package = old.split(".")[0]
    library = Library(name=old, package=package, origin="vendored", directory=one.directory, requires=(new,))
    return Stanza(library=library, file=one.file)


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

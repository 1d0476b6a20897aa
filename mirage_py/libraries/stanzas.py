"""The stanzas below a folder, each with the folder that it is about, as dune reads them.

`(subdir)` and `(include)` are followed, `(dirs)` and `(data_only_dirs)` say which folders count. A dune file that is an
OCaml program is run by dune, and a file that `(dynamic_include)` names is made by it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass, field
from mirage_py.errors import MpyError
from mirage_py.libraries.askdune import is_program, made_by_rule, printed_by
from mirage_py.libraries.sexp import Sexp, SexpError, parse
from mirage_py.model.audit import Problem
from mirage_py.project.reading import text_of

__all__ = ["Located", "Reading", "stanzas_below"]

MOST_INCLUDES: Final = 20
"""An `(include)` that leads back to itself has to end."""

Keeps = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Located:
    """A stanza, the folder that it describes, the file that it stands in, and all stanzas of that folder."""

    stanza: tuple[Sexp, ...]
    directory: Path
    file: Path
    beside: tuple[Sexp, ...]

    @property
    def kind(self) -> str:
        """The first word: `library`, `rule`, ..."""
        return self.stanza[0] if self.stanza and isinstance(self.stanza[0], str) else ""


@dataclass(kw_only=True)
class Reading:
    """What reading folders of sources came to, besides their stanzas.

    `problems` is what could not be read; `read` are the files, and the folders, since a new file changes one of them;
    `packages` says by name in which folders an opam file makes one.
    """

    problems: list[Problem] = field(default_factory=list)
    read: list[Path] = field(default_factory=list)
    packages: dict[str, list[Path]] = field(default_factory=dict)


@dataclass(kw_only=True)
class _Walk:
    reading: Reading
    skip: Callable[[Path], bool]
    top: Path

    def folder(self, here: Path, given: tuple[tuple[Sexp, Path], ...] = ()) -> Iterator[Located]:
        """All stanzas of a folder and of those below; `given` are those that a folder above says about this one."""
        self.reading.read.append(here)
        file = here / "dune"
        own = [(stanza, file) for stanza in self._parsed(file)] if file.exists() and not file.is_dir() else []
        stanzas = tuple(self._included((*given, *own), here))
        plain = tuple(stanza for stanza, _ in stanzas)
        below: dict[str, list[tuple[Sexp, Path]]] = {}
        for stanza, where in stanzas:
            match stanza:
                case ("subdir", str(path), *inner):
                    first, _, rest = path.strip("/").partition("/")
                    wrapped = [("subdir", rest, *inner)] if rest else inner
                    below.setdefault(first, []).extend((one, where) for one in wrapped)
                case (str(), *_):
                    yield Located(stanza=stanza, directory=here, file=where, beside=plain)
                case _:
                    pass
        for name in self._folders(here, plain, below):
            yield from self.folder(here / name, tuple(below.get(name, ())))

    def _folders(self, here: Path, stanzas: tuple[Sexp, ...], below: dict[str, list[tuple[Sexp, Path]]]) -> list[str]:
        try:
            with os.scandir(here) as entries:
                there = sorted(entries, key=lambda entry: entry.name)
            # below the top a link is a checkout in a package's place; further down it may lead in circles
            names = [entry.name for entry in there if entry.is_dir(follow_symlinks=here == self.top)]
            self._note_packages(here, (entry.name for entry in there if entry.is_file()))
        except FileNotFoundError:
            return sorted(below)  # a `(subdir)` may be about a folder that only rules fill
        except OSError as error:
            self.reading.problems.append(Problem(message=f"cannot be read: {error.strerror}", place=str(here)))
            return sorted(below)
        keeps = _kept_folders(stanzas)
        kept = [name for name in names if keeps(name) and not _is_test(here / name) and not self.skip(here / name)]
        return sorted({*kept, *(name for name in below if name not in names)})

    def _note_packages(self, here: Path, files: Iterable[str]) -> None:
        for name in files:
            if name.endswith(".opam") and name != ".opam":
                self.reading.packages.setdefault(name.removesuffix(".opam"), []).append(here)

    def _included(
        self, stanzas: tuple[tuple[Sexp, Path], ...], here: Path, depth: int = 0
    ) -> Iterator[tuple[Sexp, Path]]:
        for stanza, where in stanzas:
            match stanza:
                case ("include", str(name)) if depth < MOST_INCLUDES:
                    file = here / name
                    if file.is_file():
                        yield from self._included(tuple((one, file) for one in self._parsed(file)), here, depth + 1)
                    else:
                        message = f"includes {name}, which is not there"
                        self.reading.problems.append(Problem(message=message, place=str(where)))
                case ("dynamic_include", str(name)) if depth < MOST_INCLUDES:
                    made = tuple((one, where) for one in self._made(here / name, where))
                    yield from self._included(made, here, depth + 1)
                case _:
                    yield stanza, where

    def _made(self, file: Path, where: Path) -> tuple[Sexp, ...]:
        """The stanzas in a file that a rule makes: programs and rules; dune takes no libraries from there."""
        file = Path(os.path.normpath(file))
        try:
            text, read = made_by_rule(file, self.top)
            self.reading.read.extend(read)
            return parse(text)
        except (SexpError, MpyError, OSError) as error:
            message = f"includes what a rule makes, {file.name}, which cannot be read: {error}"
            self.reading.problems.append(Problem(message=message, place=str(where)))
            return ()

    def _parsed(self, file: Path) -> tuple[Sexp, ...]:
        self.reading.read.append(file)
        try:
            return _read(file)
        except (SexpError, MpyError, OSError) as error:
            self.reading.problems.append(Problem(message=f"is no dune file that can be read: {error}", place=str(file)))
            return ()


def _read(file: Path) -> tuple[Sexp, ...]:
    text = text_of(file)
    return parse(printed_by(file) if is_program(text) else text)


def stanzas_below(folder: Path, reading: Reading, skip: Callable[[Path], bool] = lambda _: False) -> Iterator[Located]:
    """Every stanza below a folder, in an order that does not depend on the file system; the rest goes to `reading`."""
    return _Walk(reading=reading, skip=skip, top=folder).folder(folder)


def _is_test(folder: Path) -> bool:
    """Whether a folder is a cram test, whose files are data to dune: the projects in it are no part of the sources."""
    return folder.suffix == ".t" and (folder / "run.t").is_file()


def _kept_folders(stanzas: tuple[Sexp, ...]) -> Keeps:
    """Which folders below dune looks into: all but those that begin with a dot or an underscore, unless it is told."""
    keeps: Keeps = _standard
    data: list[Keeps] = []
    for stanza in stanzas:
        match stanza:
            case ("dirs", *words):
                keeps = _any(tuple(words))
            case ("data_only_dirs", *words):
                data.append(_any(tuple(words)))
            case _:
                pass
    return lambda name: keeps(name) and not any(one(name) for one in data)


def _standard(name: str) -> bool:
    return not name.startswith((".", "_"))


def _any(words: tuple[Sexp, ...]) -> Keeps:
    r"""The set language of dune over names: globs, `:standard`, `\`, `(and)`, `(or)`, `(not)`."""
    if "\\" in words:
        at = words.index("\\")
        left, right = _any(words[:at]), _any(words[at + 1 :])
        return lambda name: left(name) and not right(name)
    parts = [_one(word) for word in words]
    return lambda name: any(part(name) for part in parts)


def _one(word: Sexp) -> Keeps:
    match word:
        case ":standard":
            return _standard
        case str():
            return lambda name: any(fnmatchcase(name, glob) for glob in _globs(word))
        case ("not", *inner) | (":not", *inner):
            negated = _any(tuple(inner))
            return lambda name: not negated(name)
        case ("and", *inner) | (":and", *inner):
            parts = [_one(one) for one in inner]
            return lambda name: all(part(name) for part in parts)
        case ("or" | ":or", *inner):
            return _any(tuple(inner))
        case _:
            return _any(word)


def _globs(glob: str) -> list[str]:
    """A glob without dune's `{a,b}`, which Python's have not."""
    begin, end = glob.find("{"), glob.find("}")
    if begin < 0 or end < begin:
        return [glob]
    return [one for part in glob[begin + 1 : end].split(",") for one in _globs(glob[:begin] + part + glob[end + 1 :])]

"""Which OCaml libraries are installed, what they need, and what of them is missing or broken.

META files, and dune's own descriptions where there are none, are read here rather than by `ocamlfind query`: one
process for each question would cost more than the whole of `mpy query`. `ocamlfind` is asked once where the libraries
are, and the answer is remembered.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from mirage_py.doors import memory
from mirage_py.libraries import dunepackage
from mirage_py.libraries.meta import MetaError, Package, parse, words
from mirage_py.libraries.sexp import SexpError
from mirage_py.libraries.walk import Walked, walk
from mirage_py.model.closure import Trouble
from mirage_py.model.command import Command
from mirage_py.model.library import Library
from mirage_py.model.toolchain import Toolchain
from mirage_py.project.reading import text_of

__all__ = ["DRIVER", "NATIVE", "Findlib", "configuration"]

NATIVE: Final = ("native", "mt", "mt_posix")
"""The predicates under which dune reads installed libraries: system threads count as chosen."""

DRIVER: Final = (*NATIVE, "ppx_driver")
"""Those for what is linked into a program of this machine: of a preprocessor itself, not what its output needs."""

ENVIRONMENT: Final = (
    "PATH",
    "OCAMLPATH",
    "OCAMLFIND_CONF",
    "OCAMLFIND_TOOLCHAIN",
    "OCAMLLIB",
    "CAMLLIB",
    "CAML_LD_LIBRARY_PATH",
    "OCAML_TOPLEVEL_PATH",
    "OPAM_SWITCH_PREFIX",
)
"""The variables that change what `ocamlfind` answers."""


Environment = Mapping[str, str | None]


class _Entry(NamedTuple):
    """A library where its META file describes it."""

    name: str
    package: Package
    directory: Path
    meta: Path
    hidden: str
    version: str | None


class Findlib:
    """The libraries on a search path. Every META file is read once, when it is first needed."""

    def __init__(self, path: tuple[Path, ...], *, stdlib: Path | None = None) -> None:
        self.path = path
        self.stdlib = stdlib if stdlib is not None else _stdlib_on(path)
        self._packages: dict[str, dict[str, _Entry]] = {}
        self._broken: dict[str, Trouble] = {}

    @classmethod
    def discover(cls, toolchain: str | None = None, environment: Environment | None = None) -> Findlib:
        """The libraries that `ocamlfind` (`-toolchain NAME`) finds here; ToolNotFound without ocamlfind.

        `environment` goes over that of mpy, as for an opam switch that is chosen by name.
        """
        laid_over = dict(environment or {})
        key = memory.environment(*ENVIRONMENT) | laid_over | {"toolchain": toolchain}
        match memory.recall("findlib", key):
            case {"path": [*path], "stdlib": str(stdlib)}:
                pass
            case _:
                path, stdlib = _ask(toolchain, laid_over, key)
        return cls(tuple(Path(folder) for folder in path), stdlib=Path(stdlib))

    def find(self, name: str, predicates: Collection[str] = NATIVE) -> Library | None:
        """The library of this name, or None where none is, or none that can be used: `problem` knows which."""
        entry = self._entry(name)
        return _library(entry, predicates, self) if entry is not None and not entry.hidden else None

    def property(self, name: str, variable: str, predicates: Collection[str] = NATIVE) -> str | None:
        """A library's own variable, such as `freestanding_linkopts`; None where the library or the variable is not."""
        entry = self._entry(name)
        return entry.package.value(variable, predicates) if entry is not None else None

    def version(self, name: str) -> str | None:
        """The version of the package that the library belongs to, when it has one."""
        entry = self._entry(name)
        return entry.version if entry is not None else None

    def problem(self, name: str, predicates: Collection[str] = NATIVE) -> Trouble | None:
        """Why a library that has a META file cannot be used."""
        entry = self._entry(name)
        if entry is None:
            return self._broken.get(_main(name))
        if entry.hidden:
            return Trouble(library=name, kind="hidden", text=entry.hidden, file=entry.meta)
        error = entry.package.value("error", predicates)
        return None if error is None else Trouble(library=name, kind="refused", text=error, file=entry.meta)

    def names(self) -> tuple[str, ...]:
        """Every library that is here, sublibraries too, in alphabetical order. Reads all META files."""
        mains = sorted({name for folder in self.path for name in _packages_in(folder)})
        entries = (entry for main in mains for entry in self._read(main).values())
        return tuple(sorted(entry.name for entry in entries if not entry.hidden))

    def broken(self) -> tuple[Trouble, ...]:
        """The packages whose META file cannot be read. Reads all META files."""
        self.names()
        return tuple(self._broken[main] for main in sorted(self._broken))

    def suggest(self, name: str) -> tuple[str, ...]:
        """The installed names that come nearest to a name that is not."""
        from difflib import get_close_matches

        return tuple(get_close_matches(name, self.names(), n=3, cutoff=0.7))

    def closure(self, names: Iterable[str], predicates: Collection[str] = NATIVE) -> Walked:
        """These libraries with all that they need; what is missing, broken or in a loop is part of the answer."""
        held = frozenset(predicates)
        return walk(names, lambda name: self.find(name, held), lambda name: self.problem(name, held))

    def resolve(self, file: str, base: Path) -> Path:
        """A file as META names it: `+f` below the standard library, `@lib/f` in a library's folder, else in `base`."""
        if file[:1] in ("+", "^"):
            return self.stdlib / file[1:]
        if file[:1] == "@":
            name, _, rest = file[1:].partition("/")
            entry = self._entry(name)
            return (entry.directory if entry is not None else base / f"@{name}") / rest
        return base / file

    def _entry(self, name: str) -> _Entry | None:
        return self._read(_main(name)).get(name)

    def _read(self, main: str) -> dict[str, _Entry]:
        """All libraries of a package. The first META on the path is the one that counts, as for findlib."""
        if main not in self._packages:
            found = next(_meta_files(self.path, main), None)
            self._packages[main] = self._load(main, found) if found else {}
        return self._packages[main]

    def _load(self, main: str, meta: Path) -> dict[str, _Entry]:
        try:
            package = _parsed(meta)
        except (OSError, MetaError, SexpError, RecursionError) as error:
            self._broken[main] = Trouble(library=main, kind="broken", text=_reason(error), file=meta)
            return {}
        version = _version(package)
        base = meta.parent
        return {entry.name: entry for entry in self._flat(_Entry(main, package, base, meta, "", version))}

    def _flat(self, entry: _Entry) -> Iterator[_Entry]:
        """The library and those inside it, each with its own folder."""
        directory = self.resolve(entry.package.value("directory") or "", entry.directory)
        here = entry._replace(directory=directory, hidden=entry.hidden or _hidden(entry.package, directory))
        yield here
        for name, child in here.package.children.items():
            yield from self._flat(here._replace(name=f"{here.name}.{name}", package=child))


def findlib_for(toolchain: Toolchain, host: Findlib) -> Findlib:
    """Where the libraries of a target are: its own sysroot first, then the host's pure OCaml ones."""
    if not toolchain.freestanding:
        return host
    return Findlib((*toolchain.libraries, *host.path), stdlib=toolchain.stdlib)


def _library(entry: _Entry, predicates: Collection[str], findlib: Findlib) -> Library:
    value = entry.package.value
    archives = words(value("archive", predicates) or "")
    return Library(
        name=entry.name,
        package=_main(entry.name),
        origin="installed",
        directory=entry.directory,
        version=entry.version,
        requires=tuple(dict.fromkeys(words(value("requires", predicates) or ""))),
        archives=tuple(findlib.resolve(file, entry.directory) for file in archives),
        ppx=(value("library_kind") or "").startswith("ppx_") or entry.package.first("ppx") is not None,
        meta=entry.meta,
        implements=value("implements") or "",
        virtual=value("virtual") is not None,
        default=value("default_implementation") or "",
        runtime=words(value("ppx_runtime_deps") or ""),
    )


def _parsed(meta: Path) -> Package:
    """The package of a META file; a `META.name` beside the packages' folders has to say where its own is."""
    text = text_of(meta)
    if meta.name == dunepackage.NAME:
        return dunepackage.read_package(text)
    package = parse(text)
    if meta.name != "META" and package.value("directory") is None:
        raise MetaError("it has no `directory`, which a META.name file needs", 1)
    beside = meta.parent / dunepackage.NAME
    if meta.name == "META" and beside.is_file():
        return dunepackage.with_roles(package, text_of(beside))
    return package


def _version(package: Package) -> str | None:
    """The package's version; what comes with OCaml says `[distributed with OCaml]`, which is none."""
    version = (package.value("version") or "").strip()
    return version if version and not version.startswith("[") else None


def _hidden(package: Package, directory: Path) -> str:
    """Why findlib hides the library: `exists_if` names files of which none exists. Empty when it does not."""
    files = words(package.first("exists_if") or "")
    if package.first("exists_if") is None or any((directory / file).exists() for file in files):
        return ""
    return f"none of its files is in {directory}: {', '.join(files)}"


def _meta_files(path: tuple[Path, ...], main: str) -> Iterator[Path]:
    for folder in path:
        for meta in (folder / main / "META", folder / f"META.{main}", folder / main / dunepackage.NAME):
            if meta.is_file():
                yield meta


def _packages_in(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir()) for entry in entries]
    except OSError:
        return
    for name, is_dir in found:
        if is_dir and any((folder / name / file).is_file() for file in ("META", dunepackage.NAME)):
            yield name
        elif not is_dir and name.startswith("META.") and not name.endswith("~"):
            yield name.removeprefix("META.")


def _stdlib_on(path: tuple[Path, ...]) -> Path:
    """The standard library's folder for a path given by hand: the one on it that has the standard library."""
    return next((folder for folder in path if (folder / "stdlib.cmxa").is_file()), path[0] if path else Path())


def _main(name: str) -> str:
    return name.split(".", 1)[0]


def _reason(error: Exception) -> str:
    return "packages are nested too deep" if isinstance(error, RecursionError) else str(error)


def configuration(program: Path) -> tuple[Path, ...]:
    """The files that configure findlib, first its main one; a folder of more counts too, since a file may be added."""
    key = memory.environment(*ENVIRONMENT) | {"program": str(program)}
    known = memory.recall("findlib-conf", key)
    conf = known if isinstance(known, str) else _printconf(program, None, "conf", {})
    if known is None:
        memory.remember("findlib-conf", key, conf, [program])
    return _configuration(Path(conf))


def _ask(toolchain: str | None, environment: Environment, key: memory.Key) -> tuple[list[str], str]:
    """Path and standard library as ocamlfind knows them, remembered until its program or configuration changes."""
    from mirage_py.doors.processes import missing_tool, which

    program = which("ocamlfind", environment.get("PATH"))
    if program is None:
        raise missing_tool("ocamlfind", "find the OCaml libraries of this machine")
    asked = {what: _printconf(program, toolchain, what, environment) for what in ("path", "stdlib", "conf")}
    path, stdlib = asked["path"].splitlines(), asked["stdlib"]
    files = _configuration(Path(asked["conf"]))
    memory.remember("findlib", key, {"path": path, "stdlib": stdlib}, [program, *files])
    return path, stdlib


def _printconf(program: Path, toolchain: str | None, what: str, environment: Environment) -> str:
    from mirage_py.doors.processes import run

    chosen = ("-toolchain", toolchain) if toolchain else ()
    argv = (str(program), *chosen, "printconf", what)
    return run(Command(argv=argv, purpose="ask findlib for its configuration", env=environment)).stdout.strip()


def _configuration(conf: Path) -> tuple[Path, ...]:
    more = Path(f"{conf}.d")
    return (conf, more, *sorted(more.glob("*.conf")))

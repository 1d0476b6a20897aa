"""What an opam file says of one version of a package, as far as solving, fetching and explaining need it."""

from __future__ import annotations

from typing import Final, NamedTuple

from mirage_py.dataclass import dataclass
from mirage_py.errors import Location, MpyError
from mirage_py.packages.formula import (
    AnyOf,
    Dependency,
    Environment,
    Formula,
    dependencies,
    formula,
    interpolate,
    truth,
)
from mirage_py.packages.syntax import Group, Option, Parsed, Section, Value, parse

__all__ = ["SOLVED", "Details", "Metadata", "Remote", "SystemPackages", "details", "metadata"]

SOLVED: Final = frozenset(
    ("available", "conflict-class", "conflicts", "depends", "depopts", "dev-repo", "flags", "url")
)
"""The fields that a solver reads; the rest of a file is stepped over."""

COMMANDS: Final = frozenset(("build", "install"))
"""The fields of which a solver has to know whether they say anything."""


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Where a file is, and what must hold for it: the `url` of a package, or an extra source."""

    urls: tuple[str, ...]
    checksums: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """One version of a package; formulas are what is left of them on the platform that was asked for."""

    name: str
    version: str
    depends: Formula | None = None
    optional: tuple[str, ...] = ()
    conflicts: tuple[Dependency, ...] = ()
    classes: tuple[str, ...] = ()
    available: bool = True
    flags: frozenset[str] = frozenset()
    remote: Remote | None = None
    dev_repo: str = ""
    commands: bool = False

    @property
    def avoided(self) -> bool:
        """Whether it is taken only where nothing else will do."""
        return not self.flags.isdisjoint(("avoid-version", "deprecated"))

    @property
    def virtual(self) -> bool:
        """Whether it has no files of its own that an image could hold."""
        return self.remote is None or not self.commands or ("conf" in self.flags and not self.dev_repo)

    @property
    def uses_dune(self) -> bool:
        """Whether dune builds it: what opam-monorepo goes by, a mention among the dependencies."""
        return "dune" in self.optional or any(one.name == "dune" for one in dependencies(self.depends))


def metadata(name: str, version: str, text: str, environment: Environment, file: str) -> Metadata:
    """What a solver needs of an opam file, on a platform given by its variables.

    Raises `MpyError` with the place for a file that is broken.
    """
    parsed = parse(text, file, SOLVED, COMMANDS)
    own = {**environment, "name": name, "version": version, "_:name": name, "_:version": version}
    try:
        return _metadata(name, version, parsed, own)
    except MpyError as wrong:
        raise MpyError(f"{name}.{version}: {wrong.message}", location=Location(file)) from None


def _metadata(name: str, version: str, parsed: Parsed, environment: Environment) -> Metadata:
    fields = parsed.fields
    optional = formula(fields["depopts"], environment, listed=AnyOf) if "depopts" in fields else None
    conflicts = formula(fields["conflicts"], environment, listed=AnyOf) if "conflicts" in fields else None
    url = next((section for section in parsed.sections if section.kind == "url"), None)
    return Metadata(
        name=name,
        version=version,
        depends=formula(fields["depends"], environment) if "depends" in fields else None,
        optional=tuple(dict.fromkeys(one.name for one in dependencies(optional))),
        conflicts=tuple(dependencies(conflicts)),
        classes=tuple(map(str, _listed(fields.get("conflict-class")))),
        available=all(truth(one, environment) for one in _listed(fields.get("available"))),
        flags=frozenset(map(str, _listed(fields.get("flags")))),
        remote=_remote(url) if url else None,
        dev_repo=str(fields.get("dev-repo", "")),
        commands=bool(fields.get("build")) or bool(fields.get("install")),
    )


class SystemPackages(NamedTuple):
    """Packages of the system (`depexts`), where the filter, as it stands in the file, holds."""

    names: tuple[str, ...]
    when: Value | None


class ExtraFile(NamedTuple):
    """An `extra-source`: a file and where it comes from."""

    name: str
    remote: Remote


@dataclass(frozen=True, kw_only=True)
class Details:
    """What is needed of a version that was chosen: how its source is prepared, and what the system has to have."""

    extra: tuple[ExtraFile, ...] = ()
    patches: tuple[str, ...] = ()
    substs: tuple[str, ...] = ()
    depexts: tuple[SystemPackages, ...] = ()


DETAILED: Final = frozenset(("depexts", "extra-source", "patches", "substs"))


def details(name: str, version: str, text: str, environment: Environment, file: str) -> Details:
    """How the source of a version is prepared on a platform; `MpyError` with the place for a file that is broken.

    A patch that is for other platforms is not fetched either.
    """
    parsed = parse(text, file, DETAILED)
    own = {**environment, "name": name, "version": version, "_:name": name, "_:version": version}
    try:
        return _details(parsed, own)
    except MpyError as wrong:
        raise MpyError(f"{name}.{version}: {wrong.message}", location=Location(file)) from None


def _details(parsed: Parsed, own: Environment) -> Details:
    patches = _filtered(parsed.fields.get("patches"), own)
    of_others = {*_filtered(parsed.fields.get("patches"), own, every=True)} - {*patches}
    extra = [
        ExtraFile(section.name, found)
        for section in parsed.sections
        if section.kind == "extra-source" and section.name and (found := _remote(section))
    ]
    return Details(
        extra=tuple(one for one in extra if one.name not in of_others),
        patches=patches,
        substs=_filtered(parsed.fields.get("substs"), own),
        depexts=tuple(_system(one) for one in _pairs(parsed.fields.get("depexts"))),
    )


def _filtered(value: Value | None, environment: Environment, *, every: bool = False) -> tuple[str, ...]:
    """The strings of a list whose filters hold, or `every` one."""
    found = []
    for one in _listed(value):
        text, conditions = (one.value, one.arguments) if isinstance(one, Option) else (one, ())
        if every or all(truth(condition, environment) for condition in conditions):
            found.append(interpolate(str(text), environment))
    return tuple(found)


def _pairs(value: Value | None) -> list[Value]:
    """`depexts` is a list of lists with filters; a single one may leave the outer brackets out."""
    found = _listed(value)
    return found if all(isinstance(one, Option | list) for one in found) else [found]


def _system(value: Value) -> SystemPackages:
    names, conditions = (value.value, value.arguments) if isinstance(value, Option) else (value, ())
    when = Group(conditions) if len(conditions) > 1 else next(iter(conditions), None)
    return SystemPackages(tuple(map(str, _listed(names))), when)


def _remote(section: Section) -> Remote | None:
    """The URLs of a `url` or `extra-source` section, the origin first, and all checksums (`md5` if none is named)."""
    fields = section.fields
    origin = next((fields[name] for name in ("src", "archive", "http", "git") if name in fields), None)
    if origin is None:
        return None
    urls = (str(origin), *map(str, _listed(fields.get("mirrors"))))
    checksums = tuple(_checksum(str(one)) for one in _listed(fields.get("checksum")))
    return Remote(urls=urls, checksums=checksums)


def _checksum(text: str) -> str:
    kind, found, digest = text.partition("=")
    return f"{kind.lower()}={digest.lower()}" if found else f"md5={text.lower()}"


def _listed(value: Value | None) -> list[Value]:
    """A list may leave its brackets out around a single element."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

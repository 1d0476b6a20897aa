"""mpy.lock as text: written in one order, read with every refusal named by its place in the file.

The first line carries the digest of the rest, as mpy wrote it. A file that still has that digest is read without
further ado where nothing is written by it; one that was edited, or merged by hand, is validated field by field first,
and so is any whose folders are laid or linked: a digest says who did not edit it, not who wrote it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mirage_py.dataclass import replace
from mirage_py.errors import Location, LockError
from mirage_py.packages.lock import (
    FILE,
    FORMAT,
    Archive,
    Depext,
    ExtraSource,
    Folder,
    GitTree,
    Lock,
    LockedPackage,
    LockedRepository,
    LockedSource,
    LockedUnikernel,
    Origin,
    RepositoryFile,
    SolvedFor,
    Subst,
    Want,
)
from mirage_py.project.reading import exact_text_of, toml_of

__all__ = ["lock_text", "parse_lock", "read_lock"]

HEAD: Final = "# What the unikernels of config.py are built from. Commit it. `mpy lock` renews it; digest "
RENEW: Final = "restore the file from version control, or remove it and make it anew: mpy lock"

Table = dict[str, Any]  # Any: what TOML holds


def read_lock(folder: Path, *, trusted: bool = True) -> Lock:
    """The lock beside a config.py; one that is not `trusted` is validated whatever its digest.

    Raises `LockError` when there is none, when it is damaged, or when a newer mpy wrote it.
    """
    path = folder / FILE
    try:
        text = exact_text_of(path)
    except FileNotFoundError:
        raise LockError(f"there is no {FILE} beside config.py", hint="mpy lock") from None
    except OSError as error:
        raise LockError(f"it cannot be read: {error.strerror}", location=Location.of(path), hint=RENEW) from None
    except UnicodeDecodeError:
        raise LockError("it is no text in UTF-8", location=Location.of(path), hint=RENEW) from None
    return parse_lock(text, Location.of(path), trusted=trusted)


def parse_lock(text: str, place: Location, *, trusted: bool = True) -> Lock:
    """The lock that a text says; `LockError` with the line, or with one line for each wrong field."""
    table = _table(text, place)
    if isinstance(table.get("format"), int) and table["format"] > FORMAT:
        raise LockError(
            f"this lock was written by a newer mpy (format {table['format']}; this one reads {FORMAT})",
            location=place,
            hint="upgrade mpy",
        )
    head, _, body = text.partition("\n")
    edited = head != HEAD + _digest(body)
    if edited or not trusted:
        _validate(table, place)
    return replace(_lock(table), edited=edited)


def lock_text(lock: Lock) -> str:
    """The content of mpy.lock; the same lock gives the same bytes."""
    import tomli_w

    body = tomli_w.dumps(_lock_table(lock), multiline_strings=False, indent=2)
    return f"{HEAD}{_digest(body)}\n{body}"


# ---------------------------------------------------------------------------------------------------------------------
# Values to tables


def _lock_table(lock: Lock) -> Table:
    return {
        "format": FORMAT,
        "solved-for": _said(
            ocaml=lock.solved_for.ocaml,
            dune=lock.solved_for.dune,
            solo5=lock.solved_for.solo5,
            ocaml_solo5=lock.solved_for.ocaml_solo5,
        )
        | {"bundled": lock.solved_for.bundled, "installed": lock.solved_for.installed},
        "repository": [
            _said(source=one.source, digest=one.digest, commit=one.commit) for one in lock.repositories
        ],  # their order counts
        "unikernel": {
            one.label: {"target": one.target, "asks": sorted(one.asks)}
            for one in sorted(lock.unikernels, key=lambda one: one.label)
        },
        "depext": [
            _said(package=one.package, names=sorted(one.names), when=one.when)
            for one in sorted(lock.depexts, key=lambda one: (one.package, one.when, sorted(one.names)))
        ],
        "source": [_source_table(one) for one in sorted(lock.sources, key=lambda one: one.folder)],
        "package": [_package_table(one) for one in sorted(lock.packages, key=lambda one: one.name)],
    }


def _said(**values: object) -> Table:
    """The fields that have a value, spelled as TOML spells them."""
    return {name.replace("_", "-"): value for name, value in values.items() if value not in (None, "", [], ())}


def _source_table(source: LockedSource) -> Table:
    return {
        "folder": source.folder,
        **_origin_table(source.origin),
        **_said(
            extra=[
                {"name": one.name, "urls": list(one.urls), "checksums": sorted(one.checksums)}
                for one in sorted(source.extra_sources, key=lambda one: one.name)
            ],
            file=[_file_table(one) for one in sorted(source.files, key=lambda one: one.name)],
            patches=list(source.patches),
            substs=[{"name": one.name, "package": one.package} for one in source.substs],
        ),
    }


def _origin_table(origin: Origin) -> Table:
    match origin:
        case Archive():
            return {"urls": list(origin.urls), "checksums": sorted(origin.checksums)}
        case GitTree():
            return _said(git=origin.url, ref=origin.ref, commit=origin.commit, tree=origin.tree)
        case Folder():
            return {"path": origin.path}


def _file_table(file: RepositoryFile) -> Table:
    try:
        text = file.content.decode("utf-8")
    except UnicodeDecodeError:
        return {"name": file.name, "base64": base64.b64encode(file.content).decode()}
    return {"name": file.name, "text": text}


def _package_table(package: LockedPackage) -> Table:
    return _said(
        name=package.name,
        version=package.version,
        served=package.served,
        source=package.source,
        scope=package.scope,
        unikernels=sorted(package.unikernels),
        asked=[_said(by=one.by, bound=one.bound) for one in sorted(package.asked)],
    )


def _digest(body: str) -> str:
    import hashlib

    return hashlib.sha256(body.encode()).hexdigest()


# ---------------------------------------------------------------------------------------------------------------------
# Tables to values


def _lock(table: Table) -> Lock:
    given = table["solved-for"]
    return Lock(
        solved_for=SolvedFor(**{name.replace("-", "_"): value for name, value in given.items()}),
        repositories=tuple(LockedRepository(**one) for one in table.get("repository", ())),
        unikernels=tuple(
            LockedUnikernel(label=label, target=one["target"], asks=tuple(one.get("asks", ())))
            for label, one in table.get("unikernel", {}).items()
        ),
        sources=tuple(_source(one) for one in table.get("source", ())),
        packages=tuple(_package(one) for one in table.get("package", ())),
        depexts=tuple(
            Depext(package=one["package"], names=tuple(one["names"]), when=one.get("when", ""))
            for one in table.get("depext", ())
        ),
    )


def _source(table: Table) -> LockedSource:
    return LockedSource(
        folder=table["folder"],
        origin=_origin(table),
        extra_sources=tuple(
            ExtraSource(name=one["name"], urls=tuple(one["urls"]), checksums=tuple(one["checksums"]))
            for one in table.get("extra", ())
        ),
        files=tuple(RepositoryFile(name=one["name"], content=_content(one)) for one in table.get("file", ())),
        patches=tuple(table.get("patches", ())),
        substs=tuple(Subst(**one) for one in table.get("substs", ())),
    )


def _origin(table: Table) -> Origin:
    if "urls" in table:
        return Archive(urls=tuple(table["urls"]), checksums=tuple(table["checksums"]))
    if "git" in table:
        return GitTree(url=table["git"], commit=table["commit"], tree=table["tree"], ref=table.get("ref"))
    return Folder(path=table["path"])


def _content(table: Table) -> bytes:
    return base64.b64decode(table["base64"]) if "base64" in table else str(table["text"]).encode()


def _package(table: Table) -> LockedPackage:
    return LockedPackage(
        name=table["name"],
        version=table["version"],
        served=table.get("served", "vendored"),
        source=table.get("source"),
        scope=table.get("scope", "monorepo"),
        unikernels=tuple(table.get("unikernels", ())),
        asked=tuple(Want(by=one["by"], bound=one.get("bound", "")) for one in table.get("asked", ())),
    )


# ---------------------------------------------------------------------------------------------------------------------
# What is refused


def _table(text: str, place: Location) -> Table:
    try:
        return toml_of(text)
    except ValueError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else _conflict(text)
        raise LockError(f"this lock is not TOML: {error}", location=place._replace(line=line), hint=RENEW) from None


def _conflict(text: str) -> int:
    """The line of a mark that an unfinished merge left, else 0."""
    return next((number for number, line in enumerate(text.split("\n"), 1) if line.startswith("<<<<<<<")), 0)


def _validate(table: Table, place: Location) -> None:
    from pydantic import ValidationError

    from mirage_py.packages.lock_schema import File

    try:
        checked = File.model_validate(table)
    except ValidationError as error:
        raise _refused(place, [f"{_field(one['loc'], table)}: {_message(one)}" for one in error.errors()]) from None
    wrong = list(checked.contradictions())
    if wrong:
        raise _refused(place, wrong)


def _message(error: Any) -> str:  # Any: pydantic's ErrorDetails, imported where it is used
    if error["type"] == "extra_forbidden":
        return "there is no such field"
    message: str = error["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _field(path: tuple[int | str, ...], table: Table) -> str:
    """A field as a person finds it: by the name of the package or the folder it belongs to, not by a count."""
    return ".".join(_named(path, table))


def _named(path: tuple[int | str, ...], table: Table) -> Iterator[str]:
    here: Any = table
    for part in path:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = {}
        if isinstance(part, int) and isinstance(here, dict):
            yield str(here.get("name") or here.get("folder") or here.get("package") or part)
        else:
            yield str(part)


def _refused(place: Location, details: list[str]) -> LockError:
    shown = 8
    more = [f"and {len(details) - shown} more"] if len(details) > shown else []
    return LockError(
        "this lock is none that mpy would write",
        location=place,
        details=(*details[:shown], *more),
        hint=RENEW,
    )

"""The verdict on what is not here: from the table of what was built and run, else from what its packages link.

Metadata speaks of packages, not of libraries: none tells of C stubs, and a package that needs Unix may have a part that
does not. So a package that nobody tried is "unsure" at best, and every answer says what it rests on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.audit.rules import freestanding, verdict_of
from mirage_py.audit.tried import Tried, finding_of, libraries_of, severity_of, tried, tried_on, verdict_told
from mirage_py.dataclass import dataclass
from mirage_py.model.audit import VERDICT_WORDS, AuditRequest, Finding, LibraryAudit, Problem, Root, Severity
from mirage_py.model.bounds import ANY, Bounds
from mirage_py.packages.linked import Files, Folder, Linked, Source, linked
from mirage_py.packages.lock import Lock

__all__ = ["Metadata", "Packages", "repositories"]

UNIX_PACKAGES: Final = frozenset({"base-unix", "base-threads", "threads"})
LIBFFI: Final = frozenset({"ctypes-foreign", "conf-libffi"})
TABLE: Final = "mpy's table of verdicts"


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What describes packages here: a lock, then repositories and opam files; `read` are the files behind them."""

    sources: tuple[Source, ...] = ()
    lock: Lock | None = None
    read: tuple[Path, ...] = ()

    def beside(self, request: AuditRequest) -> Metadata:
        """These, and what the request's own folders hold."""
        folders = (
            Source(name=f"the repository in {one.name}", files=Folder(folder=one)) for one in request.opam_repositories
        )
        files = Files(sources=request.vendored, installed=request.path)
        own = Source(name="its own opam file", files=files)
        return Metadata(sources=(*self.sources, *folders, own), lock=self.lock, read=self.read)


def repositories() -> tuple[Path, ...]:
    """The repositories that opam keeps unpacked on this machine; none of them is changed."""
    root = Path(os.environ.get("OPAMROOT") or Path.home() / ".opam")
    return tuple(sorted(path.parent for path in root.glob("repo/*/packages")))


class Packages:
    """Judges libraries of packages that are not here."""

    def __init__(
        self,
        names: Iterable[str],
        metadata: Metadata,
        ocaml: str | None,
        bounds: Mapping[str, Bounds] | None = None,
    ) -> None:
        self.bounds = bounds or {}
        packages = dict.fromkeys(name.partition(".")[0] for name in names)
        self.ocaml = (metadata.lock.solved_for.ocaml if metadata.lock else None) or ocaml
        self.linked: Linked = linked(packages, metadata.sources, lock=metadata.lock, ocaml=self.ocaml)

    def known(self, name: str) -> bool:
        """Whether anything is known of a library's package: its metadata, or that somebody tried it."""
        package = name.partition(".")[0]
        return package in self.linked.packages or any(libraries_of(package, target) for target in ("spt", "unix"))

    def problem(self, root: Root) -> Problem:
        """What to do about a package of which nothing is known."""
        message = f"no metadata of package {root.library.partition('.')[0]} is here, and nobody tried it for mpy"
        return Problem(message=message, place=root.asked_by, hint="mpy repo update, or name a repository: mpy repo add")

    def row(self, root: Root, target: str, path: tuple[str, ...] = ()) -> LibraryAudit:
        """The verdict on a library, or on a package by its libraries."""
        package = root.library.partition(".")[0]
        described = self.linked.packages.get(package)
        version = described.version if described else None
        if version and not self._bounds(package).admit(version):
            version = None
        found = tuple(self._findings(root.library, package, version, target))
        verdict = verdict_of(found)
        decisive = next((one for one in found if one.severity == verdict and one.rule == "opam"), None)
        because = self.linked.behind(package).get(decisive.symbol, ()) if decisive else ()
        spoken = [described.said_by] if described else []
        return LibraryAudit(
            library=root.library,
            target=target,
            verdict=verdict,
            version=version or next((one.version for one in self._rows(root.library, None, target)), None),
            origin="lock" if spoken == ["mpy.lock"] else "opam",
            root=True,
            path=path or (root.library,),
            asked_by=root.asked_by,
            because=because if because[1:] else (),
            findings=found,
            sources=(*([TABLE] if any(one.rule == "tried" for one in found) else []), *spoken),
        )

    def _bounds(self, package: str) -> Bounds:
        return self.bounds.get(package, ANY)

    def _rows(self, library: str, version: str | None, target: str) -> tuple[Tried, ...]:
        """The rows for a library; for a package without a library of its name those of its parts, the mildest first."""
        bounds = self._bounds(library.partition(".")[0])
        exact = tried(library, target, version=version, ocaml=self.ocaml, bounds=bounds)
        parts = (
            libraries_of(library, target, version=version, ocaml=self.ocaml, bounds=bounds)
            if "." not in library
            else ()
        )
        others = sorted(
            (one for one in parts if one is not exact), key=lambda one: one.verdict not in ("runs", "recompile")
        )
        return (exact, *others) if exact else tuple(others)

    def _findings(self, library: str, package: str, version: str | None, target: str) -> Iterator[Finding]:
        rows = self._rows(library, version, target)
        if rows:
            yield finding_of(rows[0])
            yield from _parts(rows[1:])
        elif freestanding(target):
            yield self._untried(library, version, target)
            yield from self._of_needs(package, target)
        else:
            message = "nothing in its metadata keeps it from running under an operating system"
            yield Finding(rule="opam-only", severity="note", message=message)

    def _untried(self, library: str, version: str | None, target: str) -> Finding:
        named = f"{library} {version}" if version else library
        other = next(iter(self._rows(library, None, target)), None)
        message = f"{named} was not tried"
        if other is not None:
            message += f"; {other.library} {other.version} {verdict_told(other)}"
        remedy = "vendor it (mpy lock, mpy pull) or install it, and ask again: its sources tell the rest"
        return Finding(rule="opam-only", severity="unsure", message=message, remedy=remedy)

    def _of_needs(self, package: str, target: str) -> Iterator[Finding]:
        """What the packages behind one say: which cannot be, and which nobody tried."""
        behind = self.linked.behind(package)
        untried: list[str] = []
        runs = 0
        for name, path in behind.items():
            row = next(iter(self._rows(name, self._version(name), target)), None)
            bad = tuple(self._on_package(name, path, row))
            yield from bad
            runs += row is not None and not bad
            if row is None and not bad and name != package and not name.startswith("conf-"):
                untried.append(name)
        if untried:
            message = (
                f"nor were {_named(untried)}, which it needs"
                if untried[1:]
                else f"nor was {untried[0]}, which it needs"
            )
            yield Finding(rule="opam-only", severity="unsure", message=message, symbol=untried[0])
        elif runs:
            message = f"all {runs} packages behind it run" if runs > 1 else "the package behind it runs"
            yield Finding(rule="opam-only", severity="note", message=f"{message} ({tried_on(target)}, built and run)")

    def _version(self, name: str) -> str | None:
        found = self.linked.packages.get(name)
        return found.version if found else None

    def _on_package(self, name: str, path: tuple[str, ...], row: Tried | None) -> Iterator[Finding]:
        described = self.linked.packages.get(name)
        if row is not None and row.verdict not in ("runs", "recompile"):
            message = f"{name} {verdict_told(row)}"
            yield _finding(name, severity_of(row.verdict), message, path)
        elif name in UNIX_PACKAGES or (row is None and name.endswith(("-unix", "_unix"))):
            yield _finding(name, "unix", f"the package needs {name}; a part of it may not", path)
        elif name in LIBFFI:
            yield _finding(name, "missing", "it builds calls with libffi at run time", path)
        elif described is not None and described.c_library and row is None:
            yield _finding(name, "missing", f"it needs the C library behind {name}, which is of the system", path)


def _parts(rows: Iterable[Tried]) -> Iterator[Finding]:
    """The libraries of a package that do not run where its main one does."""
    bad: dict[str, list[str]] = {}
    for row in rows:
        if row.verdict not in ("runs", "recompile"):
            bad.setdefault(VERDICT_WORDS[row.verdict], []).append(row.library)
    for words, names in bad.items():
        yield Finding(rule="tried-part", severity="note", message=f"its {_named(names)} {words}")


def _finding(symbol: str, severity: Severity, message: str, path: Iterable[str]) -> Finding:
    way = " -> ".join(path)
    remedy = "use a part of the package without it, or another package; its sources would tell"
    return Finding(rule="opam", severity=severity, message=f"{message} ({way})", symbol=symbol, remedy=remedy)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more

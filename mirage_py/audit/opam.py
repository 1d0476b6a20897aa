"""The verdict on a package that is not here, from opam metadata alone: who needs `base-unix`, a C library, a generator.

Metadata speaks of packages, not of libraries: a package that needs Unix may have a part that does not, and none tells
of C stubs. So nothing found is "unsure", and every finding says what it rests on.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mirage_py.audit.rules import freestanding, verdict_of
from mirage_py.model.audit import AuditReport, AuditRequest, Finding, LibraryAudit, Problem, Root, Severity

UNIX_PACKAGES: Final = frozenset({"base-unix", "base-threads", "async_unix", "core_unix", "lwt_unix", "threads"})
BUILD_ONLY: Final = frozenset(
    {
        "conf-pkg-config",
        "conf-m4",
        "conf-which",
        "conf-autoconf",
        "conf-automake",
        "conf-perl",
        "conf-cmake",
        "conf-git",
    }
)
NOT_LINKED: Final = re.compile(
    r"ppx_\w+|ppxlib|dune(?:-configurator)?|ocamlfind|ocamlbuild|ocaml(?:-.*)?|base-b\w+|topkg"
)
IN_PARTS: Final = re.compile(r"\bwith-(?:test|doc|dev-setup)\b|\bbuild\b|\bdev\b|\bpost\b")

DEPENDS: Final = re.compile(r"^depends:\s*", re.MULTILINE)
DEPEXTS: Final = re.compile(r"^depexts:", re.MULTILINE)
TOKEN: Final = re.compile(r'"(?P<name>[^"]*)"|(?P<brace>\{)|(?P<end>\])|#[^\n]*|\(\*.*?\*\)|[\s()|&]+|[^\s]', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Opam:
    """What the audit reads of one opam file."""

    name: str
    version: str | None
    depends: tuple[str, ...]
    external: bool
    file: Path


class Metadata:
    """opam files by package: of repositories, of vendored sources, of installed libraries, the first that has one."""

    def __init__(self, repositories: tuple[Path, ...], vendored: tuple[Path, ...], path: tuple[Path, ...]) -> None:
        self.repositories = repositories
        self.vendored = vendored
        self.path = path

    def find(self, name: str) -> Opam | None:
        """The newest metadata of a package, or None."""
        for file in self._files(name):
            try:
                return parse(name, file, file.read_text("utf-8", "replace"))
            except OSError:
                continue
        return None

    def _files(self, name: str) -> Iterator[Path]:
        for repository in self.repositories:
            versions = sorted((repository / "packages" / name).glob(f"{name}.*/opam"), key=_newest_last)
            yield from reversed(versions)
        for folder in self.vendored:
            yield from sorted(folder.glob(f"*/{name}.opam"))
        yield from (folder / name / "opam" for folder in self.path if (folder / name / "opam").is_file())


def repositories() -> tuple[Path, ...]:
    """The repositories that opam keeps unpacked on this machine; none of them is changed."""
    root = Path(os.environ.get("OPAMROOT") or Path.home() / ".opam")
    return tuple(sorted(path.parent for path in root.glob("repo/*/packages")))


def _newest_last(file: Path) -> tuple[tuple[int, int, str], ...]:
    """Numbers by value, and `~` before the end of the version, as opam orders them."""
    parts = re.findall(r"\d+|~|[^\d~]+", file.parent.name.partition(".")[2].removeprefix("v"))
    return (*((0 if part == "~" else 2, int(part) if part.isdigit() else 0, part) for part in parts), (1, 0, ""))


def parse(name: str, file: Path, text: str) -> Opam:
    """The dependencies that end up in an image: those for tests, documentation and the build alone left out."""
    found = DEPENDS.search(text)
    version = re.search(r'^version:\s*"([^"]*)"', text, re.MULTILINE)
    named = file.parent.name.partition(".")[2] or None if file.name == "opam" else None
    return Opam(
        name=name,
        version=version.group(1) if version else named,
        depends=tuple(dict.fromkeys(_depends(text, found.end()))) if found else (),
        external=DEPEXTS.search(text) is not None,
        file=file,
    )


def _depends(text: str, at: int) -> Iterator[str]:
    """The package names of a list, each with the filter behind it."""
    held: str | None = None
    position = at
    while position < len(text) and (token := TOKEN.match(text, position)):
        position = token.end()
        if token["brace"]:
            close = _closing(text, position)
            held, position = (None if IN_PARTS.search(text[position:close]) else held), close + 1
        elif token["name"] is not None or token["end"]:
            if held:
                yield held
            held = token["name"]
            if token["end"]:
                return


def _closing(text: str, position: int) -> int:
    depth = 1
    while position < len(text):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if not depth:
            return position
        position += 1
    return position


def audit_opam(request: AuditRequest) -> AuditReport:
    """The verdicts on the packages of `request.opam` for each target."""
    metadata = Metadata(request.opam_repositories, request.vendored, request.path)
    libraries: list[LibraryAudit] = []
    problems: list[Problem] = []
    for root in request.opam:
        if metadata.find(root.library) is None:
            hint = "name a folder of an opam repository, or run `opam update` where opam keeps one"
            problems.append(Problem(message=f"no opam metadata of package {root.library} is here", hint=hint))
        else:
            libraries += [_verdict(root, metadata, target) for target in request.targets]
    return AuditReport(libraries=tuple(libraries), problems=tuple(problems), targets=request.targets)


def _verdict(root: Root, metadata: Metadata, target: str) -> LibraryAudit:
    packages, paths, unknown = _closure(root.library, metadata)
    findings = tuple(_findings(packages, paths, unknown)) if freestanding(target) else ()
    verdict = verdict_of(findings)
    decisive = next((finding for finding in findings if finding.severity == verdict), None)
    return LibraryAudit(
        library=root.library,
        target=target,
        verdict=verdict,
        version=packages[root.library].version,
        origin="opam",
        root=True,
        path=(root.library,),
        asked_by=root.asked_by,
        because=paths.get(decisive.symbol, ()) if decisive else (),
        findings=findings,
        sources=("opam metadata",),
    )


def _closure(root: str, metadata: Metadata) -> tuple[dict[str, Opam], dict[str, tuple[str, ...]], list[str]]:
    """The packages that an image would hold, the shortest path to each, and those without metadata."""
    paths: dict[str, tuple[str, ...]] = {root: (root,)}
    packages: dict[str, Opam] = {}
    unknown: list[str] = []
    queue = [root]
    for name in queue:  # grows while it is walked: breadth first
        opam = metadata.find(name)
        if opam is None:
            unknown.append(name)
            continue
        packages[name] = opam
        fresh = [need for need in opam.depends if need not in paths and not NOT_LINKED.fullmatch(need)]
        paths |= {need: (*paths[name], need) for need in fresh}
        queue += [need for need in fresh if need not in UNIX_PACKAGES and not need.startswith("conf-")]
    return packages, paths, unknown


def _findings(packages: dict[str, Opam], paths: dict[str, tuple[str, ...]], unknown: list[str]) -> Iterator[Finding]:
    for name, path in paths.items():
        yield from _on_package(name, path)
    for name, opam in packages.items():
        if opam.external and not name.startswith("conf-"):
            yield _finding(name, "missing", f"{name} asks for packages of the system (depexts)", paths[name])
    known = [name for name in unknown if name not in UNIX_PACKAGES and not name.startswith("conf-")]
    if known:
        yield _finding(known[0], "unsure", f"no metadata of {_named(known)} is here", paths[known[0]])
    message = "opam metadata does not tell of C stubs, nor which part of a package is linked; its sources would"
    yield Finding(rule="opam-only", severity="unsure", message=message, remedy="vendor or install it, and ask again")


def _on_package(name: str, path: tuple[str, ...]) -> Iterator[Finding]:
    if name in UNIX_PACKAGES or name.endswith(("-unix", "_unix")):
        yield _finding(name, "unix", f"the package needs {name}; a part of it may not", path)
    elif name.startswith("conf-") and name not in BUILD_ONLY:
        yield _finding(name, "missing", f"it needs the C library behind {name}, which is of the system", path)
    elif name in {"ctypes-foreign", "conf-libffi"}:
        yield _finding(name, "missing", "it builds calls with libffi at run time", path)


def _finding(symbol: str, severity: Severity, message: str, path: Iterable[str]) -> Finding:
    way = " -> ".join(path)
    remedy = "use a part of the package without it, or another package; its sources would tell"
    return Finding(rule="opam", severity=severity, message=f"{message} ({way})", symbol=symbol, remedy=remedy)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more

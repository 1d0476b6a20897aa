"""Which candidate serves each package: the first that fits the bounds and the target, taken whole.

A candidate is passed over when its version is out of bounds, when its C archives are this machine's, when what it
needs is missing or needs an operating system, or when it was compiled against another copy of what the image has; the
next one that fits is taken, and the reason is kept. Sources are never passed over: dune would take them all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mirage_py.dataclass import dataclass, field, replace
from mirage_py.libraries.bundled import BundledPackage
from mirage_py.libraries.cside import OtherCompiler, c_side
from mirage_py.libraries.places import OF_COMPILER, Candidate, Places
from mirage_py.libraries.walk import Walked, walk
from mirage_py.model.bounds import ANY, Bounds
from mirage_py.model.closure import CSide, Rejected, Trouble
from mirage_py.model.library import Library
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import Toolchain

__all__ = ["Bad", "Question", "Serving", "serve"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What has to be served: for which target, within which bounds, and what must not be part of it."""

    roots: tuple[str, ...]
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()
    bare: bool = False
    plan: Plan | None = None


@dataclass(frozen=True, kw_only=True)
class Bad:
    """A library that spoils the closure, by its kind: it is `missing`, or needs an operating `system`; it was compiled
    against another copy of what it needs (`family`), or is another one than a bundled library goes with (`half`).
    """

    kind: str
    name: str
    needs: str = ""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """Who serves what: the libraries, dependencies first, what spoils them, and by package who was passed over."""

    walked: Walked
    bad: tuple[Bad, ...]
    rejected: Mapping[str, tuple[Rejected, ...]]
    c: Mapping[str, CSide]


def serve(question: Question, places: Places, toolchain: Toolchain | None) -> Serving:
    """The best choice of servers for the question; what nobody serves is in `bad`."""
    choice = _Choice(question, places, toolchain)
    serving = choice.walk()
    tried: set[tuple[str, str, Bad]] = set()
    while (better := next(_better(choice, serving, tried), None)) is not None:
        choice, serving = better
    return serving


OF_SERVER = ("family", "half")
"""Kinds that are mended by another server of the library itself."""


def _better(choice: _Choice, serving: Serving, tried: set[tuple[str, str, Bad]]) -> Iterator[tuple[_Choice, Serving]]:
    """Choices in which one thing that spoils the closure is gone, because who leads to it gave way to the next."""
    for bad in serving.bad:
        for package in _culprits(bad, serving):
            mark = (package, choice.chosen_of(package).origin, bad)
            if mark in tried or not choice.has_next(package):
                continue
            tried.add(mark)
            trial = choice.without(package, _reason(bad, serving))
            found = trial.walk()
            if bad not in found.bad and set(found.bad) <= set(serving.bad):
                yield trial, found


def _culprits(bad: Bad, serving: Serving) -> Iterable[str]:
    """The packages whose choice leads to what is bad, nearest first."""
    queue = [bad.name, *(() if bad.kind in OF_SERVER else serving.walked.missing.get(bad.name, ()))]
    seen = dict.fromkeys(queue)
    for name in queue:  # grows while it is walked: breadth first
        for asker in serving.walked.askers.get(name, ()):
            if asker not in seen:
                seen[asker] = None
                queue.append(asker)
    packages = dict.fromkeys(name.split(".", 1)[0] for name in queue)
    if bad.kind not in OF_SERVER:
        packages.pop(bad.name.split(".", 1)[0], None)
    return packages


def _reason(bad: Bad, serving: Serving) -> str:
    match bad.kind:
        case "family":
            other = next((one for one in serving.walked.libraries if one.name == bad.needs), None)
            whose = f"the {other.origin} one is in the image" if other else "it is another one here"
            return f"it was compiled against the installed {bad.needs}, and {whose}"
        case "half":
            return f"the bundled {bad.needs} is in the image, and goes with the bundled one"
        case "system":
            return f"it needs {bad.name}, and the target has no operating system"
        case _:
            reasons = serving.rejected.get(bad.name.split(".", 1)[0], ())
            why = f" ({reasons[0].reason})" if reasons else ""
            return f"it needs {bad.name}, which nobody serves here{why}"


class _Choice:
    """A candidate for each package, and the walk that follows from it."""

    def __init__(self, question: Question, places: Places, toolchain: Toolchain | None) -> None:
        self.question = question
        self.places = places
        self.toolchain = toolchain
        self.candidates: dict[str, tuple[Candidate, ...]] = {}
        self.at: dict[str, int] = {}
        self.rejected: dict[str, dict[Rejected, None]] = {}
        self.c: dict[str, CSide] = {}
        self.moved = False

    def without(self, package: str, reason: str) -> _Choice:
        """A copy in which the package's candidate has given way to the next one."""
        other = _Choice(self.question, self.places, self.toolchain)
        other.candidates, other.at, other.c = self.candidates, dict(self.at), dict(self.c)
        other.rejected = {name: dict(reasons) for name, reasons in self.rejected.items()}
        other._reject(package, self.chosen_of(package), reason)
        other.at[package] = self.at.get(package, 0) + 1
        return other

    def chosen_of(self, package: str) -> Candidate:
        return self._of(package)[self.at.get(package, 0)]

    def has_next(self, package: str) -> bool:
        """Whether another candidate could take the package; sources are never passed over."""
        return self.at.get(package, 0) + 1 < len(self._of(package)) and self.chosen_of(package).origin == "installed"

    def walk(self) -> Serving:
        """The libraries that follow from the choice; a package that moves on to its next candidate starts it anew."""
        while True:
            self.moved = False
            walked = walk(self.question.roots, self.find, self.trouble)
            if not self.moved:
                walked = _with_implementations(walked, self.find)
            if not self.moved:
                break
        bad = tuple(self._bad(walked))
        rejected = {package: tuple(reasons) for package, reasons in self.rejected.items()}
        return Serving(walked=walked, bad=bad, rejected=rejected, c=dict(self.c))

    def find(self, name: str) -> Library | None:
        """The library from the package's candidate, or from the next one that fits; None where none does."""
        package = name.split(".", 1)[0]
        candidates = self._of(package)
        start = self.at.get(package, 0)
        passed: list[tuple[Candidate, str]] = []
        for index in range(start, len(candidates)):
            candidate = candidates[index]
            library = candidate.find(name)
            reason = self._unfit(package, name, candidate, library)
            if not reason:
                self._move(package, index, passed)
                return library
            if library is not None or reason != ABSENT or candidate.version:
                passed.append((candidate, reason))
            if candidate.origin in ("vendored", "local") and reason != ABSENT:
                break
        for candidate, reason in passed:
            self._reject(package, candidate, reason)
        return None

    def trouble(self, name: str) -> Trouble | None:
        """What is wrong with the description of an installed library, where that one would serve."""
        return self.places.findlib.problem(name)

    def _move(self, package: str, index: int, passed: list[tuple[Candidate, str]]) -> None:
        if index == self.at.setdefault(package, index):
            return
        if self.chosen_of(package).origin in ("vendored", "local"):
            return  # a library that the sources lack: the others of the package are theirs
        for candidate, reason in passed:
            self._reject(package, candidate, reason)
        self.moved = True
        self.at[package] = index

    def _reject(self, package: str, candidate: Candidate, reason: str) -> None:
        rejected = Rejected(origin=candidate.origin, version=candidate.version, reason=reason)
        self.rejected.setdefault(package, {})[rejected] = None

    def _of(self, package: str) -> tuple[Candidate, ...]:
        if package not in self.candidates:
            self.candidates[package] = self.places.candidates(package)
        return self.candidates[package]

    def _unfit(self, package: str, name: str, candidate: Candidate, library: Library | None) -> str:
        """Why a candidate does not serve a library; empty where it does."""
        if library is None:
            return candidate.why(name) or ABSENT
        return self._out_of_bounds(package, candidate) or self._unlinkable(library)

    def _out_of_bounds(self, package: str, candidate: Candidate) -> str:
        bounds = self.question.bounds.get(package, ANY)
        if bounds.pin and candidate.origin in ("installed", "bundled"):
            return f"it is pinned to {bounds.pin}: its sources alone serve"
        if candidate.version is None or package in OF_COMPILER:
            return ""
        bundled = self.places.bundle.get(package)
        if bundled and candidate.origin == "installed" and not (bounds.min or bounds.max):
            return _other_series(candidate.version, bundled)
        return "" if bounds.admit(candidate.version) else f"{bounds} is needed"

    def _unlinkable(self, library: Library) -> str:
        """Why an installed library cannot be linked for the target; its C side is kept where it can."""
        if library.origin != "installed":
            if library.words:
                self.c[library.name] = CSide(words=library.words, origin="build")
            return ""
        declared = self.question.plan.declared_stubs if self.question.plan else ()
        try:
            side = c_side(library, self.places.findlib, self.toolchain, declared, bare=self.question.bare)
        except OtherCompiler as other:
            return str(other)
        if side is None:
            return ""
        if side.refused and not self._needs_system(library):
            return "; ".join(side.refused)
        self.c[library.name] = side
        return ""

    def _needs_system(self, library: Library) -> bool:
        """Whether it needs an operating system: that tells more than what its C stubs are built for."""
        names = self.places.findlib.closure((library.name,)).names
        return not set(names).isdisjoint(self.question.forbidden)

    def _bad(self, walked: Walked) -> Iterator[Bad]:
        yield from (Bad(kind="missing", name=name) for name in walked.missing)
        by_name = {library.name: library for library in walked.libraries}
        for name in self.question.forbidden:
            if name in by_name and not self._own(by_name[name]):
                yield Bad(kind="system", name=name)
        for library in walked.libraries:
            if library.origin == "installed":
                needed = (by_name[need] for need in library.requires if need in by_name)
                other = next((one for one in needed if one.compiled_here), None)
                if other:
                    yield Bad(kind="family", name=library.name, needs=other.name)
            elif library.origin == "bundled":
                together = self.places.bundle[library.package].together
                for need in library.requires:
                    if need in by_name and by_name[need].package in together and by_name[need].origin != "bundled":
                        yield Bad(kind="half", name=need, needs=library.name)

    def _own(self, library: Library) -> bool:
        """Whether the target's own sysroot brings it (a `threads` without content, say): then it is as good as any.

        The META file tells whose it is: that of the host's unix says `directory = "^"`, any compiler's folder.
        """
        if self.toolchain is None:
            return False
        places = (self.toolchain.sysroot,) if self.toolchain.sysroot else self.toolchain.libraries
        return any((library.meta or library.directory).is_relative_to(place) for place in places)


ABSENT = "it has no such library"


def _other_series(version: str, bundled: BundledPackage) -> str:
    """What must be equal for two releases to have one interface: the first number, or 0 and the second."""
    ours, theirs = _series(bundled.version), _series(version)
    return "" if ours == theirs else f"a release of the series {'.'.join(ours)} is needed"


def _series(version: str) -> tuple[str, ...]:
    parts = version.lstrip("v").split(".")
    return tuple(parts[:2]) if parts[0] == "0" else tuple(parts[:1])


def _with_implementations(walked: Walked, find: object) -> Walked:
    """The closure with the default implementation of each virtual library that nothing in it implements."""
    assert callable(find)
    while True:
        implemented = {library.implements for library in walked.libraries}
        lacking = [
            one.default for one in walked.libraries if one.virtual and one.name not in implemented and one.default
        ]
        fresh = [name for name in lacking if name not in walked.names and name not in walked.missing]
        if not fresh:
            return walked
        more = walk((*walked.roots, *fresh), find)
        walked = replace(more, roots=walked.roots, troubles=walked.troubles)

"""From a solution to a lock: which sources the chosen packages come from, who asked for each, for which unikernel."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.errors import LockError
from mirage_py.packages.candidates import Candidate, Candidates
from mirage_py.packages.encode import repository_of
from mirage_py.packages.formula import bound_text, dependencies, filter_text
from mirage_py.packages.lock import (
    CONFIG,
    Archive,
    Depext,
    ExtraSource,
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
from mirage_py.packages.metadata import Details, Remote, details
from mirage_py.packages.requests import Wanted
from mirage_py.packages.solve import Needs, Place, Solution, requirements_of

__all__ = ["Pinned", "lock_of"]

Pinned = Mapping[str, Origin]
"""Where each pinned package is."""


def lock_of(
    solution: Solution,
    candidates: Candidates,
    wanted: Sequence[Wanted],
    pinned: Pinned,
    solved_for: SolvedFor,
    repositories: Iterable[LockedRepository],
) -> Lock:
    """The lock that says a solution; `LockError` for a package whose source has no checksum."""
    made = _Locking(solution, candidates, wanted, pinned)
    return Lock(
        solved_for=solved_for,
        repositories=tuple(repositories),
        unikernels=tuple(LockedUnikernel(label=one.label, target=one.target, asks=one.texts) for one in wanted),
        sources=tuple(made.sources()),
        packages=tuple(made.packages()),
        depexts=tuple(made.depexts()),
    )


@dataclass(frozen=True)
class _Locking:
    solution: Solution
    candidates: Candidates
    wanted: Sequence[Wanted]
    pinned: Pinned

    @cached_property
    def chosen(self) -> dict[str, Candidate]:
        """All that a lock names: what the machine gives is none of its business."""
        return {name: one for name, one in self.solution.chosen.items() if one.served != "given"}

    @cached_property
    def folders(self) -> dict[str, str]:
        """The folder of each vendored package: packages of one archive share one."""
        vendored = [one for one in self.chosen.values() if one.served == "vendored"]
        groups: dict[str, list[Candidate]] = defaultdict(list)
        for one in vendored:
            groups[self._key(one)].append(one)
        names: dict[str, str] = {}
        taken: set[str] = set()
        for group in sorted(groups.values(), key=lambda group: group[0].name):
            folder = next(name for name in _folder_names(group) if name.lower() not in taken)
            taken.add(folder.lower())
            names |= {one.name: folder for one in group}
        return names

    def _key(self, candidate: Candidate) -> str:
        if candidate.name in self.pinned:
            return repr(self.pinned[candidate.name])
        remote = candidate.metadata.remote
        return min(remote.checksums or remote.urls) if remote else candidate.name

    def sources(self) -> Iterator[LockedSource]:
        of: dict[str, list[Candidate]] = defaultdict(list)
        for name, folder in self.folders.items():
            of[folder].append(self.chosen[name])
        for folder, group in sorted(of.items()):
            yield self._source(folder, group)

    def _source(self, folder: str, group: list[Candidate]) -> LockedSource:
        first, prepared = group[0], [(one, self.details[one.name]) for one in group]
        return LockedSource(
            folder=folder,
            origin=self.pinned[first.name] if first.name in self.pinned else _archive(first),
            extra_sources=tuple(
                {
                    extra.name: _extra(first, extra.name, extra.remote) for _, of in prepared for extra in of.extra
                }.values()
            ),
            files=tuple({file.name: file for one in group for file in self._files(one)}.values()),
            patches=tuple(dict.fromkeys(patch for _, of in prepared for patch in of.patches)),
            substs=tuple(
                {name: Subst(name=name, package=one.name) for one, of in prepared for name in of.substs}.values()
            ),
        )

    def packages(self) -> Iterator[LockedPackage]:
        for name, one in sorted(self.chosen.items()):
            yield LockedPackage(
                name=name,
                version=one.version,
                unikernels=tuple(label for label, needed in self.needs.items() if name in needed),
                asked=tuple(sorted({*self.askers[name]})),
                served=one.served,  # type: ignore[arg-type]  # what is given was left out
                source=self.folders.get(name),
                scope="monorepo" if name in self.linked else "host",
            )

    @cached_property
    def needs(self) -> dict[str, set[str]]:
        """What each unikernel needs, by its label."""
        needs = Needs(self.chosen, self.candidates)
        return {
            one.label: needs.closure(Place(asked.name, one.freestanding) for asked in one.asked) for one in self.wanted
        }

    @cached_property
    def askers(self) -> Mapping[str, list[Want]]:
        found: dict[str, list[Want]] = defaultdict(list)
        for one in self.wanted:
            for asked in one.asked:
                found[asked.name].append(Want(by=CONFIG, bound=bound_text(asked.bound)))
        for candidate in self.chosen.values():
            for need in requirements_of(candidate, self.solution.chosen):
                found[need.name].append(Want(by=candidate.name, bound=bound_text(need.bound)))
        return found

    @cached_property
    def linked(self) -> set[str]:
        """What is reached without going through a dependency that is wanted while building only."""
        found: set[str] = set()
        todo = [asked.name for one in self.wanted for asked in one.asked]
        while todo:
            name = todo.pop()
            if name in self.chosen and name not in found:
                found.add(name)
                needs = {need.name for need in requirements_of(self.chosen[name], self.solution.chosen)}
                todo += needs - self._tools(self.chosen[name])
        return found

    def depexts(self) -> Iterator[Depext]:
        for name in sorted(self.chosen):
            for wants in self.details[name].depexts:
                when = filter_text(wants.when) if wants.when is not None else ""
                yield Depext(package=name, names=wants.names, when=when)

    def _text(self, one: Candidate) -> str | None:
        if one.repository is None:
            return None
        return self.candidates.repositories[one.repository].text(one.name, one.version)

    @cached_property
    def details(self) -> Mapping[str, Details]:
        """How the source of each package is prepared, and what it wants of the system."""
        return {name: self._details(one) for name, one in self.chosen.items()}

    def _details(self, one: Candidate) -> Details:
        text = self._text(one)
        if text is None:
            return Details()
        return details(one.name, one.version, text, self.candidates.environment, f"{one}/opam")

    def _tools(self, one: Candidate) -> set[str]:
        """The packages that it asks for while it is being built only."""
        running = {need.name for need in dependencies(self.candidates.images.linked(one))}
        return {need.name for need in dependencies(one.metadata.depends)} - running

    def _files(self, one: Candidate) -> Iterator[RepositoryFile]:
        if one.repository is not None:
            files = self.candidates.repositories[one.repository].content(one.name, one.version)
            yield from (RepositoryFile(name=name, content=content) for name, content in sorted(files.items()))


FOLDER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+.-]*")


def _folder_names(group: Sequence[Candidate]) -> Iterator[str]:
    """What the folder of these may be called, the best first: as their repository, as the first of them."""
    if len(group) > 1:
        name = repository_of(group[0]).rpartition("/")[2]
        if FOLDER.fullmatch(name):
            yield name
    first = min((one.name for one in group), key=lambda name: (len(name), name))
    yield first
    yield from (f"{first}.{number}" for number in range(2, 100))


def _archive(one: Candidate) -> Archive:
    remote = one.metadata.remote
    if remote is None or not remote.checksums:
        raise LockError(
            f"{one} has a source without a checksum, so nobody could tell whether what comes is right",
            details=remote.urls if remote else (),
            hint=f'pin it to a commit: package("{one.name}", pin="git+https://…#COMMIT")',
        )
    return Archive(urls=remote.urls, checksums=remote.checksums)


def _extra(one: Candidate, name: str, remote: Remote) -> ExtraSource:
    if not remote.checksums:
        raise LockError(f"{one}: its extra source {name} has no checksum", details=remote.urls)
    return ExtraSource(name=name, urls=remote.urls, checksums=remote.checksums)

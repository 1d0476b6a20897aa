"""A request as clauses for a SAT solver, one sentence of opam's semantics each.

Variables: `chosen`, a candidate is in the solution; `met`, a package is there within a bound; `free`, a package goes
into an image that has no host under it.

    the request        met
    a dependency       chosen implies met (of one of the alternatives)
    a bound            met implies one of the candidates within it
    one version        the candidates of a package exclude each other
    conflicts, classes chosen excludes chosen
    one archive        packages of one development repository come from one archive of it
    a family           a bundled member implies the family; the family excludes released versions of its members
    no C of the host   free implies, for the chosen candidate, that what it links is free too, and no C library;
                       `hosted` of a package lets it link one: what of it an image links only its sources tell

Only candidates that some bound admits are read and encoded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations

from mirage_py.dataclass import dataclass, field
from mirage_py.model.version import version_key
from mirage_py.packages.candidates import Candidate, Candidates
from mirage_py.packages.formula import Bound, Dependency, Formula, alternatives, conjuncts, dependencies, holds
from mirage_py.packages.requests import Asked

__all__ = ["Encoding", "encode", "repository_of"]

Clause = list[int]


@dataclass(kw_only=True)
class Encoding:
    """The clauses, and what their variables stand for. `family` is the variable of the bundled libraries."""

    candidates: Candidates
    rules: list[Clause]
    met: dict[tuple[str, Bound], int]
    chosen: dict[str, list[tuple[int, Candidate]]]
    family: int
    count: int
    free: Mapping[str, int] = field(default_factory=dict)
    """The packages of which some candidate leads to a C library of the host."""
    hosted: Mapping[str, int] = field(default_factory=dict)
    """The packages that may link such a library in a freestanding image, where nothing else will do."""
    archives: Mapping[str, Sequence[Clause]] = field(default_factory=dict)
    """The clauses that hold the packages of a development repository to one archive of it, by its name."""

    @property
    def clauses(self) -> list[Clause]:
        """All clauses."""
        return [*self.rules, *chain.from_iterable(self.archives.values())]

    def preferred(self, name: str) -> list[tuple[int, Candidate]]:
        """The candidates of a package as they are to be tried: newest first, those to be avoided last."""
        return self.chosen.get(name, [])

    def avoided(self) -> list[list[int]]:
        """The candidates that are taken only where nothing else will do, those of a package together."""
        found = ([lit for lit, one in those if one.metadata.avoided] for those in self.chosen.values())
        return [literals for literals in found if literals]


def encode(asked: Iterable[Asked], candidates: Candidates) -> Encoding:
    """The clauses of a request; each of what is asked for has its `met`, which the caller assumes."""
    return _Encoder(candidates).encode(asked)


def repository_of(candidate: Candidate) -> str:
    """What names the development repository of a vendored package, however its address is spelled; empty for none."""
    address = candidate.metadata.dev_repo if candidate.served == "vendored" else ""
    address = address.removeprefix("git+").partition("#")[0].rstrip("/").removesuffix(".git")
    return address.partition("://")[2].lower() or address.lower()


class _Encoder:
    def __init__(self, candidates: Candidates) -> None:
        self.candidates = candidates
        self.clauses: list[Clause] = []
        self.met: dict[tuple[str, Bound], int] = {}
        self.todo: list[tuple[str, Bound]] = []
        self.variables: dict[int, int] = {}
        self.chosen: dict[str, list[tuple[int, Candidate]]] = defaultdict(list)
        self.hosted: dict[str, int] = {}
        self.count = 1
        self.family = 1

    def encode(self, asked: Iterable[Asked]) -> Encoding:
        for one in asked:
            self._met(one.name, one.bound)
        while self.todo:
            name, bound = self.todo.pop()
            within = [self._chosen(one) for one in self.candidates.fitting(name, bound)]
            self.clauses.append([-self.met[name, bound], *within])
        for found in self.chosen.values():
            found.sort(key=_preference)
            self.clauses += self._at_most_one([lit for lit, _ in found])
        self._families()
        self._conflicts()
        self._classes()
        archives = dict(self._archives()) if self.candidates.vendored else {}
        free = self._free() if self.candidates.freestanding else {}
        return Encoding(
            candidates=self.candidates,
            rules=self.clauses,
            met=self.met,
            chosen=self.chosen,
            family=self.family,
            count=self.count,
            free=free,
            hosted=self.hosted,
            archives=archives,
        )

    def _new(self) -> int:
        self.count += 1
        return self.count

    def _met(self, name: str, bound: Bound) -> int:
        key = (name, bound)
        if key not in self.met:
            self.met[key] = self._new()
            self.todo.append(key)
        return self.met[key]

    def _chosen(self, candidate: Candidate) -> int:
        if id(candidate) not in self.variables:
            chosen = self.variables[id(candidate)] = self._new()
            self.chosen[candidate.name].append((chosen, candidate))
            for part in conjuncts(candidate.metadata.depends):
                self.clauses.append([-chosen, *self._alternatives(part)])
        return self.variables[id(candidate)]

    def _alternatives(self, wanted: Formula) -> Iterator[int]:
        for one in alternatives(wanted):
            if isinstance(one, Dependency):
                yield self._met(one.name, one.bound)
            else:
                yield self._all(conjuncts(one))

    def _all(self, parts: Sequence[Formula]) -> int:
        every = self._new()
        for part in parts:
            self.clauses.append([-every, *self._alternatives(part)])
        return every

    def _at_most_one(self, literals: Sequence[int]) -> Iterator[Clause]:
        """Pairs where they are few; else a ladder: whoever is chosen closes the way for all behind it."""
        if len(literals) <= 4:
            yield from ([-one, -other] for one, other in combinations(literals, 2))
            return
        before = 0
        for literal in literals:
            taken = self._new()
            yield [-literal, taken]
            if before:
                yield [-before, taken]
                yield [-literal, -before]
            before = taken

    def _families(self) -> None:
        for found in self.chosen.values():
            members = [lit for lit, one in found if one.served == "bundled"]
            self.clauses += [[-lit, self.family] for lit in members]
            if members:
                self.clauses += [[-self.family, -lit] for lit, one in found if one.served != "bundled"]

    def _conflicts(self) -> None:
        for name, found in self.chosen.items():
            for lit, one in found:
                for against in one.metadata.conflicts:
                    if against.name != name:
                        others = self.chosen.get(against.name, ())
                        self.clauses += [[-lit, -o] for o, other in others if holds(against.bound, other.version)]

    def _classes(self) -> None:
        members: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for name, found in self.chosen.items():
            for lit, one in found:
                for kind in one.metadata.classes:
                    members[kind][name].append(lit)
        for by_name in members.values():
            for these, those in combinations(by_name.values(), 2):
                self.clauses += [[-one, -other] for one in these for other in those]

    def _archives(self) -> Iterator[tuple[str, list[Clause]]]:
        of: dict[str, list[tuple[frozenset[str], int]]] = defaultdict(list)
        for found in self.chosen.values():
            for lit, one in found:
                repository, remote = repository_of(one), one.metadata.remote
                if repository and remote is not None:
                    of[repository].append((frozenset(remote.checksums or remote.urls), lit))
        for repository, packages in of.items():
            archives = _united(packages)
            if len(archives) > 1:
                taken = [self._new() for _ in archives]
                implied = [[-lit, one] for one, literals in zip(taken, archives, strict=True) for lit in literals]
                yield repository, [*implied, *self._at_most_one(taken)]

    def _free(self) -> dict[str, int]:
        """What holds in images without a host, for the packages that may lead to a C library of it."""
        images = self.candidates.images
        free = {name: self._new() for name in sorted(self._leading_to_c())}
        self.clauses += [[free[name]] for name in sorted(self.candidates.freestanding & free.keys())]
        allowed: dict[Formula, int] = {}
        for name, literal in free.items():
            for chosen, one in self.chosen[name]:
                wanted = images.freestanding(one)
                if wanted is False:
                    self.clauses.append([-chosen, -literal, *self._hosted(name)])
                if isinstance(wanted, bool):
                    continue
                for part in conjuncts(wanted):
                    if any(need.name in free for need in dependencies(part)):
                        ways = (self._allowed(way, free, allowed) for way in alternatives(part))
                        self.clauses.append([-chosen, -literal, *ways])
        return free

    def _hosted(self, name: str) -> tuple[int, ...]:
        """What lets a package link C of the host; nothing does where config.py asks for it by name."""
        if name in self.candidates.freestanding:
            return ()
        if name not in self.hosted:
            self.hosted[name] = self._new()
        return (self.hosted[name],)

    def _allowed(self, wanted: Formula, free: Mapping[str, int], allowed: dict[Formula, int]) -> int:
        """A variable that implies that this is there, and free where that matters."""
        if wanted not in allowed:
            allowed[wanted] = found = self._new()
            if isinstance(wanted, Dependency):
                within = [lit for lit, one in self.chosen[wanted.name] if holds(wanted.bound, one.version)]
                self.clauses.append([-found, *within])
                self.clauses += [[-found, free[wanted.name]]] if wanted.name in free else []
            else:
                for part in conjuncts(wanted):
                    ways = (self._allowed(way, free, allowed) for way in alternatives(part))
                    self.clauses.append([-found, *ways])
        return allowed[wanted]

    def _leading_to_c(self) -> set[str]:
        """The packages of which a candidate links a C library of the host, or something that does, and so on."""
        askers: dict[str, set[str]] = defaultdict(set)
        todo: list[str] = []
        for name, found in self.chosen.items():
            for _, one in found:
                for need in dependencies(one.metadata.depends):
                    askers[need.name].add(name)
            if any(self.candidates.images.of_host(one) for _, one in found):
                todo.append(name)
        leading: set[str] = set()
        while todo:
            name = todo.pop()
            if name not in leading:
                leading.add(name)
                todo += askers[name]
        return leading


def _preference(found: tuple[int, Candidate]) -> tuple[bool, bool, bool, tuple[int, ...]]:
    one = found[1]
    newest_first = tuple(-part for part in version_key(one.version))
    return one.served != "installed", one.served == "bundled", one.metadata.avoided, (*newest_first, 1)


def _united(packages: Iterable[tuple[frozenset[str], int]]) -> list[list[int]]:
    """The packages by archive: two that share a checksum are of one, whatever else is said of them."""
    archives: list[tuple[set[str], list[int]]] = []
    for checksums, lit in packages:
        same = [one for one in archives if not one[0].isdisjoint(checksums)]
        archives = [one for one in archives if one[0].isdisjoint(checksums)]
        archives.append(
            (checksums.union(*(one[0] for one in same)), [lit, *(other for one in same for other in one[1])])  # type: ignore[arg-type]
        )
    return [literals for _, literals in archives]

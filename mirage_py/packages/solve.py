"""One solution of a request, chosen by criteria that are tried in turn, each only where those before leave a choice.

0. no C library of the host in a freestanding image; 1. as little as possible that is to be avoided; 2. released
libraries before those that mpy brings; 3. the newest of what was asked for; 4. the newest of what that needs, nearest
first; 5. no package that nobody needs.

Each step asks the solver one question: is there a solution with this candidate too? So what is chosen first is never
paid for by what comes later, and the same request has the same solution on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mirage_py.dataclass import dataclass, field
from mirage_py.packages.candidates import Candidate, Candidates
from mirage_py.packages.encode import Encoding, encode
from mirage_py.packages.formula import AllOf, AnyOf, Dependency, Formula, alternatives, conjuncts, dependencies, holds
from mirage_py.packages.requests import Asked

if TYPE_CHECKING:
    from pysat.solvers import Solver

__all__ = ["Failed", "Needs", "Place", "Solution", "choose", "requirements_of", "solve"]


class Place(NamedTuple):
    """A package, and whether it goes into an image that has no host under it."""

    name: str
    freestanding: bool = False


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The chosen candidate of each package that is needed; `bundled`: mpy's own libraries are among them.

    `hosted` are those that link C libraries of the host though they go into a freestanding image: whether the image
    links that part of them, only their sources tell.
    """

    asked: tuple[Asked, ...]
    chosen: Mapping[str, Candidate]
    bundled: bool
    hosted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Failed:
    """No solution: `core` cannot be met together, and each part of it is needed for that."""

    core: tuple[Asked, ...]
    encoding: Encoding


def solve(asked: Sequence[Asked], candidates: Candidates, keep: Mapping[str, str] | None = None) -> Solution | Failed:
    """The best solution of a request, or what of it cannot be met.

    `keep` names versions that stay where they can: those of an earlier lock.
    """
    return choose(asked, encode(asked, candidates), keep=keep)


def choose(
    asked: Sequence[Asked], encoding: Encoding, *, keep: Mapping[str, str] | None = None, given: Sequence[int] = ()
) -> Solution | Failed:
    """The same of a request that is encoded; `given` are literals that hold."""
    from pysat.solvers import Solver

    wanted = [*(encoding.met[one.name, one.bound] for one in asked), *given]
    with Solver("glucose4", bootstrap_with=encoding.clauses) as solver:
        if not solver.solve(assumptions=wanted):
            return Failed(core=_core(solver, asked, wanted), encoding=encoding)
        return _Choosing(solver, encoding, wanted, keep or {}).solution(asked)


class _Choosing:
    """The criteria at work; what is decided is assumed from then on."""

    def __init__(self, solver: Solver, encoding: Encoding, wanted: Iterable[int], keep: Mapping[str, str]) -> None:
        self.solver = solver
        self.encoding = encoding
        self.decided = [*wanted]
        self.keep = keep
        self.chosen: dict[str, Candidate] = {}
        self.seen: set[Place] = set()

    def solution(self, asked: Sequence[Asked]) -> Solution:
        self._avoid([[one] for one in self.encoding.hosted.values()])
        self._avoid(self.encoding.avoided())
        bundled = not self._decide([-self.encoding.family])
        candidates = self.encoding.candidates
        places = [Place(one.name, one.name in candidates.freestanding) for one in asked]
        self._choose(places)
        needed = Needs(self.chosen, candidates).closure(places)
        allowed = (name for name, literal in self.encoding.hosted.items() if -literal not in self.decided)
        return Solution(
            asked=tuple(asked),
            chosen={name: self.chosen[name] for name in sorted(needed)},
            bundled=bundled,
            hosted=tuple(sorted(name for name in allowed if name in needed)),
        )

    def _decide(self, literals: Sequence[int]) -> bool:
        """Assume these from now on, if that leaves a solution."""
        if self.solver.solve(assumptions=[*self.decided, *literals]):
            self.decided += literals
            return True
        return False

    def _avoid(self, groups: Sequence[Sequence[int]]) -> None:
        """Rule out all of them, or all groups but those without which there is no solution.

        Of a group that is needed none is ruled out: which of its versions it is to be is for the next criteria to say.
        """
        if groups and not self._decide([-one for group in groups for one in group]):
            for group in groups:
                self._decide([-one for one in group])

    def _choose(self, places: Sequence[Place]) -> None:
        """Choose for these, then for what the chosen ones need, and so on outward."""
        while places:
            self.seen.update(places)
            for place in places:
                if place.name not in self.chosen:
                    self._choose_one(place.name)
            needs = dict.fromkeys(need for place in places for need in self._needs(place))
            places = [need for need in needs if need not in self.seen]

    def _choose_one(self, name: str) -> None:
        found = self.encoding.preferred(name)
        kept = self.keep.get(name)
        for literal, candidate in sorted(found, key=lambda one: one[1].version != kept) if kept else found:
            if self._decide([literal]):
                self.chosen[name] = candidate
                return

    def _needs(self, place: Place) -> Iterator[Place]:
        if place.name in self.chosen:
            images = self.encoding.candidates.images
            for part, freestanding in images.needs(self.chosen[place.name], freestanding=place.freestanding):
                yield from (Place(one.name, freestanding) for one in self._alternative(part))

    def _alternative(self, part: Formula) -> tuple[Dependency, ...]:
        """Which of several is taken: one that is there already, else the first that can be had."""
        choices = [tuple(dependencies(one)) for one in alternatives(part)]
        if len(choices) == 1:
            return choices[0]
        there = next((one for one in choices if all(self._there(wanted) for wanted in one)), None)
        if there is not None:
            return there
        by_size = sorted(choices, key=lambda one: sum(wanted.name not in self.chosen for wanted in one))
        for one in by_size:
            literals = [self.encoding.met[wanted.name, wanted.bound] for wanted in one]
            if self._decide(literals):
                return one
        return ()

    def _there(self, wanted: Dependency) -> bool:
        return wanted.name in self.chosen and holds(wanted.bound, self.chosen[wanted.name].version)


@dataclass(frozen=True)
class Needs:
    """What chosen packages need of each other; looked up once, however many unikernels need it."""

    chosen: Mapping[str, Candidate]
    candidates: Candidates
    _known: dict[Place, tuple[Place, ...]] = field(default_factory=dict)

    def closure(self, places: Iterable[Place]) -> set[str]:
        """The packages that these need, themselves among them, where a choice was made."""
        needed: set[Place] = set()
        todo = list(places)
        while todo:
            place = todo.pop()
            if place.name in self.chosen and place not in needed:
                needed.add(place)
                todo += self._of(place)
        return {place.name for place in needed}

    def _of(self, place: Place) -> tuple[Place, ...]:
        if place not in self._known:
            parts = self.candidates.images.needs(self.chosen[place.name], freestanding=place.freestanding)
            found = (Place(one.name, free) for part, free in parts for one in _taken(part, self.chosen))
            self._known[place] = tuple(dict.fromkeys(found))
        return self._known[place]


def requirements_of(candidate: Candidate, chosen: Mapping[str, Candidate]) -> Iterator[Dependency]:
    """What a candidate asks for, the alternative that was chosen where it names several."""
    for part in conjuncts(candidate.metadata.depends):
        yield from _taken(part, chosen)


def _taken(part: Formula, chosen: Mapping[str, Candidate]) -> Iterator[Dependency]:
    yield from dependencies(next((one for one in alternatives(part) if _met(one, chosen)), None))


def _met(wanted: Formula, chosen: Mapping[str, Candidate]) -> bool:
    match wanted:
        case Dependency(name, bound):
            return name in chosen and holds(bound, chosen[name].version)
        case AllOf(parts):
            return all(_met(part, chosen) for part in parts)
        case AnyOf(parts):
            return any(_met(part, chosen) for part in parts)


def _core(solver: Solver, asked: Sequence[Asked], wanted: Sequence[int]) -> tuple[Asked, ...]:
    """What cannot be met together, made as small as leaving out one after the other makes it."""
    core = {*(solver.get_core() or ())}
    left = [(one, lit) for one, lit in zip(asked, wanted, strict=False) if lit in core]
    for pair in tuple(left):
        without = [lit for _, lit in left if lit != pair[1]]
        if not solver.solve(assumptions=without):
            left.remove(pair)
    return tuple(one for one, _ in left)

"""One solution of a request, chosen by criteria that are tried in turn, each only where those before leave a choice.

1. as little as possible that is to be avoided; 2. released libraries before those that mpy brings; 3. the newest of
what was asked for; 4. the newest of what that needs, nearest first; 5. no package that nobody needs.

Each step asks the solver one question: is there a solution with this candidate too? So what is chosen first is never
paid for by what comes later, and the same request has the same solution on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mirage_py.packages.candidates import Candidate, Candidates
from mirage_py.packages.encode import Asked, Encoding, encode
from mirage_py.packages.formula import AllOf, AnyOf, Dependency, Formula, alternatives, conjuncts, dependencies, holds

if TYPE_CHECKING:
    from pysat.solvers import Solver

__all__ = ["Failed", "Solution", "choose", "closure", "requirements_of", "solve"]


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The chosen candidate of each package that is needed; `bundled`: mpy's own libraries are among them."""

    asked: tuple[Asked, ...]
    chosen: Mapping[str, Candidate]
    bundled: bool


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

    def solution(self, asked: Sequence[Asked]) -> Solution:
        self._avoid(self.encoding.avoided())
        bundled = not self._decide([-self.encoding.family])
        self._choose([one.name for one in asked])
        needed = closure((one.name for one in asked), self.chosen)
        return Solution(
            asked=tuple(asked), chosen={name: self.chosen[name] for name in sorted(needed)}, bundled=bundled
        )

    def _decide(self, literals: Sequence[int]) -> bool:
        """Assume these from now on, if that leaves a solution."""
        if self.solver.solve(assumptions=[*self.decided, *literals]):
            self.decided += literals
            return True
        return False

    def _avoid(self, literals: Sequence[int]) -> None:
        """Rule out all of them, or all but those without which there is no solution."""
        if literals and not self._decide([-one for one in literals]):
            for one in literals:
                self._decide([-one])

    def _choose(self, names: Sequence[str]) -> None:
        """Choose for these, then for what the chosen ones need, and so on outward."""
        while names:
            for name in names:
                self._choose_one(name)
            names = [*dict.fromkeys(need for name in names for need in self._needs(name) if need not in self.chosen)]

    def _choose_one(self, name: str) -> None:
        found = self.encoding.preferred(name)
        kept = self.keep.get(name)
        for literal, candidate in sorted(found, key=lambda one: one[1].version != kept) if kept else found:
            if self._decide([literal]):
                self.chosen[name] = candidate
                return

    def _needs(self, name: str) -> Iterator[str]:
        if name in self.chosen:
            for part in conjuncts(self.chosen[name].metadata.depends):
                yield from (one.name for one in self._alternative(part))

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


def closure(names: Iterable[str], chosen: Mapping[str, Candidate]) -> set[str]:
    """The packages that these need, themselves among them, where a choice was made."""
    needed: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in chosen and name not in needed:
            needed.add(name)
            todo += [one.name for one in requirements_of(chosen[name], chosen)]
    return needed


def requirements_of(candidate: Candidate, chosen: Mapping[str, Candidate]) -> Iterator[Dependency]:
    """What a candidate asks for, the alternative that was chosen where it names several."""
    for part in conjuncts(candidate.metadata.depends):
        taken = next((one for one in alternatives(part) if _met(one, chosen)), None)
        yield from dependencies(taken)


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

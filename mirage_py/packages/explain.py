"""Why a request has no solution: the shortest chain of who wants what, down to the one thing that cannot be.

Each step asks the solver which single wish of the newest version cannot be met on its own; where each can, the wishes
that cannot be met together are told with the package on which they disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mirage_py.packages.candidates import Candidate, Candidates
from mirage_py.packages.encode import Encoding, repository_of
from mirage_py.packages.formula import Bound, Dependency, alternatives, bound_text, holds
from mirage_py.packages.requests import Asked
from mirage_py.packages.solve import Failed, Needs, Place

if TYPE_CHECKING:
    from pysat.solvers import Solver

__all__ = ["stories", "story"]

DEEPEST = 12


class Wish(NamedTuple):
    """A package within a bound, and whether it is to go into an image that has no host under it."""

    name: str
    bound: Bound
    freestanding: bool = False

    def __str__(self) -> str:
        return f"{self.name} {bound_text(self.bound)}".rstrip()


def story(failed: Failed) -> tuple[str, ...]:
    """Why there is no solution, a line a step."""
    from pysat.solvers import Solver

    with Solver("glucose4", bootstrap_with=failed.encoding.clauses) as solver:
        return tuple(_Story(solver, failed.encoding).of(failed.core))


def stories(failures: Iterable[Failed]) -> Iterator[str]:
    """Why each of several wishes cannot be met: of those that end in one way the shortest."""
    told: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = {}
    for failed in failures:
        lines = story(failed)
        told.setdefault(lines[-2:], []).append((lines, ", ".join(one.name for one in failed.core)))
    for of_one_cause in told.values():
        shortest, *others = sorted(of_one_cause, key=lambda each: len(each[0]))
        yield from shortest[0]
        if others:
            yield f"and so it is with {', '.join(names for _, names in others)}"


def _left_out(candidates: Candidates, name: str) -> str:
    """Why none of the versions of a package that the repositories have can be taken."""
    reasons = {reason for (package, _), reason in candidates.left_out.items() if package == name}
    if "not-dune" in reasons:
        return "dune cannot build it, and no repository here has a port that dune can build"
    return "it is not available on this platform" if reasons else ""


class _Story:
    def __init__(self, solver: Solver, encoding: Encoding) -> None:
        self.solver = solver
        self.encoding = encoding
        self.candidates = encoding.candidates
        self.told: set[str] = set()

    def of(self, core: Sequence[Asked]) -> Iterator[str]:
        wishes = [Wish(one.name, one.bound, one.name in self.candidates.freestanding) for one in core]
        for wish in wishes:
            yield f"config.py wants {wish}"
        alone = next((wish for wish in wishes if not self._possible([wish])), None)
        if alone is not None:
            yield from self._why(alone, 0)
        else:
            yield from self._disagreement(wishes)

    def _possible(self, wishes: Sequence[Wish]) -> bool:
        return bool(self.solver.solve(assumptions=[one for wish in wishes for one in self._literals(wish)]))

    def _literals(self, wish: Wish) -> Iterator[int]:
        yield self.encoding.met[wish.name, wish.bound]
        if wish.freestanding and wish.name in self.encoding.free:
            yield self.encoding.free[wish.name]

    def _why(self, wish: Wish, depth: int) -> Iterator[str]:
        """Why one wish alone cannot be met."""
        name, bound, freestanding = wish
        within = [one for _, one in self.encoding.preferred(name) if holds(bound, one.version)]
        if not within or depth == DEEPEST or name in self.told:
            if not within:
                yield self._absent(name, bound)
            return
        self.told.add(name)
        newest = within[0]
        if freestanding and self.candidates.images.freestanding(newest) is False:
            yield self._of_host(newest)
            return
        single, parts = self._parts(newest, freestanding=freestanding)
        blocked = next((one for one in single if not self._possible([one])), None)
        if blocked is not None:
            yield f"{newest} wants {blocked}"
            yield from self._why(blocked, depth + 1)
            return
        choice = next((part for part in parts if not any(self._possible([one]) for one in part)), None)
        if choice is not None:
            yield f"{newest} wants {' or '.join(map(str, choice))}"
            yield from self._why(choice[0], depth + 1)
            return
        yield from self._disagreement(self._smallest([wish, *single]) or [wish])

    def _of_host(self, candidate: Candidate) -> str:
        names = sorted(self.candidates.images.c_libraries(candidate))
        what = f"C libraries of this machine ({', '.join(names)})" if names else "C that is built for this machine"
        return f"{candidate} links {what}, which no freestanding image can hold"

    def _parts(self, candidate: Candidate, *, freestanding: bool) -> tuple[list[Wish], list[list[Wish]]]:
        """What a version wants without a choice, and its choices."""
        single: list[Wish] = []
        choices: list[list[Wish]] = []
        for part, free in self.candidates.images.needs(candidate, freestanding=freestanding):
            named = [Wish(*one, free) for one in alternatives(part) if isinstance(one, Dependency)]
            if len(named) == 1:
                single.append(named[0])
            elif named:
                choices.append(named)
        return single, choices

    def _smallest(self, wishes: list[Wish]) -> list[Wish]:
        """Those that cannot be met together, none of them without need; none where all can."""
        if self._possible(wishes):
            return []
        for wish in tuple(wishes):
            fewer = [one for one in wishes if one != wish]
            if fewer and not self._possible(fewer):
                wishes = fewer
        return wishes

    def _disagreement(self, wishes: Sequence[Wish]) -> Iterator[str]:
        """On which package wishes disagree, and who of them brings which bound."""
        if len(wishes) < 2:
            yield self._apart(wishes) or "no choice of versions of what that needs fits together"
            return
        implied = [self._implied(wish) for wish in wishes]
        for name in sorted(set.intersection(*({*one} for one in implied))):
            bounds = [one[name] for one in implied]
            if len({*bounds}) > 1 and not self._possible([Wish(name, bound) for bound in bounds]):
                for wish, bound in zip(wishes, bounds, strict=True):
                    yield f"{wish} comes down to {Wish(name, bound)}"
                return
        together = f"these cannot be had together: {', '.join(map(str, wishes))}"
        yield self._apart(wishes) or together

    def _apart(self, wishes: Sequence[Wish]) -> str:
        """On which archives wishes disagree: packages of one repository come from one; empty where that is not why."""
        from pysat.solvers import Solver

        wanted = [one for wish in wishes for one in self._literals(wish)]
        for repository, clauses in self.encoding.archives.items():
            with Solver("glucose4", bootstrap_with=self.encoding.rules) as solver:
                if not solver.solve(assumptions=wanted):
                    return ""
                model = {*solver.get_model()}
                solver.append_formula(clauses)
                if not solver.solve(assumptions=wanted):
                    return self._sharing(repository, [Place(one.name, one.freestanding) for one in wishes], model)
        return ""

    def _sharing(self, repository: str, places: Sequence[Place], model: Collection[int]) -> str:
        chosen = {one.name: one for found in self.encoding.chosen.values() for lit, one in found if lit in model}
        there = (chosen[name] for name in sorted(Needs(chosen, self.candidates).closure(places)))
        sharing = [str(one) for one in there if repository_of(one) == repository]
        return f"{' and '.join(sharing)} come from one repository, and no archive of it has all that is wanted"

    def _implied(self, wish: Wish) -> dict[str, Bound]:
        """The bounds that follow from a wish without any choice, by package; the narrowest that is written."""
        _, literals = self.solver.propagate(assumptions=[*self._literals(wish)])
        there = {*literals}
        found: dict[str, Bound] = {wish.name: wish.bound}
        for (name, bound), literal in self.encoding.met.items():
            if literal in there and (name not in found or self._fewer(name, bound, found[name])):
                found[name] = bound
        return found

    def _fewer(self, name: str, bound: Bound, other: Bound) -> bool:
        versions = [one.version for _, one in self.encoding.preferred(name)]
        return sum(holds(bound, one) for one in versions) < sum(holds(other, one) for one in versions)

    def _absent(self, name: str, bound: Bound) -> str:
        """Why no version within a bound is there."""
        given = self.candidates.of_machine(name)
        if given is not None:
            return f"this machine has {name} {given}"
        if not self.candidates.known(name):
            return f"no repository has a package {name}"
        reason = _left_out(self.candidates, name)
        if reason:
            return f"{name}: {reason}"
        newest = next(iter(self.candidates.versions(name)), None)
        there = (
            f"the newest that the repositories have is {newest[0]}" if newest else "it is pinned, or bundled with mpy"
        )
        return f"no version of {Wish(name, bound)} is there: {there}"

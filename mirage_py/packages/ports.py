"""What dune would have to build for a request to have a solution, and cannot: each package, and what there is of it.

The request is solved once more as if everything had a port to dune, with as few of these as can be. What is chosen then
and has none is what somebody would have to port, or to do without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from mirage_py.dataclass import dataclass, replace
from mirage_py.packages.candidates import Candidate, Candidates
from mirage_py.packages.encode import Encoding, encode
from mirage_py.packages.explain import story
from mirage_py.packages.formula import Compare, bound_text, holds
from mirage_py.packages.lock import CONFIG, Want
from mirage_py.packages.requests import Asked
from mirage_py.packages.solve import Failed, Solution, choose, requirements_of, solve

__all__ = ["Lacking", "Unported", "lacking"]

SHOWN = 3
"""Who asked for a package: named as long as it is a few."""


@dataclass(frozen=True, kw_only=True)
class Unported:
    """A package that dune cannot build, and who asked for it.

    `port` is the newest version of it that dune builds, if there is any, and `refused` says why that does not serve.
    """

    name: str
    version: str
    asked: tuple[Want, ...]
    port: str | None = None
    refused: str = ""

    def __str__(self) -> str:
        who = [f"{one.by} ({one.bound})" if one.bound else one.by for one in self.asked]
        more = f" and {len(who) - SHOWN} more" if len(who) > SHOWN else ""
        kind = "port" if self.port and self.port.startswith(f"{self.version}+") else "a version with one"
        port = f"{kind}: {self.port}, but {self.refused}" if self.port else "port: none"
        return f"{self.name} {self.version}, asked for by {', '.join(who[:SHOWN])}{more}; {port}"


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """What is in the way of a request: `unported` packages, and what could not be had if everything had a port."""

    unported: tuple[Unported, ...]
    failures: tuple[Failed, ...] = ()


def lacking(asked: Sequence[Asked], candidates: Candidates) -> Lacking:
    """All that would have to be ported to dune for a request that has no solution, or for as much as could have one."""
    everything = replace(candidates, ported=True, left_out={}, _known={}, _special={}, _versions={})
    encoding = encode(asked, everything)
    failures = []
    while isinstance(failed := choose(asked, encoding), Failed):
        failures.append(failed)
        asked = [one for one in asked if one not in failed.core]
    groups = {
        name: found
        for name, chosen in encoding.chosen.items()
        if (found := [lit for lit, one in chosen if everything.unported(one)])
    }
    needed = _fewest(asked, encoding, groups)
    rest = [-lit for name, found in groups.items() if name not in needed for lit in found]
    solution = choose(asked, encoding, given=rest)
    assert isinstance(solution, Solution)
    chosen = [one for one in solution.chosen.values() if everything.unported(one)]
    return Lacking(unported=tuple(_told(one, solution, candidates) for one in chosen), failures=tuple(failures))


def _fewest(asked: Iterable[Asked], encoding: Encoding, groups: Mapping[str, Sequence[int]]) -> frozenset[str]:
    """The smallest set of packages to port that gives a solution; empty where none does."""
    from pysat.examples.rc2 import RC2
    from pysat.formula import WCNF

    problem, count = WCNF(), encoding.count
    problem.extend(encoding.clauses)
    problem.extend([encoding.met[one.name, one.bound]] for one in asked)
    names: dict[int, str] = {}
    for count, (name, literals) in enumerate(groups.items(), encoding.count + 1):
        names[count] = name
        problem.extend([-one, count] for one in literals)
        problem.append([-count], weight=1)
    with RC2(problem) as solver:
        return frozenset(names[one] for one in solver.compute() or () if one in names)


def _told(one: Candidate, solution: Solution, candidates: Candidates) -> Unported:
    asked = tuple(sorted({*_askers(one.name, solution)}))
    built = sorted(candidates.fitting(one.name, None), key=lambda found: _order(found, candidates))
    same = (found for found in built if found.version.startswith(f"{one.version}+"))
    port = next(chain(same, built), None)
    told = Unported(name=one.name, version=one.version, asked=asked)
    return replace(told, port=port.version, refused=_refusal(port, solution, candidates)) if port else told


def _order(found: Candidate, candidates: Candidates) -> int:
    versions = [version for version, _ in candidates.versions(found.name)]
    return versions.index(found.version) if found.version in versions else len(versions)


def _askers(name: str, solution: Solution) -> Iterator[Want]:
    yield from (Want(by=CONFIG, bound=bound_text(one.bound)) for one in solution.asked if one.name == name)
    for candidate in solution.chosen.values():
        for need in requirements_of(candidate, solution.chosen):
            if need.name == name:
                yield Want(by=candidate.name, bound=bound_text(need.bound))


def _refusal(port: Candidate, solution: Solution, candidates: Candidates) -> str:
    """Why a version that dune builds does not serve: a bound of who asked, or what it needs itself."""
    bounds = [(CONFIG, one.bound) for one in solution.asked if one.name == port.name]
    for candidate in solution.chosen.values():
        needs = (need for need in requirements_of(candidate, solution.chosen) if need.name == port.name)
        bounds += [(candidate.name, need.bound) for need in needs]
    against = next((f"{by} wants {bound_text(bound)}" for by, bound in bounds if not holds(bound, port.version)), None)
    if against is not None:
        return against
    alone = solve([Asked(name=port.name, bound=Compare("=", port.version))], candidates)
    return story(alone)[-1] if isinstance(alone, Failed) else "it does not fit what else is asked for"

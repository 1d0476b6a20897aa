"""A request solved on this machine; and where it has no solution, or an old one, what would help."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Self

from mirage_py._version import __version__
from mirage_py.dataclass import dataclass, replace
from mirage_py.devices.registration import REPLACEABLE
from mirage_py.errors import MpyError, PackageConflict
from mirage_py.model.version import version_key
from mirage_py.packages.candidates import Candidates, Given, environment
from mirage_py.packages.formula import bound_text
from mirage_py.packages.reading import Reader

if TYPE_CHECKING:
    from mirage_py.packages.ports import Unported
    from mirage_py.packages.requests import Asked, Wanted
    from mirage_py.packages.snapshot import Snapshot
    from mirage_py.packages.solve import Failed, Solution
    from mirage_py.workflow.machine import Machine

__all__ = ["Solving"]

DEBIAN_13: Final = ("5.3.0", "3.17.2")
"""OCaml and dune of a system on which today's released libraries build."""

SHOWN: Final = 3
"""Packages that a note names."""


@dataclass(frozen=True, kw_only=True)
class Newer:
    """A newer compiler, a newer dune or both, in the words of a message."""

    ocaml: str
    dune: str
    text: str
    remark: str = ""

    @property
    def aside(self) -> str:
        """The remark in brackets, where there is one."""
        return f" ({self.remark})" if self.remark else ""


class Solving:
    """One request and the ways to solve it; what other circumstances would give is found out here too.

    What was read for it is kept for the next one at the end of a `with` block.
    """

    def __init__(self, machine: Machine, repositories: Sequence[Snapshot], asked: Sequence[Wanted]) -> None:
        self.machine = machine
        self.repositories = repositories
        self.asked: tuple[Asked, ...] = tuple(dict.fromkeys(one for wants in asked for one in wants.asked))
        self.freestanding = frozenset(one.name for wants in asked if wants.freestanding for one in wants.asked)
        self.given = machine.given(repositories)
        self.reader = Reader(repositories, environment())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.keep()

    def solved(self, keep: Mapping[str, str]) -> tuple[Solution, Candidates]:
        """The solution, which leaves the versions in `keep` where they are if it can.

        Raises `PackageConflict` with the story and the ways out where there is none.
        """
        from mirage_py.packages.solve import Failed

        found, candidates = self._solve(self.given, self.asked, keep)
        if isinstance(found, Failed):
            raise self._refusal(found, candidates)
        return found, candidates

    def notes(self, solution: Solution, candidates: Candidates) -> Iterator[str]:
        """What is to be known of a solution: C of the host in it, and what a newer compiler or dune would change."""
        if solution.hosted:
            chosen = ", ".join(str(solution.chosen[name]) for name in solution.hosted)
            yield (
                f"{chosen} links C libraries of this machine, which no freestanding image can hold: "
                "whether one links that part of it, mpy audit and mpy build tell when the sources are here"
            )
        newer = self._remembered_gain(solution, candidates)
        if newer:
            yield newer

    def _remembered_gain(self, solution: Solution, candidates: Candidates) -> str:
        """What newer tools would change; remembered, since that takes another solve. Pins may change unseen."""
        from mirage_py.doors import memory

        key = {"of": _digest(self._about(solution))}
        known = memory.recall("newer", key) if not self.given.pinned else None
        if isinstance(known, str):
            return known
        found = next((text for one in self._newer() if (text := self._gain(solution, candidates, one))), "")
        if not self.given.pinned:
            memory.remember("newer", key, found, ())
        return found

    def _about(self, solution: Solution) -> Iterator[str]:
        """All that the answer depends on."""
        given = self.given
        yield from (__version__, given.ocaml, given.dune)
        yield from (one.digest for one in self.repositories)
        yield from sorted(f"{one.name} {bound_text(one.bound)}" for one in self.asked)
        yield from sorted((*self.freestanding, *given.with_c))
        yield from sorted(f"{name} {version}" for name, version in given.tools.items())
        yield from sorted(f"{one.name} {one.version}" for one in (*given.bundled, *given.installed))
        yield from sorted(map(str, solution.chosen.values()))

    def _gain(self, solution: Solution, candidates: Candidates, newer: Newer) -> str:
        """What newer tools would change for the better; empty where that is not much."""
        from mirage_py.packages.solve import Solution

        given = self.given
        if solution.bundled and self._solvable(replace(given, ocaml=newer.ocaml, dune=newer.dune, bundled=())):
            return (
                f"libraries that come with mpy serve, because no released ones fit OCaml {given.ocaml} and dune "
                f"{given.dune}; with {newer.text}{newer.aside} released ones would"
            )
        held_back = [one for one in self.asked if self._held_back(one, solution, candidates)]
        if not held_back:
            return ""
        found, _ = self._solve(replace(given, ocaml=newer.ocaml, dune=newer.dune), self.asked, {})
        better = list(self._better(held_back, solution, found)) if isinstance(found, Solution) else []
        if not better:
            return ""
        more = f" and {len(better) - SHOWN} more" if len(better) > SHOWN else ""
        return f"with {newer.text}{newer.aside} there would be much newer versions: {', '.join(better[:SHOWN])}{more}"

    def _held_back(self, asked: Asked, solution: Solution, candidates: Candidates) -> bool:
        """Whether there is a much newer version that config.py would take."""
        there = solution.chosen[asked.name].version if asked.name in solution.chosen else None
        fitting = candidates.fitting(asked.name, asked.bound)
        released = [one.version for one in fitting if not one.metadata.avoided and one.served == "vendored"]
        return there is not None and any(_much_newer(one, there) for one in released)

    def _better(self, held_back: Iterable[Asked], old: Solution, new: Solution) -> Iterator[str]:
        for one in held_back:
            before, after = old.chosen[one.name], new.chosen.get(one.name)
            if after is not None and _much_newer(after.version, before.version):
                yield f"{after} instead of {before.version}"

    def _newer(self) -> Iterator[Newer]:
        """Newer tools, the ones first that are had with the least trouble."""
        given = self.given
        dune = max(given.dune, self._newest("dune"), key=version_key)
        if dune != given.dune:
            yield Newer(ocaml=given.ocaml, dune=dune, text=f"dune {dune}")
        wanted = tuple(max(pair, key=version_key) for pair in zip((given.ocaml, given.dune), DEBIAN_13, strict=True))
        if wanted != (given.ocaml, given.dune):
            remark = "Debian 13 has both" if wanted == DEBIAN_13 else ""
            yield Newer(ocaml=wanted[0], dune=wanted[1], text=f"OCaml {wanted[0]} and dune {wanted[1]}", remark=remark)
        ocaml = max(given.ocaml, self._newest("ocaml-base-compiler"), key=version_key)
        if ocaml != given.ocaml:
            yield Newer(ocaml=ocaml, dune=dune, text=f"OCaml {ocaml} and dune {dune}")

    def _newest(self, name: str) -> str:
        """The newest release of a tool that the repositories know."""
        known = (version for one in self.repositories for version in one.versions(name) if "~" not in version)
        return max(known, key=version_key, default="0")

    def _solve(
        self, given: Given, asked: Sequence[Asked], keep: Mapping[str, str]
    ) -> tuple[Solution | Failed, Candidates]:
        from mirage_py.packages.solve import solve

        candidates = Candidates(
            repositories=self.repositories,
            given=given,
            environment=environment(),
            freestanding=self.freestanding,
            reader=self.reader,
        )
        return solve(asked, candidates, keep), candidates

    def _solvable(self, given: Given, asked: Sequence[Asked] | None = None) -> bool:
        from mirage_py.packages.solve import Solution

        return isinstance(self._solve(given, self.asked if asked is None else asked, {})[0], Solution)

    def _refusal(self, failed: Failed, candidates: Candidates) -> MpyError:
        from mirage_py.packages.explain import stories
        from mirage_py.packages.ports import lacking

        ways = "\n".join(self._ways(failed))
        found = lacking(self.asked, candidates)
        ports = tuple(map(str, found.unported))
        if ports and not found.failures:
            return PackageConflict(
                f"dune has to build what goes into an image, and cannot build {_listed(found.unported)}",
                details=ports,
                hint=ways or "name a repository that has ports (mpy repo add SOURCE), or do without",
            )
        failures = found.failures or (failed,)
        names = dict.fromkeys(one.name for each in failures for one in each.core)
        also = (f"dune cannot build these either: {_listed(found.unported)}", *ports) if ports else ()
        return PackageConflict(
            f"no choice of versions has all that config.py asks for: {', '.join(names)}",
            details=(*stories(failures), *also),
            hint=ways or "name a repository that has them: mpy repo add SOURCE",
        )

    def _ways(self, failed: Failed) -> Iterator[str]:
        """The single changes that would make it solvable."""
        given = self.given
        if not self.machine.named and not given.installed and self._solvable(self._with_installed()):
            yield "with libraries that this machine has there is a solution: mpy lock --installed"
        for newer in self._newer():
            if self._solvable(replace(given, ocaml=newer.ocaml, dune=newer.dune)):
                yield f"with {newer.text}{newer.aside} there is a solution"
                break
        if not given.bundled and self.machine.bundled and self._solvable(replace(given, bundled=self.machine.bundled)):
            yield "with the libraries that come with mpy there is one: leave --no-bundled out"
        for pin in given.pinned:
            others = tuple(one for one in given.pinned if one is not pin)
            if self._solvable(replace(given, pinned=others)):
                yield f"without the pin of {pin.name} there is one"
        yield from self._ways_with_less(failed)

    def _with_installed(self) -> Given:
        from mirage_py.workflow.machine import installed_libraries

        found = installed_libraries()
        with_c = frozenset(one.name for one, has_c in found.items() if has_c)
        return replace(self.given, installed=tuple(found), with_c=with_c)

    def _ways_with_less(self, failed: Failed) -> Iterator[str]:
        """What could be left out, or bounded otherwise."""
        given = self.given
        for one in failed.core:
            without = REPLACEABLE.get(one.name)
            if without and self._solvable(given, [other for other in self.asked if other.name != one.name]):
                yield f"register(..., {without}) does without {one.name}, and there is one"
                return
        for one in failed.core:
            if one.bound is not None:
                loose = [replace(other, bound=None) if other == one else other for other in self.asked]
                if self._solvable(given, loose):
                    yield f'with other bounds there is one: override(package("{one.name}", min=..., max=...))'


def _digest(words: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _listed(packages: Iterable[Unported]) -> str:
    return ", ".join(one.name for one in packages)


def _much_newer(version: str, than: str) -> bool:
    """Whether it is of a later release line: another first number, or another second one behind a zero."""
    return _line(version) > _line(than)


def _line(version: str) -> tuple[int, ...]:
    numbers = tuple(int(one) for one in re.findall(r"[0-9]+", version.partition("~")[0].partition("+")[0])[:2])
    return numbers[:2] if numbers[:1] == (0,) else numbers[:1]

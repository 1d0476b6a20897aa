"""What a candidate asks for in an image that has no host under it: all that it links, but no C library of the machine.

Those are the `conf-` packages that stand for header files, and installed libraries with C stubs. What is asked for
while building only (pkg-config, m4, a ppx) runs on the host, where C libraries serve as they do for the unix target.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mirage_py.dataclass import dataclass, field
from mirage_py.packages.formula import Formula, conjuncts, dependencies, without
from mirage_py.packages.metadata import details

if TYPE_CHECKING:
    from mirage_py.packages.candidates import Candidate, Candidates

__all__ = ["Images"]


@dataclass(kw_only=True)
class Images:
    """What candidates ask for, told apart by where it goes."""

    candidates: Candidates
    _linked: dict[int, Formula | None] = field(default_factory=dict)
    _c_libraries: dict[int, frozenset[str]] = field(default_factory=dict)
    _headers: dict[str, bool] = field(default_factory=dict)

    def needs(self, candidate: Candidate, *, freestanding: bool) -> Iterator[tuple[Formula, bool]]:
        """Each thing that it asks for, and whether that goes into a freestanding image too.

        In such an image it asks for no C library of the host where it names another way. One that cannot be in such an
        image at all is there for what of it links none.
        """
        all_of = conjuncts(candidate.metadata.depends)
        kept = self.freestanding(candidate) if freestanding else False
        if kept is False:
            yield from ((part, False) for part in all_of)
            return
        yield from ((part, True) for part in conjuncts(None if isinstance(kept, bool) else kept))
        linked = {*conjuncts(self.linked(candidate))}
        yield from ((part, False) for part in all_of if part not in linked)

    def freestanding(self, candidate: Candidate) -> Formula | bool | None:
        """What it asks for as a part of a freestanding image; False where it cannot be part of one."""
        if self._built_here(candidate):
            return False
        return without(self.linked(candidate), self.c_libraries(candidate))

    def of_host(self, candidate: Candidate) -> bool:
        """Whether it links, or may link, C that is built for the host."""
        return self._built_here(candidate) or bool(self.c_libraries(candidate))

    def _built_here(self, candidate: Candidate) -> bool:
        return candidate.served == "installed" and candidate.name in self.candidates.given.with_c

    def c_libraries(self, candidate: Candidate) -> frozenset[str]:
        """The C libraries of the host that it links, or may link."""
        if id(candidate) not in self._c_libraries:
            self._c_libraries[id(candidate)] = self._hosts(candidate)
        return self._c_libraries[id(candidate)]

    def _hosts(self, candidate: Candidate) -> frozenset[str]:
        named = {one.name for one in dependencies(candidate.metadata.depends) if one.name.startswith("conf-")}
        if not named:
            return frozenset()
        linked = {one.name for one in dependencies(self.linked(candidate))}
        return frozenset(name for name in named & linked if self._has_headers(name))

    def linked(self, candidate: Candidate) -> Formula | None:
        """What it asks for, without what it asks for while it is being built only."""
        if id(candidate) not in self._linked:
            self._linked[id(candidate)] = self._read(candidate)
        return self._linked[id(candidate)]

    def _read(self, candidate: Candidate) -> Formula | None:
        if candidate.repository is None:
            return candidate.metadata.depends
        name, version = candidate.name, candidate.version
        return self.candidates.read(name, version, candidate.repository, building=False).depends

    def _has_headers(self, name: str) -> bool:
        if name not in self._headers:
            newest = next(iter(self.candidates.versions(name)), None)
            self._headers[name] = newest is not None and self._wants_headers(name, *newest)
        return self._headers[name]

    def _wants_headers(self, name: str, version: str, repository: int) -> bool:
        text = self.candidates.repositories[repository].text(name, version)
        found = details(name, version, text, self.candidates.environment, f"{name}.{version}/opam")
        named = (package for one in found.depexts for package in one.names)
        return any(package.endswith(("-dev", "-devel")) for package in named)

"""What runs on this machine while an image is compiled: preprocessors, generators, configurators, programs.

They are compiled in the host's context, so the host's libraries serve them; what is missing is told before the first
file is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.libraries.places import Places
from mirage_py.libraries.serving import Question, serve
from mirage_py.model.closure import Conflict, Missing, Served
from mirage_py.model.library import Library
from mirage_py.model.plan import Plan

OF_TOOLCHAIN: Final = frozenset({"solo5-elftool"})
"""Programs that come with the toolchain, whose finding is told of elsewhere."""

PACKAGE_OF: Final = {"ocaml-crunch": "crunch"}
"""Programs that are not called like their package."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The libraries of the host's programs, and what is missing for them."""

    libraries: tuple[Served, ...] = ()
    missing: tuple[Missing, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def tools_of(image: Iterable[Library], places: Places, plan: Plan | None) -> Tools:
    """What making these libraries, and the plan's own files, takes on this machine."""
    image = tuple(image)
    askers: dict[str, list[str]] = {}
    programs: dict[str, list[str]] = {}
    for library in image:
        for name in library.tools:
            askers.setdefault(name, []).append(library.name)
        for name in library.programs:
            programs.setdefault(name, []).append(library.name)
    for name in _programs_of(plan):
        programs.setdefault(name, []).append(plan.name if plan else "")
    serving = serve(Question(roots=tuple(askers)), places.for_host(), None) if askers else None
    known = {library.name for library in image}
    walked = serving.walked if serving else None
    paths = walked.paths if walked else {}
    return Tools(
        libraries=tuple(
            Served(library=one, path=paths.get(one.name, ()), use="host", rejected=())
            for one in (walked.libraries if walked else ())
            if one.name not in known
        ),
        missing=(
            *(_missing(name, (*by, *askers.get(name, ()))) for name, by in (walked.missing if walked else {}).items()),
            *_missing_programs(programs, places),
        ),
    )


def _missing(name: str, askers: Iterable[str]) -> Missing:
    package = name.split(".", 1)[0]
    return Missing(package=package, libraries=(name,), askers=tuple(dict.fromkeys(askers)), use="host")


def _missing_programs(programs: dict[str, list[str]], places: Places) -> Iterator[Missing]:
    from mirage_py.doors.processes import which

    for name, askers in sorted(programs.items()):
        if name not in places.programs and which(name) is None:
            package = PACKAGE_OF.get(name, name)
            yield Missing(package=package, libraries=(name,), askers=tuple(askers), use="host", kind="program")


def _programs_of(plan: Plan | None) -> Iterator[str]:
    """The programs that the plan's own dune file runs."""
    if plan is None:
        return
    text = next((file.content for file in plan.files if file.path == "dune"), "")
    for name in dict.fromkeys(re.findall(r"\(run\s+([^\s()%]+)", text)):
        if "/" not in name and name not in OF_TOOLCHAIN:
            yield name

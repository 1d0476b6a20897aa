"""The one closure of a plan: which libraries make its image, who serves each, what is missing and what conflicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mirage_py.dsl.package import catalogue_packages
from mirage_py.errors import Location, misspelt
from mirage_py.libraries.demands import unmet
from mirage_py.libraries.places import Places
from mirage_py.libraries.serving import Bad, Question, Serving, serve
from mirage_py.libraries.tools import tools_of
from mirage_py.libraries.walk import walk
from mirage_py.model.bounds import ANY
from mirage_py.model.closure import Closure, Conflict, Missing, Served, Trouble
from mirage_py.model.library import Library
from mirage_py.model.plan import NeededLibrary, Plan
from mirage_py.model.toolchain import Toolchain

__all__ = ["closure_for", "closure_of", "closure_of_names"]

NEAR = 0.7


def closure_of(plan: Plan, places: Places, toolchain: Toolchain | None) -> Closure:
    """The closure of a plan; `toolchain` is None where this machine has none for the target."""
    return closure_for(
        plan.libraries,
        places,
        toolchain,
        target=plan.target,
        forbidden=plan.forbidden,
        plan=plan,
    )


def closure_for(
    wanted: Iterable[NeededLibrary],
    places: Places,
    toolchain: Toolchain | None,
    *,
    target: str,
    forbidden: tuple[str, ...] = (),
    plan: Plan | None = None,
) -> Closure:
    """The closure of these libraries on a target; `forbidden` are those that need what the target has not."""
    asked = {one.name: one for one in wanted}
    bare = plan.context != "default" if plan else bool(forbidden)
    question = Question(
        roots=tuple(asked), bounds=plan.bounds if plan else {}, forbidden=forbidden, bare=bare, plan=plan
    )
    serving = serve(question, places, toolchain)
    teller = _Teller(asked, question, places, serving)
    tools = tools_of(serving.walked.libraries, places, plan)
    host = tuple(served.library for served in tools.libraries)
    return Closure(
        label=plan.label if plan else "",
        target=target,
        roots=tuple(asked),
        libraries=(*teller.served(), *tools.libraries),
        missing=(*teller.missing(), *tools.missing),
        conflicts=(*teller.conflicts(), *tools.conflicts),
        troubles=serving.walked.troubles,
        c_stubs=plan.c_stubs if plan else (),
        unfit=tuple(sorted(places.unfit)),
        unmet=tuple(unmet((*serving.walked.libraries, *host), places.vendored.packages, places.tools)),
    )


def closure_of_names(
    names: Iterable[str],
    find: Callable[[str], Library | None],
    trouble: Callable[[str], Trouble | None] = lambda _: None,
    *,
    target: str = "",
) -> Closure:
    """The closure of libraries that are here, taken as they are: nobody is passed over, whatever its C is made for."""
    walked = walk(names, find, trouble)
    missing = (
        Missing(package=name.split(".", 1)[0], libraries=(name,), askers=askers)
        for name, askers in walked.missing.items()
    )
    return Closure(
        label="",
        target=target,
        roots=walked.roots,
        libraries=tuple(Served(library=one, path=walked.paths[one.name]) for one in walked.libraries),
        missing=tuple(missing),
        troubles=walked.troubles,
    )


class _Teller:
    """What was served, what is missing and what conflicts, in the words of the value."""

    def __init__(self, asked: dict[str, NeededLibrary], question: Question, places: Places, serving: Serving) -> None:
        self.asked = asked
        self.question = question
        self.places = places
        self.serving = serving
        self.paths = serving.walked.paths

    def served(self) -> Iterator[Served]:
        for library in self.serving.walked.libraries:
            needed = self.asked.get(library.name)
            yield Served(
                library=library,
                asked_by=needed.asked_by if needed else (),
                bounds=self.question.bounds.get(library.package, ANY),
                path=self.paths.get(library.name, (library.name,)),
                c=self.serving.c.get(library.name),
                rejected=self.serving.rejected.get(library.package, ()),
            )

    def missing(self) -> Iterator[Missing]:
        """One for each package, with all of its libraries that are asked for."""
        packages: dict[str, list[str]] = {}
        for bad in self.serving.bad:
            if bad.kind == "missing":
                packages.setdefault(bad.name.split(".", 1)[0], []).append(bad.name)
        for package, names in sorted(packages.items()):
            yield self._missing(package, tuple(names))

    def _missing(self, package: str, names: tuple[str, ...]) -> Missing:
        rejected = self.serving.rejected.get(package, ())
        devices = dict.fromkeys(who for one in self.asked.values() if one.package == package for who in one.asked_by)
        askers = dict.fromkeys(one for name in names for one in self.serving.walked.missing[name])
        return Missing(
            package=package,
            libraries=names,
            asked_by=tuple(devices),
            askers=tuple(asker for asker in askers if asker.split(".", 1)[0] != package),
            bounds=self.question.bounds.get(package, ANY),
            rejected=rejected,
            names=() if rejected else self._near(names[0], by_person=bool(devices)),
            stubs=any("its C stubs are built for this machine" in one.reason for one in rejected),
            local=any(self.asked[name].local for name in names if name in self.asked),
        )

    def _near(self, name: str, *, by_person: bool) -> tuple[str, ...]:
        """Libraries of nearly this name; where a person wrote it, the one that was meant."""
        if by_person:
            known = {*self.places.names(), *catalogue_packages()}
            others = sorted(known - {name.partition(".")[0]})  # what is missing is not what was meant
            return () if name in known else tuple(filter(None, [misspelt(name, others)]))
        from difflib import get_close_matches

        return tuple(get_close_matches(name, self.places.names(), n=3, cutoff=NEAR))

    def conflicts(self) -> Iterator[Conflict]:
        yield from map(_misnamed, self.places.misnamed)
        yield from (_twice(name, folders) for name, folders in sorted(self.places.twice.items()))
        for bad in self.serving.bad:
            match bad.kind:
                case "system":
                    yield self._system(bad.name)
                case "family":
                    yield self._family(bad)
                case "half":
                    yield self._half(bad)
                case _:
                    pass  # nobody serves it: that is missing, not a conflict
        yield from self._unimplemented()

    def _system(self, name: str) -> Conflict:
        path = self.paths.get(name, (name,))
        needed = self.asked.get(path[0])
        whose = self.question.plan.name if self.question.plan else path[0]
        target = self.question.plan.target if self.question.plan else "this target"
        return Conflict(
            kind="system",
            message=f"{whose} needs the library {name}, and target {target} has no operating system below",
            details=(
                " -> ".join(path),
                *(f"{path[0]} is asked for by {who}" for who in (needed.asked_by if needed else ())),
            ),
            hint=f"leave {path[0]} out for this target (if_impl, key.is_unix), or take a library without {name}",
            libraries=path,
        )

    def _half(self, bad: Bad) -> Conflict:
        library, bundled = self._library(bad.name), self._library(bad.needs)
        return Conflict(
            kind="family",
            message=f"the {library.origin} {_named(library)} is in the image, and the {bad.needs} that comes with mpy "
            f"does not go with it",
            details=(" -> ".join(self.paths.get(bad.name, (bad.name,))),),
            hint=f"bring {bundled.package} as sources, too: mpy lock && mpy pull",
            libraries=(bad.name, bad.needs),
        )

    def _family(self, bad: Bad) -> Conflict:
        library, other = self._library(bad.name), self._library(bad.needs)
        return Conflict(
            kind="family",
            message=f"the installed {_named(library)} was compiled against the installed {bad.needs}, "
            f"and the image has the {other.origin} {_named(other)}",
            details=(
                " -> ".join(self.paths.get(bad.name, (bad.name,))),
                f"{bad.needs} is served from {other.directory}",
                "an image has one library of a name, and OCaml links no two that disagree",
            ),
            hint=f"bring {library.package} as sources, too: mpy lock && mpy pull\n"
            f"or take {other.package} out of the {other.origin} libraries",
            libraries=(bad.name, bad.needs),
        )

    def _unimplemented(self) -> Iterator[Conflict]:
        libraries = self.serving.walked.libraries
        for one in libraries:
            by = [other.name for other in libraries if other.implements == one.name]
            if one.virtual and not by and not one.default:
                yield Conflict(
                    kind="implementation",
                    message=f"the virtual library {one.name} has no implementation in this image",
                    details=(" -> ".join(self.paths.get(one.name, (one.name,))),),
                    hint=f"ask for one that implements it: packages=[package({one.package!r}, sublibs=[...])]",
                    libraries=(one.name,),
                )
            elif len(by) > 1:
                yield Conflict(
                    kind="implementation",
                    message=f"the virtual library {one.name} is implemented twice: {' and '.join(by)}",
                    details=tuple(" -> ".join(self.paths.get(name, (name,))) for name in by),
                    hint="keep one of them",
                    libraries=(one.name, *by),
                )

    def _library(self, name: str) -> Library:
        return next(one for one in self.serving.walked.libraries if one.name == name)


def _misnamed(file: Path) -> Conflict:
    return Conflict(
        kind="name",
        message=f"dune takes {Location.of(file)} for a project named {file.stem}, and no name has a dot",
        details=("it builds nothing where such a file is, whatever is in it",),
        hint="move the file away, or rename it",
    )


def _twice(package: str, folders: tuple[Path, ...]) -> Conflict:
    first, *others = sorted(folders, key=lambda folder: (len(folder.parts), folder))
    return Conflict(
        kind="twice",
        message=f"the sources hold package {package} {'twice' if not others[1:] else f'{len(folders)} times'}",
        details=(
            *(f"{Location.of(folder)}/{package}.opam" for folder in (first, *others)),
            "dune reads all sources, whoever needs them, and takes no package from two folders",
        ),
        hint=f"keep one: delete {Location.of(others[0])}, "
        f"or say (data_only_dirs {others[0].name}) in {Location.of(others[0].parent)}/dune",
        libraries=(package,),
    )


def _named(library: Library) -> str:
    return f"{library.name} {library.version}" if library.version else library.name

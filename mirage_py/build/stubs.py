"""C stubs of installed libraries in a freestanding image: where the archive for the target comes from.

An archive that was built for the host never gets into an image. Some link and run by luck; others link and then die
without a word, since the host's stack canary lives where a unikernel has nothing. So each library with C stubs is
served by the target's own sysroot, by sources that the user names, or by the archive that its META file names for
freestanding targets; or the build stops, with all such libraries at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from glob import iglob
from pathlib import Path
from typing import Final, Literal, NamedTuple

from mirage_py.errors import ConfigError, LibraryNotFound
from mirage_py.libraries.closure import Closure
from mirage_py.libraries.cside import CSide, c_sides
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.linkopts import LinkOptions, link_options
from mirage_py.model.stubs import DeclaredStubs
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.project.sources import dune_root
from mirage_py.toolchain import sameness
from mirage_py.toolchain.pkgconfig import PkgConfig
from mirage_py.toolchain.steps import Step, archive, compile_c

__all__ = ["StubsRequest", "TargetStubs", "sources_of", "stubs_for_target"]

WAYS: Final = (
    "sources: put them under mirage/duniverse/ or duniverse/, where dune compiles them for each target",
    'stubs: package("{package}", stubs=Stubs(sources="DIR/*.c")) in config.py has mpy compile them',
    "archive: a package that installs one for freestanding targets (freestanding_linkopts in its META file)",
)
"""The three ways out of a host-built archive."""


@dataclass(frozen=True, kw_only=True)
class TargetStubs:
    """The C side of a library for the target: the steps that make its archives, and the flags that link them.

    Where the cross compiler links, which follows the `.cmxa`'s own words, `folder` holds archives of the names that it
    looks for, and has to be the first folder on the link line.
    """

    library: str
    way: Literal["sysroot", "declared", "linkopts"]
    archives: tuple[Path, ...]
    flags: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    folder: Path | None = None


@dataclass(frozen=True, kw_only=True)
class StubsRequest:
    """What the answer depends on, besides the libraries.

    Archives are made in `folder`; declared sources are relative to `base`. `pkg_config` are the target's packages.
    """

    toolchain: Toolchain
    host: HostToolchain
    findlib: Findlib
    folder: Path
    base: Path
    declared: tuple[DeclaredStubs, ...] = ()
    pkg_config: PkgConfig | None = None


def stubs_for_target(closure: Closure, request: StubsRequest) -> tuple[TargetStubs, ...]:
    """For each installed library of the closure that has C stubs, what takes their place in an image.

    LibraryNotFound names every library that nothing serves, ConfigError a declaration that means no file.
    """
    installed = (library for library in closure.libraries if library.origin == "installed")
    outcomes = [_served(side, request) for side in c_sides(installed, request.host)]
    refused = [one for one in outcomes if isinstance(one, _Refused)]
    if refused:
        raise _refusal(refused, closure, request.toolchain)
    return tuple(one for one in outcomes if isinstance(one, TargetStubs))


def sources_of(declared: DeclaredStubs, base: Path) -> tuple[Path, ...]:
    """The C files that a declaration means: files, all of a folder, or those that fit a glob. ConfigError for none."""
    found = [file for pattern in declared.sources for file in _matching(base, pattern)]
    if not found:
        raise ConfigError(
            f"there is no C file for the stubs of {declared.library}: {', '.join(declared.sources)}",
            location=declared.location,
            details=(f"looked below {base}",),
            hint="name .c files, a folder of them, or a glob, relative to config.py",
        )
    return tuple(dict.fromkeys(found))


class _Refused(NamedTuple):
    """A library that nothing serves, and why what its META file names does not either."""

    side: CSide
    reasons: tuple[str, ...] = ()


def _served(side: CSide, request: StubsRequest) -> TargetStubs | _Refused:
    library = side.library
    named = {one.library: one for one in request.declared}
    declared = named.get(library.name) or named.get(library.package)
    if declared is not None:
        return _recompiled(side, declared, request)
    in_sysroot = _in_sysroot(side, request.toolchain)
    if in_sysroot:
        return TargetStubs(library=library.name, way="sysroot", archives=in_sysroot, flags=tuple(map(str, in_sysroot)))
    options = link_options(library, request.findlib, request.toolchain)
    if options is None or options.problems:
        return _Refused(side, options.problems if options else ())
    return _named(side, options, request)


def _in_sysroot(side: CSide, toolchain: Toolchain) -> tuple[Path, ...]:
    """The target's own archives of these names, when it has them all (`str` comes with the cross compiler)."""
    folders = [toolchain.stdlib, *toolchain.libraries] if toolchain.sysroot else []
    inside = [folder for folder in folders if toolchain.sysroot and folder.is_relative_to(toolchain.sysroot)]
    places = [*inside, *(folder / side.library.package for folder in inside)]
    found = [next((place / name for place in places if (place / name).is_file()), None) for name in side.names]
    return tuple(file for file in found if file is not None) if None not in found else ()


def _recompiled(side: CSide, declared: DeclaredStubs, request: StubsRequest) -> TargetStubs:
    """Archives of the same names as the host's, from the sources that the user names."""
    objects = request.folder / side.library.name
    sources = sources_of(declared, request.base)
    flags = _stub_flags(side, declared, sources, request)
    libs = _stub_libs(declared, request)
    compiled = [
        compile_c(request.toolchain, source, objects / f"{number}-{source.stem}.o", flags)
        for number, source in enumerate(sources)
    ]
    archives = _archives(side, tuple(step.output for step in compiled), request, libs)
    return TargetStubs(
        library=side.library.name,
        way="declared",
        archives=(archives[0].output,),
        flags=(str(archives[0].output), *libs),
        steps=(*compiled, *archives),
        folder=request.folder,
    )


def _named(side: CSide, options: LinkOptions, request: StubsRequest) -> TargetStubs:
    """The archives that the META file names; under the names of the host's where the cross compiler links."""
    by_compiler = request.toolchain.generation == "cross"
    steps = _archives(side, options.archives, request) if by_compiler else ()
    return TargetStubs(
        library=side.library.name,
        way="linkopts",
        archives=options.archives,
        flags=options.flags,
        steps=steps,
        folder=request.folder if by_compiler else None,
    )


def _archives(
    side: CSide, members: tuple[Path, ...], request: StubsRequest, elsewhere: tuple[str, ...] = ()
) -> tuple[Step, ...]:
    """All members in the first archive that the `.cmxa` names, and nothing in the others.

    Without the empty ones the linker would go on to the host's; what is served `elsewhere` must not be hidden so.
    """
    files = [
        request.folder / name for word, name in zip(side.objects, side.names, strict=True) if word not in elsewhere
    ]
    return tuple(archive(file, members if number == 0 else ()) for number, file in enumerate(files))


def _stub_flags(
    side: CSide, declared: DeclaredStubs, sources: tuple[Path, ...], request: StubsRequest
) -> tuple[str, ...]:
    """Flags of the declaration, of the target's packages, and for the headers of all sources and of libraries below."""
    found = _packages(declared, request).cflags(declared.pkg_config) if declared.pkg_config else ()
    beside = dict.fromkeys(f"-I{file.parent}" for file in sources)
    below = [request.findlib.find(name) for name in side.library.requires]
    headers = dict.fromkeys(f"-I{one.directory}" for one in below if one and one.directory != request.host.stdlib)
    elsewhere = ((file.parent, f"/stubs/{side.library.name}") for file in sources)
    mapped = sameness.c_flags(dune_root(request.base), *dict.fromkeys(elsewhere))
    return (*declared.cflags, *found, *beside, *headers, *mapped)


def _stub_libs(declared: DeclaredStubs, request: StubsRequest) -> tuple[str, ...]:
    return _packages(declared, request).libs(declared.pkg_config) if declared.pkg_config else ()


def _packages(declared: DeclaredStubs, request: StubsRequest) -> PkgConfig:
    if request.pkg_config is None:
        raise ConfigError(
            f"the stubs of {declared.library} ask pkg-config for {', '.join(declared.pkg_config)}, "
            f"and target {request.toolchain.target} has no packages",
            location=declared.location,
            hint="name the target's prefix with --solo5-prefix; packages of this machine do not count",
        )
    return request.pkg_config


def _matching(base: Path, pattern: str) -> Iterator[Path]:
    place = base / Path(pattern).expanduser()
    if place.is_dir():
        yield from sorted(place.glob("*.c"))
    elif place.is_file():
        yield place
    else:
        yield from (Path(file) for file in sorted(iglob(str(place), recursive=True)) if file.endswith(".c"))


def _refusal(refused: list[_Refused], closure: Closure, toolchain: Toolchain) -> LibraryNotFound:
    names = ", ".join(one.side.library.name for one in refused)
    lines = [line for one in refused for line in _told(one, closure)]
    return LibraryNotFound(
        f"C stubs that are built for this machine cannot go into an image for {toolchain.target}: {names}",
        details=(*lines, "they expect the host's C library, and a stack canary where a unikernel has nothing"),
        hint="\n".join(way.format(package=refused[0].side.library.package) for way in WAYS),
    )


def _told(refused: _Refused, closure: Closure) -> Iterator[str]:
    side = refused.side
    path = closure.path_to(side.library.name)
    files = ", ".join(map(str, side.archives)) or " ".join(side.objects)
    yield f"{side.library.name}: {files}" + (f" ({' -> '.join(path)})" if len(path) > 1 else "")
    yield from (f"  {reason}" for reason in refused.reasons)

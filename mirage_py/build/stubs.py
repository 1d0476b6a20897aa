"""C stubs of installed libraries in a freestanding image: where the archive for the target comes from.

The closure says which of the three ways each library goes: the target's own sysroot, sources that config.py declares,
the archive that its META file names for freestanding targets. Here the way is made: what is compiled, what is linked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from glob import iglob
from pathlib import Path
from typing import Final, Literal

from mirage_py.dataclass import dataclass
from mirage_py.errors import ConfigError
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.linkopts import LinkOptions, link_options
from mirage_py.model.closure import CSide, Served
from mirage_py.model.stubs import DeclaredStubs
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.project.folders import dune_root
from mirage_py.toolchain import sameness
from mirage_py.toolchain.pkgconfig import PkgConfig
from mirage_py.toolchain.steps import Step, archive, compile_c

__all__ = ["StubsRequest", "TargetStubs", "sources_of", "stubs_for_target"]


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

    Archives are made in `folder`; declared sources are relative to `base`. `pkg_config` are the target's packages,
    `include` names the headers of what the C library lacks.
    """

    toolchain: Toolchain
    host: HostToolchain
    findlib: Findlib
    folder: Path
    base: Path
    declared: tuple[DeclaredStubs, ...] = ()
    pkg_config: PkgConfig | None = None
    include: tuple[str, ...] = ()


def stubs_for_target(libraries: Iterable[Served], request: StubsRequest) -> tuple[TargetStubs, ...]:
    """For each installed library that has C stubs, what takes their place in an image, in the closure's order.

    ConfigError for a declaration that means no file.
    """
    libraries = tuple(libraries)
    sides = ((one, one.c) for one in libraries if one.library.origin == "installed" and one.use == "image")
    made = [found for one, side in sides if side and (found := _made(one, side, request))]
    asks = any(one.c is not None and MATHS in one.c.words for one in libraries if one.use == "image")
    return (*made, *((_maths(request),) if asks and request.toolchain.generation == "cross" else ()))


MATHS: Final = "-lm"


def _maths(request: StubsRequest) -> TargetStubs:
    """An empty libm: the target's C library has its functions, and without it the linker would take the host's."""
    step = archive(request.folder / "libm.a", ())
    return TargetStubs(library="libm", way="sysroot", archives=(), flags=(), steps=(step,), folder=request.folder)


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


def _made(one: Served, side: CSide, request: StubsRequest) -> TargetStubs | None:
    library = one.library
    match side.origin:
        case "declared":
            named = {declared.library: declared for declared in request.declared}
            return _recompiled(one, side, named.get(library.name) or named[library.package], request)
        case "sysroot":
            flags = tuple(map(str, side.files))
            return TargetStubs(library=library.name, way="sysroot", archives=side.files, flags=flags)
        case "linkopts":
            options = link_options(library, request.findlib, request.toolchain)
            assert options is not None, f"the closure took {library.name} by its linkopts"
            return _named(one, side, options, request)
        case _:
            return None


def _recompiled(one: Served, side: CSide, declared: DeclaredStubs, request: StubsRequest) -> TargetStubs:
    """Archives of the same names as the host's, from the sources that the user names."""
    objects = request.folder / one.library.name
    sources = sources_of(declared, request.base)
    flags = _stub_flags(one, declared, sources, request)
    libs = _stub_libs(declared, request)
    compiled = [
        compile_c(request.toolchain, source, objects / f"{number}-{source.stem}.o", flags)
        for number, source in enumerate(sources)
    ]
    archives = _archives(side, tuple(step.output for step in compiled), request, libs)
    return TargetStubs(
        library=one.library.name,
        way="declared",
        archives=(archives[0].output,),
        flags=(str(archives[0].output), *libs),
        steps=(*compiled, *archives),
        folder=request.folder,
    )


def _named(one: Served, side: CSide, options: LinkOptions, request: StubsRequest) -> TargetStubs:
    """The archives that the META file names; under the names of the host's where the cross compiler links."""
    by_compiler = request.toolchain.generation == "cross"
    steps = _archives(side, options.archives, request) if by_compiler else ()
    return TargetStubs(
        library=one.library.name,
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
    files = [request.folder / name for word, name in zip(side.words, side.names, strict=True) if word not in elsewhere]
    return tuple(archive(file, members if number == 0 else ()) for number, file in enumerate(files))


def _stub_flags(
    one: Served, declared: DeclaredStubs, sources: tuple[Path, ...], request: StubsRequest
) -> tuple[str, ...]:
    """Flags of the declaration, of the target's packages, and for the headers of all sources and of libraries below."""
    found = _packages(declared, request).cflags(declared.pkg_config) if declared.pkg_config else ()
    beside = dict.fromkeys(f"-I{file.parent}" for file in sources)
    below = [request.findlib.find(name) for name in one.library.requires]
    headers = dict.fromkeys(f"-I{its.directory}" for its in below if its and its.directory != request.host.stdlib)
    elsewhere = ((file.parent, f"/stubs/{one.library.name}") for file in sources)
    mapped = sameness.c_flags(dune_root(request.base), *dict.fromkeys(elsewhere))
    return (*declared.cflags, *request.include, *found, *beside, *headers, *mapped)


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

"""What a solver is given and does not choose: compiler, dune, toolchain, pins, bundled and installed libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirage_py.dataclass import dataclass, field, replace
from mirage_py.errors import FetchFailed, MpyError, PackageConflict
from mirage_py.libraries.bundled import bundled_packages
from mirage_py.model.version import version_key
from mirage_py.packages.candidates import Given, environment
from mirage_py.packages.formula import AllOf, Dependency
from mirage_py.packages.lock import Folder, GitTree, Origin, SolvedFor
from mirage_py.packages.metadata import Metadata, Remote, metadata
from mirage_py.project.reading import text_of

if TYPE_CHECKING:
    from mirage_py.doors.network import Network
    from mirage_py.dsl.package import Pin
    from mirage_py.packages.snapshot import Snapshot
    from mirage_py.toolchain.discover import Toolchains
    from mirage_py.workflow.request import Request, Wish
    from mirage_py.workflow.resolve import Resolution

__all__ = ["Machine", "installed_libraries", "machine_of"]

OF_COMPILER: Final = frozenset(("unix", "bigarray", "threads", "bytes", "str", "dynlink", "stdlib", "compiler-libs"))
"""Libraries that come with OCaml, so that no package brings them."""


BASE: Final = {"base-bytes": "base", "seq": "base"}
"""Packages that stand for parts of the standard library, of which ports to dune exist that would hide it."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What the machine has (or what was said on the command line), and what serves without being looked up.

    `pinned` says where each pinned package is, `pins` what its opam file says; `with_c` are those of `installed` that
    have C stubs, which are built for the host. `named`: compiler and dune were said, and may be those of another one.
    """

    ocaml: str
    dune: str
    solo5: str | None = None
    ocaml_solo5: str | None = None
    pinned: Mapping[str, Origin] = field(default_factory=dict)
    pins: tuple[Metadata, ...] = ()
    bundled: tuple[Metadata, ...] = ()
    installed: tuple[Metadata, ...] = ()
    with_c: frozenset[str] = frozenset()
    use_bundled: bool = True
    named: bool = False

    def given(self, repositories: Sequence[Snapshot]) -> Given:
        """As the candidates take it; a toolchain that is not here counts as the newest that there is."""
        here = {"solo5": self.solo5, "ocaml-solo5": self.ocaml_solo5}
        newest = {
            name: max((v for one in repositories for v in one.versions(name)), key=version_key, default="0")
            for name in here
        }
        return Given(
            ocaml=self.ocaml,
            dune=self.dune,
            tools={name: version or newest[name] for name, version in here.items()} | BASE,
            pinned=self.pins,
            bundled=self.bundled if self.use_bundled else (),
            installed=self.installed,
            with_c=self.with_c,
        )

    def solved_for(self, wish: Wish) -> SolvedFor:
        """As a lock says it."""
        return SolvedFor(
            ocaml=self.ocaml,
            dune=self.dune,
            solo5=self.solo5,
            ocaml_solo5=self.ocaml_solo5,
            bundled=wish.bundled,
            installed=wish.installed,
        )


def machine_of(
    request: Request, found: Resolution, wish: Wish, network: Network, locked: Mapping[str, GitTree]
) -> Machine:
    """The machine as it is, with what the command line says instead; pins stay at the commits that are `locked`.

    Raises `ToolNotFound` without OCaml and dune where none were named.
    """
    tools = None if wish.ocaml and wish.dune else _tools(request, found)
    chains = list(tools.toolchains.values()) if tools else []
    pinned = _pins(found)
    installed = installed_libraries() if wish.installed else {}
    origins = {
        name: _stays(pin, locked.get(name)) or _origin(request.folder, name, pin, network)
        for name, pin in pinned.items()
    }
    return Machine(
        ocaml=wish.ocaml or (tools.host.ocaml_version if tools else ""),
        dune=wish.dune or (tools.host.dune_version if tools else ""),
        solo5=next((one.solo5_version for one in chains if one.solo5_version), None),
        ocaml_solo5=next((one.ocaml_solo5_version for one in chains if one.ocaml_solo5_version), None),
        pinned=origins,
        pins=tuple(
            _pinned(request.folder, name, pin, origins[name], offline=network.offline) for name, pin in pinned.items()
        ),
        bundled=tuple(_bundled(found)),
        installed=tuple(installed),
        with_c=frozenset(one.name for one, with_c in installed.items() if with_c),
        use_bundled=wish.bundled,
        named=tools is None,
    )


def _tools(request: Request, found: Resolution) -> Toolchains:
    from mirage_py.toolchain.discover import toolchains_for
    from mirage_py.workflow.tools import tools_of

    links = {plan.target: request.link or found.saved_for(plan).link for plan in found.plans}
    return toolchains_for(links, tools_of(request, found.saved, found.plans), links, linkable=False)


def _bundled(found: Resolution) -> Iterator[Metadata]:
    """The family of libraries that come with mpy, with what each needs of others.

    A package is left out that lacks a library which is asked for by name: what it has is not for that target.
    """
    asked = {one.name for plan in found.plans for one in plan.libraries}
    for package in bundled_packages().values():
        if any(name.partition(".")[0] == package.name and name not in package.libraries for name in asked):
            continue
        wanted = AllOf(tuple(Dependency(name, None) for name in package.needs if name not in OF_COMPILER))
        yield Metadata(name=package.name, version=package.version, depends=wanted)


def installed_libraries() -> dict[Metadata, bool]:
    """The OCaml libraries of the host, in the version that they say; with each whether it has C stubs."""
    from mirage_py.libraries.findlib import Findlib

    findlib = Findlib.discover()
    found: dict[Metadata, bool] = {}
    for name in findlib.names():
        library = findlib.find(name) if "." not in name else None
        if library is not None and library.version and name not in OF_COMPILER:
            found[Metadata(name=name, version=library.version)] = any(library.directory.glob("*_stubs.a"))
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Pins


def _pins(found: Resolution) -> dict[str, Pin]:
    """The pinned packages; two unikernels must not pin one to two places."""
    pins: dict[str, Pin] = {}
    for one in found.resolved:
        for requirement in one.info.requirements:
            if requirement.pin and pins.setdefault(requirement.name, requirement.pin) != requirement.pin:
                raise PackageConflict(
                    f"package {requirement.name} is pinned to two places",
                    details=(pins[requirement.name].url, requirement.pin.url),
                    hint="keep one pin: there is one lock for all unikernels",
                )
    return pins


def _stays(pin: Pin, locked: GitTree | None) -> GitTree | None:
    """What is locked of a pin, where that still says the same."""
    from mirage_py.packages.git import HASH

    url, _, ref = pin.url.partition("#")
    same = locked is not None and (locked.url, locked.ref or "") == (url, ref) and HASH.fullmatch(locked.commit)
    return locked if same else None


def _origin(root: Path, name: str, pin: Pin, network: Network) -> Origin:
    """Where a pin leads: a folder stays one, a branch becomes the commit that it is now."""
    from mirage_py.doors import memory

    local = pin.url.removeprefix("file://")
    if "://" not in local and not local.startswith("git+") and "#" not in local:
        if not (root / local).is_dir():
            raise MpyError(
                f"{name} is pinned to {pin.url}, which is no folder",
                hint="a pin is a folder, or a git address: git+https://…#REF",
            )
        return Folder(path=local)
    from mirage_py.packages.git import resolve

    url, _, ref = pin.url.partition("#")
    try:
        return resolve(url, ref or None, memory.folder(), root=root, offline=network.offline)
    except FetchFailed as failed:
        failed.details = (f"{name} is pinned to it", *failed.details)
        raise


def _pinned(root: Path, name: str, pin: Pin, origin: Origin, *, offline: bool) -> Metadata:
    """What the opam file in a pinned tree says; one without needs nothing that is known."""
    if isinstance(origin, Folder):
        return _in_tree(root / origin.path, name, pin)
    from tempfile import TemporaryDirectory

    from mirage_py.doors import memory
    from mirage_py.packages.git import check_out

    with TemporaryDirectory(prefix="mpy-") as folder:
        check_out(origin, Path(folder) / "tree", memory.folder(), root=root, offline=offline)  # type: ignore[arg-type]  # a GitTree
        return _in_tree(Path(folder) / "tree", name, pin)


def _in_tree(tree: Path, name: str, pin: Pin) -> Metadata:
    places = (tree / f"{name}.opam", tree / "opam" / f"{name}.opam", tree / "opam")
    file = next((one for one in places if one.is_file()), None)
    remote = Remote(urls=(pin.url,), checksums=())
    if file is None:
        return Metadata(name=name, version=pin.version, remote=remote, commands=True)
    text = text_of(file)
    found = metadata(name, pin.version, text, environment(), str(file.name))
    return replace(found, remote=remote, commands=True)

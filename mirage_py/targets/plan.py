"""Planning: a graph, what is known about it and its target become the plan that everything below only carries out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from mirage_py.codegen.sexp import render_stanzas
from mirage_py.codegen.stamp import stamped, stamped_below
from mirage_py.dsl.device import Sexp
from mirage_py.model.bounds import Bounds
from mirage_py.model.plan import CStub, GeneratedFile, NeededLibrary, Plan
from mirage_py.model.stubs import DeclaredStubs
from mirage_py.resolve.graph import Graph
from mirage_py.resolve.info import Info
from mirage_py.resolve.packages import Requirement
from mirage_py.resolve.platform import Platform
from mirage_py.targets import family

LANG = "2.9"
"""The dune language of generated files: what Debian 12 has."""


def platform(target: str) -> Platform:
    """What the engine needs to know of a target before it resolves."""
    page = family(target)
    return Platform(target=target, os_module=page.OS_MODULE, packages=page.packages(target))


def plan(
    graph: Graph,
    info: Info,
    *,
    modules: tuple[str, ...],
    c_stubs: tuple[CStub, ...] = (),
    brought: Mapping[str, str] | None = None,
) -> Plan:
    """The plan for one resolved unikernel.

    `modules` are the OCaml files beside config.py that belong to it, `c_stubs` its C files, `brought` the texts of
    the OCaml files that its devices bring, by name. Raises `UnsupportedTarget` for what the target can
    never hold.
    """
    page = family(info.target)
    page.check(info)
    image = page.image(info.output, info.target)
    files = (
        GeneratedFile(path="main.ml", content=lambda: _main(graph, info)),
        GeneratedFile(path="dune", content=lambda: _dune(graph, info, modules, c_stubs)),
        GeneratedFile(path=f"{info.label}.opam", content=lambda: _opam(info, image)),
        *page.files(info),
        *(GeneratedFile(path=name, content=text) for name, text in (brought or {}).items()),
    )
    return Plan(
        name=info.name,
        target=info.target,
        label=info.label,
        image=image,
        context=page.CONTEXT,
        files=tuple(sorted(files, key=lambda file: file.path)),
        libraries=_libraries(info),
        modules=modules,
        c_stubs=c_stubs,
        declared_stubs=_declared_stubs(info),
        forbidden=page.FORBIDDEN,
        nets=info.nets,
        blocks=info.blocks,
        abi=page.abi(info.target),
        os_module=page.OS_MODULE,
        manifest=page.manifest(info),
        bounds={one.name: _bounds(one) for one in info.requirements},
        libc_gaps=info.libc_gaps if page.CONTEXT != "default" else (),
    )


def _main(graph: Graph, info: Info) -> str:
    from mirage_py.codegen.main_ml import main_ml

    return main_ml(graph, info, family(info.target).OS_MODULE)


def _opam(info: Info, image: str) -> str:
    from mirage_py.codegen.opam import opam_file

    return opam_file(info, image)


def _dune(graph: Graph, info: Info, modules: tuple[str, ...], c_stubs: tuple[CStub, ...]) -> str:
    page = family(info.target)
    copies: list[Sexp] = [("copy_files#", f"{info.source_dir}/{name}") for name in modules]
    folders = dict.fromkeys(str(PurePosixPath(info.source_dir, stub.path).parent) for stub in c_stubs)
    copies += [("copy_files", f"{folder}/*.h") for folder in folders]
    copies += [("copy_files", f"{info.source_dir}/{stub.path}") for stub in c_stubs]
    devices = (stanza for node in reversed(graph.nodes) if node.device.dune for stanza in node.device.dune(info))
    image: Sexp = (
        "rule",
        ("alias", "image"),
        ("enabled_if", ("=", "%{context_name}", page.CONTEXT)),
        ("deps", "main.exe"),
        ("action", ("progn",)),
    )
    stanzas = (*copies, *devices, *page.stanzas(info, c_stubs), image)
    return stamped(render_stanzas(stanzas), "dune", info.config_file)


def _libraries(info: Info) -> tuple[NeededLibrary, ...]:
    of_packages = {
        name: NeededLibrary(
            name=name,
            package=requirement.name,
            min=requirement.min,
            max=requirement.max,
            asked_by=tuple(dict.fromkeys(str(one) for one in requirement.asked)),
        )
        for requirement in info.requirements
        for name in requirement.libraries
    }
    local = {name: NeededLibrary(name=name, package=name.split(".")[0], local=True) for name in info.local_libs}
    return tuple(entry for _, entry in sorted((of_packages | local).items()))


def _bounds(one: Requirement) -> Bounds:
    return Bounds(min=one.min, max=one.max, pin=one.pin.url if one.pin else None)


def _declared_stubs(info: Info) -> tuple[DeclaredStubs, ...]:
    return tuple(
        DeclaredStubs(
            library=requirement.name,
            sources=one.package.stubs.sources,
            cflags=one.package.stubs.cflags,
            pkg_config=one.package.stubs.pkg_config,
            location=one.package.location or one.location,
        )
        for requirement in info.requirements
        for one in [next((asked for asked in requirement.asked if asked.package.stubs), None)]
        if one and one.package.stubs
    )


def dune_workspace(targets: Iterable[str], config_file: str) -> str:
    """dune-workspace for all configured targets."""
    return stamped_below(workspace(targets), "dune", config_file)


def workspace(targets: Iterable[str], host: Sexp = "default") -> str:
    """A dune workspace for these targets: the host's context and the cross contexts that they are compiled in."""
    contexts = {family(target).CONTEXT for target in targets}
    cross: list[Sexp] = [("context", ("default", *_cross(name))) for name in sorted(contexts - {"default"})]
    if cross and "default" not in contexts:
        cross[0] = (
            "context",
            ("default", *_cross(min(contexts)), ("merlin",)),
        )  # what editors are told about
    return render_stanzas((("lang", "dune", LANG), ("context", host), *cross))


def _cross(name: str) -> tuple[Sexp, ...]:
    return (
        ("name", name),
        ("host", "default"),
        ("toolchain", name),
        ("disable_dynamically_linked_foreign_archives", "true"),
    )


def vendored(config_file: str) -> str:
    """mirage/dune: what lies below is other people's code, compiled as dune compiles that."""
    return stamped(render_stanzas((("vendored_dirs", "duniverse", "machine"),)), "dune", config_file)


def dune_project(config_file: str) -> str:
    """dune-project for a directory that has none."""
    return stamped_below(render_stanzas((("lang", "dune", LANG),)), "dune", config_file)

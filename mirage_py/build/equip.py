"""Equipping a plan with what this machine has: the machine-bound files, and the one dune command that builds.

Nothing written here is part of what one would commit or compare: it goes to `mirage/machine/`, which is mpy's alone.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import assert_never

from mirage_py.build.gaps import filling
from mirage_py.build.link import (
    Group,
    c_environment,
    groups,
    host_workspace,
    output_obj_compiler,
    sharing,
    telling_compilers,
)
from mirage_py.build.making import MACHINE
from mirage_py.build.maps import FROM_CONTEXT, place_of_map
from mirage_py.build.stubs import StubsRequest, TargetStubs, stubs_for_target
from mirage_py.dataclass import dataclass
from mirage_py.dsl.device import Sexp
from mirage_py.errors import Location, ToolFailed, ToolTooOld
from mirage_py.libraries.bundled import bundled_packages, sources_of
from mirage_py.libraries.findlib import Findlib, findlib_for
from mirage_py.model.closure import Closure
from mirage_py.model.command import Command
from mirage_py.model.library import Library
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import HostToolchain, Toolchain
from mirage_py.project.folders import dune_root
from mirage_py.targets.common import C_FLAGS, LINK_FLAGS, OCAMLOPT_FLAGS, STUBS_STAMP
from mirage_py.targets.plan import workspace
from mirage_py.toolchain import sameness
from mirage_py.toolchain.pkgconfig import pkg_config_for
from mirage_py.toolchain.steps import Step, perform

LANG = (2, 9)


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """The files below `mirage/machine`, the C to compile before dune links; by label, C archives.

    `asked` is what pkg-config says of the C of each unikernel, by label too: the words of a link. `replacing` is how
    the linker is told of what takes the place of functions that the C library has in name only.
    """

    files: Mapping[str, str | Path]
    steps: tuple[Step, ...]
    stubs: Mapping[str, tuple[TargetStubs, ...]]
    asked: Mapping[str, tuple[str, ...]]
    replacing: Mapping[str, tuple[str, ...]]


def equip(
    folder: Path,
    plans: Iterable[Plan],
    closures: Mapping[str, Closure],
    host_tools: HostToolchain,
    toolchains: Mapping[str, Toolchain],
) -> Equipment:
    """What this machine adds to the plans; `closures` are by label and whole, `toolchains` by target.

    Raises ConfigError for declared C stubs that mean no file.
    """
    plans = tuple(plans)
    filled = filling(plans, toolchains)
    include = filled.flags(folder / MACHINE)
    serving_others = sharing(plans, toolchains)
    files: dict[str, str | Path] = dict(filled.files)
    steps: dict[Path, Step] = {}
    made: dict[str, tuple[TargetStubs, ...]] = {}
    asked: dict[str, tuple[str, ...]] = {}
    replacing: dict[str, tuple[str, ...]] = {}
    host = Findlib.discover(environment=host_tools.environment)
    unseen = _unseen(closures[plan.label] for plan in plans if toolchains[plan.target].freestanding)
    for plan in plans:
        toolchain, closure = toolchains[plan.target], closures[plan.label]
        stubs = _target_stubs(folder, plan, host_tools, toolchain, closure, findlib_for(toolchain, host), include)
        made[plan.label] = stubs
        steps |= {step.output: step for one in stubs for step in one.steps}
        asked[plan.label] = _asked(plan, toolchain)
        told = _map_flags(folder, plan, toolchain)
        own = _link_flags(plan, toolchain, shared=plan.label in serving_others)
        replacing[plan.label] = filled.linked_with(plan)
        by_dune = (f"-Wl,{flag}" for flag in replacing[plan.label] if toolchain.generation == "cross")
        link = (*own, *told, *(word for flag in (*by_dune, *asked[plan.label]) for word in ("-cclib", flag)))
        files |= _flags_files(plan, toolchain, stubs, link)
        if toolchain.freestanding:
            files |= _findlib_files(folder, toolchain, host, include)
            files |= _hiding(unseen)
            files |= _shown_to_generators(closures.values(), host)
    for name in sorted({package for plan in plans for package in closures[plan.label].bundled}):
        files |= {f"runtime/{name}/{path}": source for path, source in sources_of(bundled_packages()[name])}
    return Equipment(files=files, steps=tuple(steps.values()), stubs=made, asked=asked, replacing=replacing)


FINDLIB_CONF = "findlib.conf"


def findlib_base(toolchain: Toolchain) -> str:
    """The folder of a toolchain's findlib configuration below `mirage/machine`."""
    return f"findlib-{toolchain.target}" if toolchain.generation == "pkg-config" else "findlib"


HIDDEN = "hidden"
"""A folder of META files, first on the cross context's path: they hide from dune what needs an operating system or does
not serve the target otherwise, and show as empty what the compiler brings by itself, and its sysroot hides."""


def _findlib_files(folder: Path, toolchain: Toolchain, host: Findlib, include: tuple[str, ...]) -> dict[str, str]:
    """A findlib configuration of mpy's own, so that no file of the system needs to know of the cross compiler.

    The plain tool lines are there because dune 3.24 wants them as soon as a toolchain defines its own.
    """
    plain = {tool: tool for tool in ("ocamlc", "ocamlopt", "ocamldep", "ocamldoc", "ocamlmklib")}
    base = findlib_base(toolchain)
    by_hand = toolchain.generation == "pkg-config"
    main = {"path": _joined(host.path), "destdir": str(host.path[0])} | plain
    path = _joined((folder / MACHINE / HIDDEN, *toolchain.libraries, *host.path))
    cross = {"path": path, "destdir": str(toolchain.stdlib.parent), "stdlib": str(toolchain.stdlib)}
    own = {"ocamlopt": str(folder / MACHINE / base / "ocamlopt")}
    tools = own if by_hand else {**toolchain.ocaml_tools, **own}
    telling = {} if by_hand or "ocamlc" not in tools else telling_compilers(tools["ocamlc"], include)
    if telling:
        tools["ocamlc"] = str(folder / MACHINE / base / "ocamlc")
    wrapper = {f"{base}/ocamlopt": output_obj_compiler(toolchain.ocamlopt)}
    return (
        wrapper
        | {f"{base}/{name}": text for name, text in telling.items()}
        | {
            f"{base}/{FINDLIB_CONF}": _conf(main, ""),
            f"{base}/{FINDLIB_CONF}.d/solo5.conf": _conf(cross | tools, "(solo5)"),
            **{f"{HIDDEN}/{name}/META": _EMPTY_META for name in ("bigarray",)},
            **{f"{HIDDEN}/{name}/META": _bare_meta(found) for name in OF_GENERATORS if (found := host.find(name))},
        }
    )


OF_GENERATORS = ("dune-configurator",)
"""Libraries of programs that only ever run on this machine, and that some rules want compiled for the target as well:
shown there without what they need, which it has not, as nothing links them."""


def _shown_to_generators(closures: Iterable[Closure], host: Findlib) -> dict[str, str]:
    """Unix, where the sources of such a library are vendored: they want it for the target, too, where a rule does.

    What an image needs is known before: one that needs unix does not get as far as this.
    """
    served = (closure.find(name) for closure in closures for name in OF_GENERATORS)
    found = host.find("unix") if any(one is not None and one.compiled_here for one in served) else None
    return {f"{HIDDEN}/unix/META": _bare_meta(found)} if found else {}


def _bare_meta(library: Library) -> str:
    archive = next(iter(library.archives), library.directory / f"{library.name}.cmxa")
    return f"""description = "for programs of the building machine"
version = "{library.version or 0}"
directory = "{library.directory}"
archive(byte) = "{archive.stem}.cma"
archive(native) = "{archive.name}"
"""


def _unseen(closures: Iterable[Closure]) -> tuple[str, ...]:
    """The installed packages that no image for such a target takes, though sources would."""
    closures = tuple(closures)
    unfit = {name for closure in closures for name in closure.unfit}
    served = {one.library.package for closure in closures for one in closure.image if not one.library.compiled_here}
    return tuple(sorted({"unix", "dynlink", *(unfit - served)}))


def _hiding(packages: Iterable[str]) -> dict[str, str]:
    return {f"{HIDDEN}/{name}/META": _HIDDEN_META for name in packages}


_EMPTY_META = """description = "part of the standard library since OCaml 4.07"
version = "0"
"""
_HIDDEN_META = """description = "not for a target without an operating system"
version = "0"
exists_if = "an operating system"
"""


def _conf(definitions: Mapping[str, str], predicates: str) -> str:
    """A findlib configuration file; values are quoted as META(5) has it."""
    escaped = {name: re.sub(r'([\\"])', r"\\\1", value) for name, value in definitions.items()}
    return "".join(f'{name}{predicates}="{value}"\n' for name, value in escaped.items())


def _joined(folders: Iterable[Path]) -> str:
    return ":".join(dict.fromkeys(map(str, folders)))


def cross_environment(folder: Path, toolchains: Iterable[Toolchain]) -> dict[str, str | None]:
    """What dune must find in its environment to use the context `solo5` of these toolchains."""
    crossing = [toolchain for toolchain in toolchains if toolchain.freestanding]
    if not crossing:
        return {}
    base = folder / MACHINE / findlib_base(crossing[0])
    path = dict.fromkeys(str(place) for toolchain in crossing for place in toolchain.path)
    search = os.pathsep.join([str(base / "bin"), *path, os.environ.get("PATH", os.defpath)])
    return {"OCAMLFIND_CONF": str(base / FINDLIB_CONF), "OCAMLPATH": None, "PATH": search}


def compile_stubs(equipment: Equipment) -> dict[str, str]:
    """Compile the C stubs of installed libraries where that is not done yet; the stamps that make dune notice."""
    try:
        perform(equipment.steps)
    except ToolFailed as failed:
        from mirage_py.build.diagnostics import compilation_failed  # 6 ms, for what fails

        raise compilation_failed(failed) from None
    return {
        f"{label}/{STUBS_STAMP}": "".join(f"{file.name} {_digest(file)}\n" for one in stubs for file in one.archives)
        for label, stubs in equipment.stubs.items()
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


STUBS = "mirage/.stubs"
"""Where C stubs of installed libraries are compiled for freestanding targets; dune leaves hidden folders alone."""


def _target_stubs(
    folder: Path,
    plan: Plan,
    host: HostToolchain,
    toolchain: Toolchain,
    closure: Closure,
    findlib: Findlib,
    include: tuple[str, ...],
) -> tuple[TargetStubs, ...]:
    if not toolchain.freestanding:
        return ()
    request = StubsRequest(
        toolchain=toolchain,
        host=host,
        findlib=findlib,
        folder=folder / STUBS / toolchain.generation,
        base=folder,
        declared=plan.declared_stubs,
        pkg_config=pkg_config_for(toolchain),
        include=include,
    )
    return stubs_for_target(closure.libraries, request)


def _packages(plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for stub in plan.c_stubs for name in stub.pkg_config))


def _asked(plan: Plan, toolchain: Toolchain) -> tuple[str, ...]:
    """What pkg-config says that the unikernel's own C is linked with."""
    packages = _packages(plan)
    return pkg_config_for(toolchain).libs(packages) if packages else ()


def _flags_files(
    plan: Plan, toolchain: Toolchain, stubs: tuple[TargetStubs, ...], link: tuple[str, ...]
) -> dict[str, str | Path]:
    """The words of compilation and link, and where recompiled archives are, as dune reads them.

    The folders of recompiled archives come first: the compiler takes the first archive of a name that it finds.
    """
    packages = _packages(plan)
    if not packages and not toolchain.freestanding:
        return {}
    folders = dict.fromkeys(one.folder for one in stubs if one.folder)
    return {
        f"{plan.label}/{C_FLAGS}": _sexp_list(pkg_config_for(toolchain).cflags(packages) if packages else ()),
        f"{plan.label}/{LINK_FLAGS}": _sexp_list(link),
        f"{plan.label}/{OCAMLOPT_FLAGS}": _sexp_list(word for place in folders for word in ("-I", str(place))),
    }


def _map_flags(folder: Path, plan: Plan, toolchain: Toolchain) -> tuple[str, ...]:
    """How the linker that dune starts is told to write a map; an object without C, which mpy links, has none."""
    if toolchain.generation != "cross":
        return ()
    return ("-cclib", f"-Wl,-Map={FROM_CONTEXT}/{place_of_map(folder, plan.label)}")


def _link_flags(plan: Plan, toolchain: Toolchain, *, shared: bool) -> tuple[str, ...]:
    """How dune links: the image, or an object. A shared one is whole but for the bindings, which each target adds."""
    match toolchain.generation:
        case "pkg-config":
            return ("-output-obj", "-noautolink")
        case "cross":
            return ("-output-complete-obj",) if shared else ("-cclib", f"-z solo5-abi={plan.abi}")
        case "host":
            return ()
        case _:
            assert_never(toolchain.generation)


def _sexp_list(words: Iterable[str]) -> str:
    from mirage_py.codegen.sexp import flat

    return flat(tuple(words)) + "\n"


def dune_command(
    folder: Path,
    group: Group,
    host: HostToolchain,
    *,
    jobs: int | None,
    dev: bool,
    env: Mapping[str, str | None] | None = None,
) -> Command:
    """The dune run that builds the images of a group."""
    root = dune_root(folder)
    below = "" if root == folder else f"{folder.relative_to(root)}/"
    argv = [
        str(host.dune),
        "build",
        "--root",
        str(root),
        "--workspace",
        str(folder / MACHINE / group.workspace),
        "--build-dir",
        str(folder / group.build_dir),
        "--profile",
        "dev" if dev else "release",
        *(("-j", str(jobs)) if jobs else ()),
        *(f"@@{below}mirage/{plan.label}/image" for plan in group.compiled),
    ]
    labels = ", ".join(plan.image for plan in group.plans)
    quiet = dict.fromkeys(("DUNE_WORKSPACE", "DUNE_BUILD_DIR", "DUNE_PROFILE", "DUNE_ROOT", "OCAMLPARAM"))
    return Command(
        argv=tuple(argv),
        purpose=f"build {labels}",
        cwd=root,
        env={**quiet, **sameness.environment(root), **host.environment, **(env or {})},
    )


def workspaces(
    folder: Path, plans: tuple[Plan, ...], host: HostToolchain, toolchains: Mapping[str, Toolchain]
) -> dict[str, str]:
    """The dune workspaces of the groups; no context that this build does not need, whose compiler may be missing.

    The host's context is told findlib's path: dune would look where it was compiled to, and its environment has no
    OCAMLPATH where there is a cross context, whose path that would go before.
    """
    mapped = sameness.c_flags(dune_root(folder))
    filled = filling(plans, toolchains).flags(folder / MACHINE)
    path = dict.fromkeys(map(str, Findlib.discover(environment=host.environment).path))
    here: Sexp = ("default", ("paths", ("OCAMLPATH", *path)))
    return {
        group.workspace: host_workspace(group.by_hand, (*filled, *mapped), here)
        if group.by_hand
        else workspace((plan.target for plan in group.plans), here) + "\n" + c_environment(mapped)
        for group in groups(plans, toolchains)
    }


def check_dune_lang(folder: Path) -> None:
    """Refuse a dune-project whose language has not what the generated files need."""
    for place in dict.fromkeys((folder, dune_root(folder))):
        path = place / "dune-project"
        found = (
            re.search(r"\(lang\s+dune\s+(\d+)\.(\d+)\)", path.read_text("utf-8", "replace")) if path.is_file() else None
        )
        if found and (int(found[1]), int(found[2])) < LANG:
            raise ToolTooOld(
                f"the dune language of this project is {found[1]}.{found[2]}; mpy needs 2.9 or newer",
                location=Location.of(path, 1),
                hint="raise it to (lang dune 2.9)",
            )

"""The pkg-config generation: ocaml-freestanding and one bindings package of Solo5 before 0.7.

`ocaml-freestanding.pc` says how C is compiled and which archives an image holds, `solo5-bindings-ABI.pc` how it is
linked, in the variables `ld`, `ldflags` and `ldpostflags`. The OCaml part is the host compiler's. A prefix has the
bindings of one ABI; several prefixes may stand side by side.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mirage_py.dataclass import replace
from mirage_py.doors.processes import which
from mirage_py.errors import ToolNotFound, ToolTooOld
from mirage_py.model.toolchain import ABIS, HostToolchain, Toolchain, ToolchainChoice
from mirage_py.toolchain.cross import TENDERS, opam_version, solo5_version
from mirage_py.toolchain.pkgconfig import PkgConfig, folders_of, folders_with

__all__ = ["freestanding_toolchain", "is_described_prefix", "linked_by_hand", "pkg_config_of"]

RUNTIME: Final = "ocaml-freestanding"
HINT: Final = "opam install ocaml-freestanding solo5-bindings-{abi}, or name their prefix with --solo5-prefix"


def pkg_config_of(choice: ToolchainChoice, host: HostToolchain, target: str) -> PkgConfig | None:
    """The descriptions that serve a target, best place first; None where no place has ocaml-freestanding's."""
    bindings = _bindings(target)
    places = [places for places in _places(choice, host, bindings) if _has(places, RUNTIME)]
    best = next((place for place in places if _has(place, bindings)), places[0] if places else None)
    return PkgConfig(folders=best, owner=f"target {target}") if best else None


def is_described_prefix(prefix: Path) -> bool:
    """Whether the folder has descriptions of Solo5's bindings, or of ocaml-freestanding."""
    names = (file.stem for folder in folders_of(prefix) for file in folder.glob("*.pc"))
    return any(name == RUNTIME or name.startswith("solo5-bindings-") for name in names)


def freestanding_toolchain(pkg_config: PkgConfig, host: HostToolchain, target: str) -> Toolchain:
    """The toolchain for a target from its descriptions; ToolNotFound for a package or a variable that is missing."""
    abi, bindings = ABIS[target], _bindings(target)
    _require_bindings(pkg_config, bindings, abi)
    include = _include(pkg_config)
    version = _ocaml_version(include) or host.ocaml_version
    _refuse_other_ocaml(version, host, target)
    libs = pkg_config.libs([RUNTIME])
    ldflags = pkg_config.required(bindings, "ldflags")
    linked = _named_files(ldflags, target) or _in_libdir(pkg_config, bindings, abi)
    prefix = Path(os.path.normpath(" ".join(pkg_config.variable(RUNTIME, "prefix")) or "/"))
    elftool = _tool("solo5-elftool", prefix)
    return Toolchain(
        target=target,
        generation="pkg-config",
        architecture=host.architecture,
        ocaml_version=version,
        ocamlopt=host.ocamlopt,
        stdlib=host.stdlib,
        c_compiler=(os.environ.get("CC") or host.c_compiler[0],),
        cflags=pkg_config.cflags([RUNTIME]),
        linker=pkg_config.variable(bindings, "ld") or ("ld",),  # virtio's description has never had an `ld`
        ldflags=ldflags,
        libs=libs,
        ldpostflags=pkg_config.variable(bindings, "ldpostflags"),
        runtime=_archives(libs, target),
        objcopy=which("objcopy"),
        prefix=prefix,
        bindings=next((file for file in linked if file.suffix != ".lds"), None),
        linker_script=next((file for file in linked if file.suffix == ".lds"), None),
        elftool=elftool,
        tender=_tool(_tender(target, host), prefix),
        solo5_version=solo5_version(elftool) if elftool else None,  # the descriptions have said 0.6.0 ever since
        ocaml_solo5_version=opam_version(prefix, RUNTIME),
        cmx_magic=host.cmx_magic,
        path=(prefix / "bin",) if (prefix / "bin").is_dir() else (),
        sources=_sources(pkg_config, bindings),
    )


def linked_by_hand(cross: Toolchain, host: HostToolchain) -> Toolchain:
    """A cross toolchain used as those before it were: the host's compiler makes one object, mpy links it."""
    source = "the cross toolchain, linked as by pkg-config"
    changed = dict.fromkeys(("ocamlopt", "generation"), source)
    return replace(
        cross,
        generation="pkg-config",
        ocamlopt=host.ocamlopt,
        ocaml_tools={},
        libraries=(),
        sources={**cross.sources, **changed},
    )


def _bindings(target: str) -> str:
    return f"solo5-bindings-{ABIS[target]}"


def _places(choice: ToolchainChoice, host: HostToolchain, bindings: str) -> Iterator[tuple[Path, ...]]:
    """Folders of descriptions, best first: what was named, the active switch, what the environment points at, PATH."""
    named = [*([host.switch] if host.switch else []), *choice.prefixes]
    yield from map(folders_of, named)
    if named:
        return
    if active := os.environ.get("OPAM_SWITCH_PREFIX"):
        yield folders_of(Path(active))
    if pointed := dict.fromkeys((*folders_with(bindings), *folders_with(RUNTIME))):
        yield tuple(pointed)
    if found := which("solo5-elftool"):
        yield folders_of(found.resolve().parent.parent)


def _has(folders: tuple[Path, ...], package: str) -> bool:
    return any((folder / f"{package}.pc").is_file() for folder in folders)


def _require_bindings(pkg_config: PkgConfig, bindings: str, abi: str) -> None:
    if pkg_config.has(bindings):
        return
    there = [name for name in pkg_config.packages() if name.startswith("solo5-bindings-")]
    raise ToolNotFound(
        f"{pkg_config.owner} has no pkg-config package {bindings}",
        details=(
            f"looked in: {', '.join(map(str, pkg_config.folders or ()))}",
            *([f"these are the bindings there: {', '.join(there)}"] if there else []),
            "a prefix of this generation holds the bindings of one target",
        ),
        hint=HINT.format(abi=abi),
    )


def _include(pkg_config: PkgConfig) -> Path:
    return Path(" ".join(pkg_config.required(RUNTIME, "includedir")))


def _ocaml_version(include: Path) -> str | None:
    """The version of the runtime that ocaml-freestanding holds, from its own header."""
    header = include / "caml" / "version.h"
    text = header.read_text("utf-8", errors="replace") if header.is_file() else ""
    found = re.search(r'OCAML_VERSION_STRING\s+"([^"]+)"', text)
    return found[1] if found else None


def _refuse_other_ocaml(version: str, host: HostToolchain, target: str) -> None:
    if version == host.ocaml_version:
        return
    raise ToolTooOld(
        f"ocaml-freestanding for {target} is of OCaml {version}, this machine's compiler is {host.ocaml_version}",
        details=("its runtime serves objects of its own version only", f"the host's compiler: {host.ocamlopt}"),
        hint="use the switch that ocaml-freestanding was installed in (--switch)",
    )


def _archives(libs: tuple[str, ...], target: str) -> tuple[Path, ...]:
    """The archives behind `-L` and `-l`, each of which has to exist."""
    folders = [Path(word[2:]) for word in libs if word.startswith("-L")]
    names = [f"lib{word[2:]}.a" for word in libs if word.startswith("-l")]
    found = {name: next((one / name for one in folders if (one / name).is_file()), None) for name in names}
    _refuse_half(target, [f"{name} in {', '.join(map(str, folders))}" for name, file in found.items() if file is None])
    return tuple(file for file in found.values() if file is not None)


def _named_files(ldflags: tuple[str, ...], target: str) -> tuple[Path, ...]:
    """The linker script and the bindings' object in the linker's flags, each of which has to exist."""
    named = [Path(os.path.normpath(word)) for word in ldflags if word.startswith("/")]
    _refuse_half(target, [str(file) for file in named if not file.exists()])
    return tuple(named)


def _in_libdir(pkg_config: PkgConfig, bindings: str, abi: str) -> tuple[Path, ...]:
    """What a linker that is told the ABI alone takes: the descriptions that mpy exports say it so."""
    folder = Path(" ".join(pkg_config.variable(bindings, "libdir")) or "/")
    return tuple(file for file in (folder / f"solo5_{abi}.o", folder / f"solo5_{abi}.lds") if file.is_file())


def _refuse_half(target: str, missing: list[str]) -> None:
    if missing:
        raise ToolNotFound(
            f"the pkg-config toolchain for {target} is installed by half",
            details=tuple(f"missing: {one}" for one in missing),
            hint=f"opam reinstall ocaml-freestanding solo5-bindings-{ABIS[target]}",
        )


def _tender(target: str, host: HostToolchain) -> str:
    return f"qemu-system-{host.architecture}" if target == "virtio" else TENDERS.get(target, "")


def _tool(name: str, prefix: Path) -> Path | None:
    return (which(name, str(prefix / "bin")) or which(name)) if name else None


def _sources(pkg_config: PkgConfig, bindings: str) -> dict[str, str]:
    """Which description each fact comes from; the compiler is the host's."""
    by_runtime = ("cflags", "libs", "runtime", "prefix", "ocaml_version")
    by_bindings = ("linker", "ldflags", "ldpostflags", "bindings", "linker_script")
    return {
        **dict.fromkeys(("ocamlopt", "stdlib", "architecture", "c_compiler"), "the host's OCaml"),
        **dict.fromkeys(by_runtime, _description(pkg_config, RUNTIME)),
        **dict.fromkeys(by_bindings, _description(pkg_config, bindings)),
    }


def _description(pkg_config: PkgConfig, package: str) -> str:
    files = (folder / f"{package}.pc" for folder in pkg_config.folders or ())
    return str(next((file for file in files if file.is_file()), package))

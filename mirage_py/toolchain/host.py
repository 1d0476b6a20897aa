"""The host's own tools: OCaml, dune and findlib, in versions that mpy can use.

Which ones follows PATH, as it does for dune; an opam switch that is chosen by name goes before it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mirage_py.doors.processes import missing_tool, which
from mirage_py.errors import ToolTooOld, UsageError
from mirage_py.model.command import Command
from mirage_py.model.toolchain import HostToolchain, Toolchain, ToolchainChoice
from mirage_py.toolchain.ask import ask, config_of

__all__ = [
    "MACHINES",
    "OLDEST_DUNE",
    "OLDEST_OCAML",
    "as_target",
    "at_least",
    "discover_host",
    "environment_of",
    "find_dune",
    "find_ocaml",
    "find_tool",
    "switch_prefix",
]

OLDEST_OCAML: Final = "4.13"
OLDEST_DUNE: Final = "2.9"

MACHINES: Final[Mapping[str, str]] = {"amd64": "x86_64", "arm64": "aarch64", "power": "ppc64le", "riscv": "riscv64"}
"""OCaml's names of the machines, in the words of the C tools."""

Environment = dict[str, str | None]


def discover_host(choice: ToolchainChoice) -> HostToolchain:
    """The host's tools; ToolNotFound and ToolTooOld name the first one that is not there, or not new enough."""
    switch = switch_prefix(choice.switch)
    environment = environment_of(switch)
    ocamlopt, config = find_ocaml(environment)
    dune, dune_version = find_dune(environment)
    source = f"opam switch {choice.switch}" if switch else "PATH"
    return HostToolchain(
        ocaml_version=config["version"],
        ocamlopt=ocamlopt,
        stdlib=Path(config["standard_library"]),
        architecture=MACHINES.get(config["architecture"], config["architecture"]),
        c_compiler=tuple(config["c_compiler"].split()),
        cflags=_cflags(config),
        libs=tuple(config["native_c_libraries"].split()),
        ocamlfind=find_tool("ocamlfind", environment, "find the OCaml libraries"),
        dune=dune,
        dune_version=dune_version,
        cmx_magic=config.get("cmx_magic_number", ""),
        switch=switch,
        environment=environment,
        sources={"ocamlopt": source, "dune": source, "ocaml_version": f"{ocamlopt} -config"},
    )


def as_target(host: HostToolchain, target: str) -> Toolchain:
    """The host's tools as the toolchain of a target that is the host: unix, macosx."""
    config = f"{host.ocamlopt} -config"
    from_config = ("ocaml_version", "architecture", "stdlib", "c_compiler", "cflags", "linker", "libs")
    return Toolchain(
        target=target,
        generation="host",
        architecture=host.architecture,
        ocaml_version=host.ocaml_version,
        ocamlopt=host.ocamlopt,
        stdlib=host.stdlib,
        c_compiler=host.c_compiler,
        cflags=host.cflags,
        linker=host.c_compiler,
        ldflags=(),
        libs=(f"-L{host.stdlib}", "-lasmrun", *host.libs),
        runtime=(host.stdlib / "libasmrun.a",),
        prefix=host.switch,
        cmx_magic=host.cmx_magic,
        path=(host.switch / "bin",) if host.switch else (),
        sources={"ocamlopt": host.sources["ocamlopt"]} | dict.fromkeys(from_config, config),
    )


def switch_prefix(switch: str | None) -> Path | None:
    """Where an opam switch is: a folder with a local switch, or a name below opam's root."""
    if switch is None:
        return None
    root = Path(os.environ.get("OPAMROOT") or os.path.expanduser("~/.opam"))
    places = [Path(switch) / "_opam", root / switch] if "/" in switch or switch == "." else [root / switch]
    found = next((place for place in places if (place / "bin").is_dir()), None)
    if found is None:
        raise UsageError(
            f"there is no opam switch {switch!r}",
            details=(f"looked in: {', '.join(map(str, places))}",),
            hint="`opam switch list` shows the names; a local switch is named by its folder, as ./",
        )
    return found.absolute()


def environment_of(switch: Path | None) -> Environment:
    """What `opam env` would set for a switch that is chosen by name; nothing for the one that is active."""
    if switch is None:
        return {}
    path = os.environ.get("PATH", os.defpath)
    return {
        "PATH": f"{switch}/bin{os.pathsep}{path}",
        "OPAM_SWITCH_PREFIX": str(switch),
        "OCAML_TOPLEVEL_PATH": f"{switch}/lib/toplevel",
        "CAML_LD_LIBRARY_PATH": f"{switch}/lib/stublibs:{switch}/lib/ocaml/stublibs:{switch}/lib/ocaml",
        "OCAMLPATH": None,
        "OCAMLFIND_CONF": None,
    }


def at_least(version: str, oldest: str) -> bool:
    """Whether a tool's version is this one or newer, by its numbers alone: `+options` and `~rc1` do not count.

    True where there are none, as for a development version: nothing can be said, so nothing is refused. `packaging`
    would take 13 ms to say the same at each build.
    """
    return not _numbers(version) or _numbers(version) >= _numbers(oldest)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(one) for one in found[1].split(".")) if found else ()


def find_ocaml(environment: Environment) -> tuple[Path, dict[str, str]]:
    """The compiler that dune takes too: the native one where both are there."""
    ocamlopt = _found("ocamlopt.opt", environment) or find_tool("ocamlopt", environment, "compile OCaml")
    config = config_of(ocamlopt, environment)
    if not at_least(config["version"], OLDEST_OCAML):
        raise ToolTooOld(
            f"OCaml {config['version']} is too old: mpy needs {OLDEST_OCAML} or newer",
            details=(f"it is {ocamlopt}",),
            hint="opam switch create mpy 5.4.1 && eval $(opam env), or a newer release of this system",
        )
    return ocamlopt, config


def find_dune(environment: Environment) -> tuple[Path, str]:
    """The dune on PATH and its version; ToolTooOld below the oldest that knows what mpy generates."""
    dune = find_tool("dune", environment, "build OCaml")
    version = ask(Command(argv=(str(dune), "--version"), purpose="ask dune for its version")).strip()
    if not at_least(version, OLDEST_DUNE):
        raise ToolTooOld(
            f"dune {version} is too old: mpy needs {OLDEST_DUNE} or newer",
            details=(f"it is {dune}",),
            hint="opam install dune, or a newer release of this system",
        )
    return dune, version


def _cflags(config: Mapping[str, str]) -> tuple[str, ...]:
    words = f"{config.get('ocamlopt_cflags', '')} {config.get('ocamlopt_cppflags', '')}".split()
    return (*words, "-I", config["standard_library"])


def _found(tool: str, environment: Environment) -> Path | None:
    return which(tool, environment.get("PATH"))


def find_tool(tool: str, environment: Environment, purpose: str) -> Path:
    """A tool on the PATH of this environment; ToolNotFound names what brings it."""
    found = _found(tool, environment)
    if found is None:
        raise missing_tool(tool, purpose)
    return found

"""The cross-compiler generation: ocaml-solo5 (a findlib toolchain called `solo5`) with Solo5's own tools.

Two layouts are in use. ocaml-solo5 0.8 has its sysroot in PREFIX/solo5-sysroot, nolibc below lib/nolibc, and gives its
C flags through `ocamlopt -config`; 1.x has it in PREFIX/lib/ocaml-solo5, with its C flags in a wrapper of the compiler.
Everything that can be asked is asked; a folder of the place where the compiler was built never gets into a flag.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mirage_py.dataclass import dataclass
from mirage_py.doors.processes import which
from mirage_py.errors import MpyError, ToolNotFound, ToolTooOld, UsageError
from mirage_py.libraries.findlib import configuration
from mirage_py.libraries.meta import Definition, MetaError, Package, parse
from mirage_py.model.command import Command
from mirage_py.model.toolchain import ABIS, HostToolchain, Toolchain, ToolchainChoice
from mirage_py.toolchain.ask import ask, config_of
from mirage_py.toolchain.host import MACHINES

__all__ = ["TENDERS", "Place", "cross_toolchain", "is_cross_prefix", "opam_version", "places", "solo5_version"]

NAME: Final = "solo5"
"""The findlib toolchain that ocaml-solo5 installs, and that dune's context names."""

TOOLS: Final = ("ocamlopt", "ocamlc", "ocamldep", "ocamlmklib", "ocamlcp", "ocamldoc")
ARCHITECTURES: Final = ("x86_64", "aarch64")
TENDERS: Final[Mapping[str, str]] = {"hvt": "solo5-hvt", "spt": "solo5-spt", "xen": "xl"}
HINT: Final = "opam install solo5 ocaml-solo5, or reinstall both; --solo5-prefix names a folder where both are"
CONFIG: Final = ("ocaml_version", "architecture", "cmx_magic", "cflags", "c_compiler", "libs")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A findlib configuration that defines the toolchain, who named it, and where Solo5's tools are sought first."""

    definitions: Package
    source: str
    tools: tuple[Path, ...] = ()

    def value(self, name: str) -> str:
        """What the toolchain defines under this name; empty when it is left to the plain configuration."""
        own = [one for one in self.definitions.definitions if one.name == name and NAME in one.wanted]
        return own[0].value if own else ""


def places(choice: ToolchainChoice, host: HostToolchain | None) -> Iterator[Place]:
    """Where a cross toolchain is, best first: what was named, the active opam switch, findlib's configuration, PATH."""
    named = [*_switch(host), *((prefix, "--solo5-prefix") for prefix in choice.prefixes)]
    for prefix, source in named:
        yield from _in_prefix(prefix, source)
    tools = tuple(prefix / "bin" for prefix, _ in named)
    if not named and (active := os.environ.get("OPAM_SWITCH_PREFIX")):
        yield from _in_prefix(Path(active), "the active opam switch")
    if host is not None and host.switch is None:
        yield from _in_findlib(host, tools)
    if not named:
        yield from _on_path()


def cross_toolchain(place: Place, host: HostToolchain | None, target: str) -> Toolchain:
    """The toolchain of a place for a target.

    ToolNotFound lists all that is missing when it is half installed; ToolTooOld says when its OCaml is not the host's.
    """
    ocamlopt, stdlib = Path(place.value("ocamlopt")), Path(place.value("stdlib"))
    _refuse_spaces(place, stdlib)
    _whole(place, [(ocamlopt, "ocaml-solo5's compiler"), (stdlib / "libasmrun.a", "OCaml's runtime")])
    return _Finder(place, ocamlopt, stdlib).toolchain(target, host)


class _Finder:
    """The facts of one place, each with its source."""

    def __init__(self, place: Place, ocamlopt: Path, stdlib: Path) -> None:
        self.place = place
        self.ocamlopt = ocamlopt
        self.stdlib = stdlib
        self.sysroot = stdlib.parent.parent
        self.prefix = self.sysroot.parent.parent if self.sysroot.parent.name == "lib" else self.sysroot.parent
        self.config = config_of(ocamlopt, {"PATH": self._search_path()})
        self.architecture = MACHINES.get(self.config["architecture"], self.config["architecture"])
        self.triple = f"{self.architecture}-solo5-none-static"
        self.sources: dict[str, str] = dict.fromkeys(CONFIG, f"{ocamlopt} -config")
        self.missing: list[str] = []

    def toolchain(self, target: str, host: HostToolchain | None) -> Toolchain:
        """All facts for a target."""
        abi = ABIS[target]
        runtime = self._runtime()
        solo5_cc = self._required(f"{self.triple}-cc", "Solo5's C compiler")
        c_compiler = self._c_compiler()
        elftool = self._required("solo5-elftool", "Solo5's tool for manifests")
        folder = solo5_cc.resolve().parent.parent / "lib" / self.triple
        self._refuse_half()
        made = Toolchain(
            target=target,
            generation="cross",
            architecture=self.architecture,
            ocaml_version=self.config["version"],
            ocamlopt=self.ocamlopt,
            stdlib=self.stdlib,
            c_compiler=(str(c_compiler),),
            cflags=self._cflags(),
            linker=(str(solo5_cc),),
            ldflags=("-z", f"solo5-abi={abi}"),
            libs=self._libs(runtime),
            runtime=runtime,
            libraries=_paths(self.place.value("path")),
            ocaml_tools={tool: value for tool in TOOLS if (value := self.place.value(tool))},
            objcopy=self._tool(f"{self.triple}-objcopy", "objcopy"),
            sysroot=self.sysroot,
            prefix=self.prefix,
            bindings=self._beside_bindings(folder / f"solo5_{abi}.o", "bindings"),
            linker_script=self._beside_bindings(folder / f"solo5_{abi}.lds", "linker_script"),
            elftool=elftool,
            tender=self._tender(target),
            solo5_version=solo5_version(elftool),
            ocaml_solo5_version=opam_version(self.prefix, "ocaml-solo5*"),
            cmx_magic=self.config.get("cmx_magic_number", ""),
            path=tuple(dict.fromkeys((solo5_cc.parent, c_compiler.parent))),
            sources=self._all_sources(),
        )
        if host is not None:
            refuse_other_ocaml(made, host)
        return made

    def _runtime(self) -> tuple[Path, ...]:
        """OCaml's runtime, then the C library and the mathematical one, wherever this release keeps them."""
        told = [Path(word[2:]) for word in self.config["native_c_libraries"].split() if word.startswith("-L")]
        folders = [*told, self.sysroot / "lib", self.sysroot / "lib" / "nolibc"]
        found = [self.stdlib / "libasmrun.a"]
        for name in ("libnolibc.a", "libopenlibm.a"):
            there = next((folder / name for folder in folders if (folder / name).is_file()), None)
            if there is None:
                self.missing.append(f"{name} in {self.sysroot}/lib: ocaml-solo5's C library")
            else:
                found.append(Path(os.path.normpath(there)))
        self.sources["runtime"] = "beside the compiler"
        return tuple(found)

    def _libs(self, runtime: tuple[Path, ...]) -> tuple[str, ...]:
        folders = dict.fromkeys(f"-L{archive.parent}" for archive in runtime)
        helpers = ("-lgcc",) if self.architecture == "aarch64" else ()  # long doubles are calls there
        return (*folders, "-lasmrun", "-lnolibc", "-lopenlibm", *helpers)

    def _cflags(self) -> tuple[str, ...]:
        """The compiler's own flags for C, without the folders of the place where the compiler was built."""
        words = f"{self.config.get('ocamlopt_cflags', '')} {self.config.get('ocamlopt_cppflags', '')}".split()
        inside = (self.sysroot, self.prefix)
        kept = _pairs(words, lambda folder: any(Path(folder).is_relative_to(one) for one in inside))
        flags = [word for pair in dict.fromkeys(kept) for word in pair if word != "-nostdlib"]
        return (*flags, "-I", str(self.stdlib))

    def _c_compiler(self) -> Path:
        return self._required(self.config["c_compiler"].split()[0], "the C compiler of ocaml-solo5")

    def _tender(self, target: str) -> Path | None:
        name = f"qemu-system-{self.architecture}" if target == "virtio" else TENDERS.get(target)
        return self._tool(name, "tender") if name else None

    def _beside_bindings(self, file: Path, field: str) -> Path | None:
        self.sources[field] = f"beside {self.triple}-cc"
        return file if file.is_file() else None

    def _required(self, name: str, what: str) -> Path:
        field = {"solo5-elftool": "elftool", f"{self.triple}-cc": "linker"}.get(name, "c_compiler")
        found = self._tool(name, field)
        if found is None:
            self.missing.append(f"{name} on PATH or in {self.prefix}/bin: {what}")
        return found or Path(name)

    def _tool(self, name: str, field: str) -> Path | None:
        for path, source in self._tool_paths():
            if found := which(name, path):
                self.sources.setdefault(field, source)
                return found
        return None

    def _tool_paths(self) -> Iterator[tuple[str | None, str]]:
        """Where tools are looked for: what was named goes before PATH, the compiler's own prefix behind it."""
        yield from ((str(folder), self.place.source) for folder in self.place.tools)
        yield None, "PATH"
        yield str(self.prefix / "bin"), f"beside the sysroot that {self.place.source} names"

    def _search_path(self) -> str:
        """A PATH on which the compiler finds the C compiler that it starts."""
        folders = [*map(str, self.place.tools), os.environ.get("PATH", os.defpath), str(self.prefix / "bin")]
        return os.pathsep.join(folders)

    def _refuse_half(self) -> None:
        if self.missing:
            raise _half(self.place, self.missing)

    def _all_sources(self) -> dict[str, str]:
        place = dict.fromkeys(
            ("ocamlopt", "stdlib", "libraries", "ocaml_tools", "sysroot", "prefix"), self.place.source
        )
        return {**place, "ldflags": "Solo5's ABI of the target", "solo5_version": "solo5-elftool", **self.sources}


def refuse_other_ocaml(toolchain: Toolchain, host: HostToolchain) -> None:
    """ToolTooOld unless the two compilers make objects that fit: the same version, with or without flambda both."""
    ours, theirs = (toolchain.ocaml_version, toolchain.cmx_magic), (host.ocaml_version, host.cmx_magic)
    if ours == theirs or (ours[0] == theirs[0] and not (ours[1] and theirs[1])):
        return
    how = "" if ours[0] != theirs[0] else " (one of the two is a flambda compiler)"
    raise ToolTooOld(
        f"the toolchain for {toolchain.target} is of OCaml {ours[0]}, this machine's compiler is {theirs[0]}{how}",
        details=(
            f"the target's: {toolchain.ocamlopt}",
            f"the host's: {host.ocamlopt}",
            "objects of two compilers do not fit together, and preprocessors run on the host",
        ),
        hint="use the switch that ocaml-solo5 was installed in (--switch), or install it for this compiler",
    )


def _switch(host: HostToolchain | None) -> list[tuple[Path, str]]:
    return [(host.switch, "--switch")] if host is not None and host.switch is not None else []


def is_cross_prefix(prefix: Path) -> bool:
    """Whether ocaml-solo5 is installed in this folder: findlib's configuration of it is there."""
    return _configuration(prefix).is_file()


def _configuration(prefix: Path) -> Path:
    return prefix / "lib" / "findlib.conf.d" / f"{NAME}.conf"


def _in_prefix(prefix: Path, source: str) -> Iterator[Place]:
    conf = _configuration(prefix)
    if conf.is_file():
        yield from _defined([conf], f"{source} ({conf})", (prefix / "bin",))


def _in_findlib(host: HostToolchain, tools: tuple[Path, ...]) -> Iterator[Place]:
    files = [file for file in configuration(host.ocamlfind) if file.is_file()]
    yield from _defined(files, f"findlib's toolchain {NAME} ({files[0] if files else ''})", tools)


def _on_path() -> Iterator[Place]:
    for architecture in ARCHITECTURES:
        if found := which(f"{architecture}-solo5-none-static-cc"):
            yield from _in_prefix(found.resolve().parent.parent, f"{found.name} on PATH")


def _defined(files: list[Path], source: str, tools: tuple[Path, ...]) -> Iterator[Place]:
    definitions: list[Definition] = []
    for file in files:
        try:
            definitions += parse(file.read_text("utf-8", errors="replace")).definitions
        except (OSError, MetaError) as error:
            raise ToolNotFound(f"findlib's configuration cannot be read: {file}: {error}", hint=HINT) from error
    place = Place(definitions=Package(tuple(definitions), {}), source=source, tools=tools)
    if place.value("ocamlopt"):
        yield place


def _whole(place: Place, files: list[tuple[Path, str]]) -> None:
    missing = [f"{file}: {what}" for file, what in files if not file.is_file()]
    if missing:
        raise _half(place, missing)


def _half(place: Place, missing: list[str]) -> MpyError:
    return ToolNotFound(
        "this Solo5 toolchain is installed by half",
        details=(f"it was found by {place.source}", *(f"missing: {one}" for one in missing)),
        hint=HINT,
    )


def _refuse_spaces(place: Place, stdlib: Path) -> None:
    if re.search(r"\s", str(stdlib)):
        raise UsageError(
            f"a Solo5 toolchain cannot be used from a folder with a blank in its name: {stdlib}",
            details=(f"it was found by {place.source}", "Solo5's compiler wrapper takes such a name for two"),
            hint="install it into a folder without blanks",
        )


def _paths(value: str) -> tuple[Path, ...]:
    return tuple(Path(folder) for folder in value.split(os.pathsep) if folder)


def _pairs(words: list[str], keeps: Callable[[str], bool]) -> Iterator[tuple[str, ...]]:
    """The flags one by one, an option with its separate argument as one, without the include folders to leave out."""
    rest = iter(words)
    for word in rest:
        flag: tuple[str, ...] = (
            (word, next(rest, "")) if word in ("-I", "-isystem", "-include", "-D", "-U") else (word,)
        )
        folder = flag[1] if flag[0] in ("-I", "-isystem") else word[2:] if word.startswith("-I") else None
        if folder is None or keeps(folder):
            yield flag


def solo5_version(elftool: Path) -> str | None:
    """The version that the tool states with its usage, for which it ends with 1."""
    command = Command(argv=(str(elftool), "--version"), purpose="ask Solo5 for its version")
    found = re.search(r"version v?([\w.+~-]+)", ask(command, codes=(0, 1)))
    return found[1] if found else None


def opam_version(prefix: Path, package: str) -> str | None:
    """A package's version in opam's record of the switch: the only place where ocaml-solo5 states it."""
    found = sorted((prefix / ".opam-switch" / "packages").glob(f"{package}.*"))
    return found[0].name.partition(".")[2] if found else None

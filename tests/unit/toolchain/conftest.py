"""Machines made by the tests: host tools and Solo5 toolchains of every kind, as small scripts and files."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from mirage_py.model.toolchain import HostToolchain, ToolchainChoice
from mirage_py.toolchain.host import discover_host
from tests.unit.cmxa import cmxa

ABIS = ("hvt", "spt", "virtio", "muen", "xen", "stub")
TRIPLE = "x86_64-solo5-none-static"
READ_BY_MPY = ("MPY_", "OPAM", "OCAML", "CAML", "PKG_CONFIG")


def config(**more: str) -> str:
    """What a compiler answers to `-config`."""
    fields = {
        "version": "4.13.1",
        "architecture": "amd64",
        "standard_library": "/nowhere",
        "native_c_libraries": "-lm",
        "ocamlopt_cflags": "-O2",
        "ocamlopt_cppflags": "-D_FILE_OFFSET_BITS=64",
        "cmx_magic_number": "Caml1999Y030",
        **more,
    }
    return "\n".join(f"{name}: {value}" for name, value in fields.items())


def ar(machine: int = 62) -> bytes:
    """An archive with one object, of which the header is all there is."""
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\x00" + machine.to_bytes(2, "little")
    header = f"{'x.o/':16}{'0':12}{'0':6}{'0':6}{'644':8}{len(elf):<10}`\n"
    return b"!<arch>\n" + header.encode() + elf


class World:
    """A machine: `bin` is all of its PATH."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.bin = root / "bin"
        self.stdlib = root / "ocaml"
        self.conf = root / "etc" / "findlib.conf"
        self.monkeypatch = monkeypatch
        self.bin.mkdir()
        self.conf.parent.mkdir()
        self.file(self.stdlib / "libasmrun.a")

    def file(self, file: Path, text: str | bytes = "") -> Path:
        """A file with the folders above it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def tool(self, file: Path, script: str) -> Path:
        """A program: a script that uses nothing but the shell itself, since PATH has nothing else."""
        self.file(file, f"#!/bin/sh\n{script}\n").chmod(0o755)
        return file

    def says(self, file: Path, text: str) -> Path:
        """A program that prints a text, whatever it is asked, and notes in `asked` that it was."""
        return self.tool(file, f"echo {file.name} >> {self.root}/asked\nprintf '%s\\n' {shlex.quote(text)}")

    def asked(self) -> list[str]:
        """The programs that were started since the last look."""
        log = self.root / "asked"
        names = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return names

    def host(self, ocaml: str = "4.13.1", dune: str = "2.9.3", folder: Path | None = None, **more: str) -> None:
        """OCaml, dune and findlib, on PATH or in another folder of tools."""
        tools = folder or self.bin
        fields = {"version": ocaml, "standard_library": str(self.stdlib), "c_compiler": "gcc", **more}
        self.says(tools / "ocamlopt.opt", config(**fields))
        self.says(tools / "dune", dune)
        answers = {"path": str(self.root / "lib"), "stdlib": str(self.stdlib), "conf": str(self.conf)}
        cases = "".join(f"{name}) echo '{value}';; " for name, value in answers.items())
        self.tool(tools / "ocamlfind", f"for last; do :; done\ncase $last in {cases}esac")

    def solo5(self, prefix: Path) -> Path:
        """Solo5's tools, tenders and bindings."""
        self.tool(prefix / "bin" / f"{TRIPLE}-cc", 'echo "+ exec cc -nostdinc -isystem /crt $*" >&2')
        for tool in (f"{TRIPLE}-ld", f"{TRIPLE}-objcopy", "solo5-hvt", "solo5-spt"):
            self.tool(prefix / "bin" / tool, "")
        self.tool(prefix / "bin" / "solo5-elftool", "echo solo5-elftool version v0.9.3 >&2; exit 1")
        for abi in ABIS:
            for suffix in ("o", "lds"):
                self.file(prefix / "lib" / TRIPLE / f"solo5_{abi}.{suffix}")
        return prefix

    def cross(self, prefix: Path, ocaml: str = "4.13.1", **more: str) -> Path:
        """ocaml-solo5 0.8 with its Solo5."""
        self.solo5(prefix)
        sysroot = prefix / "solo5-sysroot"
        fields = {
            "version": ocaml,
            "c_compiler": f"{TRIPLE}-cc",
            "native_c_libraries": f"-L{sysroot}/lib/nolibc/ -lnolibc -lopenlibm",
            "ocamlopt_cflags": f"-I{sysroot}/include/nolibc/ -include _solo5/overrides.h -O2",
            "ocamlopt_cppflags": f"-I{self.root}/built/here -include _solo5/overrides.h -I {self.root} -nostdlib",
            **more,
        }
        self.says(sysroot / "bin" / "ocamlopt", config(**fields))
        for name in ("ocaml/libasmrun.a", "ocaml/libcamlstr.a", "nolibc/libnolibc.a", "nolibc/libopenlibm.a"):
            self.file(sysroot / "lib" / name, ar())
        self._findlib(prefix, sysroot, f"{sysroot}/lib")
        return prefix

    def cross_1(self, prefix: Path, ocaml: str = "5.4.1") -> Path:
        """ocaml-solo5 1.x, as opam installs it: flags and C library are a wrapper's business."""
        self.solo5(prefix)
        sysroot = prefix / "lib" / "ocaml-solo5"
        fields = {"version": ocaml, "c_compiler": "x86_64-solo5-ocaml-gcc", "native_c_libraries": ""}
        self.says(sysroot / "bin" / "ocamlopt", config(**fields))
        self.tool(prefix / "bin" / "x86_64-solo5-ocaml-gcc", "")
        for name in ("ocaml/libasmrun.a", "libnolibc.a", "libopenlibm.a"):
            self.file(sysroot / "lib" / name, ar())
        self._findlib(prefix, sysroot, f"{sysroot}/lib/ocaml:{sysroot}/lib:{prefix}/lib")
        (prefix / ".opam-switch" / "packages" / "ocaml-solo5.1.3.2").mkdir(parents=True)
        return prefix

    def freestanding(self, prefix: Path, abi: str, ocaml: str = "4.13.1") -> Path:
        """ocaml-freestanding with the one bindings package of its prefix."""
        runtime, bindings = prefix / "lib" / "ocaml-freestanding", prefix / "lib" / f"solo5-bindings-{abi}"
        for name in ("libasmrun.a", "libnolibc.a", "libopenlibm.a"):
            self.file(runtime / name, ar())
        header = prefix / "include" / "ocaml-freestanding" / "caml" / "version.h"
        self.file(header, f'#define OCAML_VERSION_STRING "{ocaml}"\n')
        for name in (f"solo5_{abi}.o", f"solo5_{abi}.lds"):
            self.file(bindings / name)
        for tool in ("solo5-hvt", "solo5-spt"):
            self.tool(prefix / "bin" / tool, "")
        self.tool(prefix / "bin" / "solo5-elftool", "echo solo5-elftool version v0.6.9 >&2; exit 1")
        self.pc(prefix, f"solo5-bindings-{abi}", BINDINGS.replace("ABI", abi))
        self.pc(prefix, "ocaml-freestanding", RUNTIME.replace("ABI", abi))
        return prefix

    def pc(self, prefix: Path, name: str, text: str) -> Path:
        """A description for pkg-config."""
        return self.file(prefix / "lib" / "pkgconfig" / f"{name}.pc", f"prefix=${{pcfiledir}}/../..\n{text}")

    def needs_pkg_config(self) -> None:
        """Put the real pkg-config on PATH, or skip."""
        real = shutil.which("pkg-config", path=os.defpath)
        if real is None:
            pytest.skip("pkg-config is not installed")
        if not (self.bin / "pkg-config").exists():
            (self.bin / "pkg-config").symlink_to(real)

    def library(
        self, name: str, meta: str = "", objects: str = "", archives: Mapping[str, bytes] | None = None
    ) -> Path:
        """An installed OCaml library, with what its `.cmxa` asks the C linker for, and its archives."""
        folder = self.root / "lib" / name
        self.file(folder / "META", f'version = "1"\narchive(native) = "{name}.cmxa"\n{meta}')
        self.file(folder / f"{name}.cmxa", cmxa(tuple(reversed(objects.split()))))
        for file, content in (archives or {}).items():
            self.file(folder / file, content)
        return folder

    def found_host(self, choice: ToolchainChoice | None = None) -> HostToolchain:
        """The host's tools as mpy finds them."""
        return discover_host(choice or ToolchainChoice())

    def _findlib(self, prefix: Path, sysroot: Path, path: str) -> None:
        """The findlib toolchain `solo5`."""
        tools = "".join(f'{tool}(solo5) = "{sysroot}/bin/{tool}"\n' for tool in ("ocamlopt", "ocamlc", "ocamldep"))
        text = f'path(solo5) = "{path}"\nstdlib(solo5) = "{sysroot}/lib/ocaml"\n{tools}'
        self.file(prefix / "lib" / "findlib.conf.d" / "solo5.conf", text)


BINDINGS = """
includedir=${prefix}/include/solo5-bindings-ABI
libdir=${prefix}/lib/solo5-bindings-ABI
ld=ld
ldflags=-nostdlib -z max-page-size=0x1000 -static -T ${libdir}/solo5_ABI.lds ${libdir}/solo5_ABI.o

Name: solo5-bindings-ABI
Version: 0.6.0
Description: Solo5 (ABI target)
Cflags: -ffreestanding -fstack-protector-strong -isystem ${includedir}/crt -I${includedir}/solo5
"""

RUNTIME = """
includedir=${prefix}/include/ocaml-freestanding
libdir=${prefix}/lib/ocaml-freestanding

Name: ocaml-freestanding
Version: 1.0.0
Description: Freestanding OCaml runtime
Cflags: -I${includedir} -include _freestanding/overrides.h
Libs: -L${libdir} -lasmrun -lnolibc -lopenlibm
Requires: solo5-bindings-ABI
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A machine with nothing on it: each test says what is there."""
    for name in os.environ:
        if name.startswith(READ_BY_MPY) or name == "CC":
            monkeypatch.delenv(name)
    made = World(tmp_path, monkeypatch)
    monkeypatch.setenv("PATH", str(made.bin))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made

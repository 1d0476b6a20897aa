"""The audit against the truth: what it says of a library is compared with a real link, and with a unikernel run on spt.

A link needs a Solo5 toolchain and the library; a run also needs the sources of its C stubs, in a folder per library
below MPY_TEST_SOURCES (Debian's packages ship none).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from mirage_py.audit import audit, read_linker, with_toolchain
from mirage_py.audit.evidence import Evidence, gather
from mirage_py.audit.names import is_startup, is_stdlib
from mirage_py.audit.rules import rule_for
from mirage_py.audit.sources import Sources
from mirage_py.errors import MpyError
from mirage_py.libraries.findlib import Findlib
from mirage_py.model.audit import AuditRequest, Root
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment

pytestmark = [pytest.mark.solo5, pytest.mark.ocaml]

STARTUP = """
#include <solo5.h>
#define CAML_NAME_SPACE
#include <caml/callback.h>
void _nolibc_init(uintptr_t, size_t);
static char *argv[] = { "truth", NULL };
int solo5_app_main(const struct solo5_start_info *si) {
  _nolibc_init(si->heap_start, si->heap_size);
  caml_startup(argv);
  return 0;
}
"""
MANIFEST = '{"type": "solo5.manifest", "version": 1, "devices": []}'


@dataclass(frozen=True, kw_only=True)
class Case:
    """A library, the verdict on it, the C sources of its stubs, and a program with what it prints.

    Where it does not run, `happens` says how. That may be milder than the verdict: another branch of the source is
    compiled for the target than for the host, whose objects the audit has.
    """

    library: str
    verdict: str
    program: str
    prints: str | None = None
    happens: str = ""
    sources: tuple[str, ...] = ()
    cflags: tuple[str, ...] = ()


CASES = [
    Case(
        library="base",
        verdict="recompile",
        sources=("base/src/*.c", "base/hash_types/src/*.c"),
        program="let () = Printf.printf {|<%d>|} (Base.Int.popcount (Base.String.hash {|x|} * 0 + 255))",
        cflags=("-mpopcnt",),
        prints="<8>",
    ),
    Case(
        library="cstruct",
        verdict="recompile",
        sources=("cstruct/lib/cstruct_stubs.c",),
        program="let () = print_string Cstruct.(to_string (append (of_string {|ab|}) (of_string {|cd|})))",
        prints="abcd",
    ),
    Case(
        library="bigstringaf",
        verdict="recompile",
        sources=("bigstringaf/lib/bigstringaf_stubs.c",),
        program="let b = Bigstringaf.of_string ~off:0 ~len:3 {|xyz|}"
        " let () = Printf.printf {|<%d>|} (Bigstringaf.memchr b 0 'z' 3)",
        prints="<2>",
    ),
    Case(
        library="angstrom",
        verdict="recompile",
        sources=("bigstringaf/lib/bigstringaf_stubs.c",),
        program="let () = match Angstrom.(parse_string ~consume:All (string {|ok|}) {|ok|}) with"
        " Ok s -> print_string ({|<|} ^ s ^ {|>|}) | Error e -> print_string e",
        prints="<ok>",
    ),
    Case(
        library="mirage-crypto",
        verdict="recompile",
        sources=("mirage-crypto/src/native/*.c", "cstruct/lib/cstruct_stubs.c"),
        cflags=("-mssse3", "-maes", "-mpclmul", "-DACCELERATE", "-std=c11"),
        program="let () = Cstruct.hexdump_pp Format.std_formatter"
        " (Cstruct.sub (Mirage_crypto.Hash.SHA256.digest (Cstruct.of_string {|abc|})) 0 4); Format.print_flush ()",
        prints="ba 78 16 bf",
    ),
    Case(
        library="num",
        verdict="recompile",
        sources=("num/src/bng.c", "num/src/nat_stubs.c"),
        cflags=("-DBNG_ARCH_amd64",),
        program="let () = print_string (Num.string_of_num (Num.power_num (Num.Int 2) (Num.Int 70)))",
        prints="1180591620717411303424",
    ),
    Case(
        library="bin_prot",
        verdict="unsure",
        sources=("bin_prot/src/*.c", "base/src/*.c", "base/hash_types/src/*.c"),
        program="let b = Bin_prot.Common.create_buf 16 let n = Bin_prot.Write.bin_write_string b ~pos:0 {|hey|}"
        " let () = print_string (Bin_prot.Read.bin_read_string b ~pos_ref:(ref 0)); print_int n",
        cflags=("-mpopcnt",),
        prints="hey4",
    ),
    Case(
        library="str",
        verdict="runs",
        program="let () = print_string (Str.global_replace (Str.regexp {|b+|}) {|x|} {|abba|})",
        prints="axa",
    ),
    Case(
        library="stdcompat",
        verdict="runs",
        program="let () = Printf.printf {|<%d>|} (Stdcompat.List.length [1; 2; 3])",
        prints="<3>",
    ),
    Case(
        library="eqaf.cstruct",
        verdict="recompile",
        sources=("cstruct/lib/cstruct_stubs.c",),
        program="let same = Eqaf_cstruct.equal (Cstruct.of_string {|a|}) (Cstruct.of_string {|a|})"
        " let () = print_string (string_of_bool same)",
        prints="true",
    ),
    Case(
        library="sha",
        verdict="unsure",
        sources=("sha/*.c",),
        program="let () = print_string (Sha1.to_hex (Sha1.file_fast {|/etc/hostname|}) ^ {|works|})",
        happens="missing",
    ),
    Case(
        library="integers",
        verdict="gaps",
        sources=("integers/src/*.c",),
        program="let () = print_string (Unsigned.UInt64.to_string (Unsigned.UInt64.of_int 3) ^ {|works|})",
        happens="missing",
    ),
    Case(
        library="cpu",
        verdict="missing",
        sources=("cpu/src/*.c",),
        program="let () = Printf.printf {|%d works|} (Cpu.numcores ())",
        happens="missing",
    ),
    Case(
        library="zarith",
        verdict="missing",
        sources=("zarith/*.c",),
        cflags=("-DHAS_GMP",),
        program="let () = print_string (Z.to_string (Z.pow (Z.of_int 2) 70) ^ {|works|})",
        happens="missing",
    ),
    Case(
        library="mtime.clock.os",
        verdict="missing",
        sources=("mtime/src-clock/*.c",),
        program="let () = ignore (Mtime_clock.now_ns ()); print_string {|works|}",
        happens="aborts",
    ),
    Case(
        library="ctypes",
        verdict="missing",
        sources=("ctypes/src/ctypes/*.c", "integers/src/*.c"),
        program="let () = Printf.printf {|%d works|} (Ctypes.sizeof Ctypes.int)",
        happens="missing",
    ),
]

LINKED = [
    "angstrom",
    "astring",
    "base",
    "base64",
    "bigstringaf",
    "bin_prot",
    "bz2",
    "cohttp",
    "cpu",
    "csv",
    "cstruct",
    "ctypes",
    "domain-name",
    "duration",
    "eqaf",
    "expat",
    "extlib",
    "fmt",
    "gmap",
    "hex",
    "inotify",
    "integers",
    "ipaddr",
    "jsonm",
    "logs",
    "lwt",
    "mirage-crypto",
    "mtime",
    "mtime.clock.os",
    "num",
    "ocplib-endian",
    "parsexp",
    "ptime",
    "ptime.clock.os",
    "re",
    "react",
    "sexplib",
    "sexplib0",
    "sha",
    "sqlite3",
    "stdcompat",
    "stdio",
    "str",
    "uri",
    "uuidm",
    "uutf",
    "xmlm",
    "yojson",
    "zarith",
]
"""Installed libraries, pure ones too, whose links are compared symbol by symbol."""


@cache
def toolchain() -> Toolchain:
    try:
        return discover("spt", from_environment(ToolchainChoice()))
    except MpyError as error:
        pytest.skip(f"no Solo5 toolchain: {error}")


@cache
def findlib() -> Findlib:
    return Findlib.discover()


def request(*libraries: str) -> AuditRequest:
    for library in libraries:
        if findlib().find(library) is None:
            pytest.skip(f"{library} is not installed")
    roots = tuple(Root(library=library) for library in libraries)
    return with_toolchain(AuditRequest(roots=roots, targets=("spt",), path=findlib().path), toolchain())


def whole(library: str) -> Evidence:
    """The evidence when every library of the closure is taken whole, as `-linkall` does."""
    asked = request(library)
    names = gather(asked, Sources(asked.path)).closure.nodes
    roots = tuple(Root(library=name) for name in names if rule_for(name) is None)
    return gather(replace(asked, roots=roots), Sources(asked.path))


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": os.pathsep.join([*map(str, toolchain().path), os.environ["PATH"]])}


def archives(evidence: Evidence) -> list[Path]:
    """The closure's archives, dependencies first."""
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in ordered and rule_for(name) is None:
            for need in evidence.closure.requires(name):
                visit(need)
            ordered[name] = None

    for name in evidence.closure.nodes:
        visit(name)
    libraries = [evidence.closure.nodes[name].library for name in ordered]
    return [path for one in libraries if not one.ppx for path in one.archives if path.suffix in (".cmxa", ".cmx")]


def link(folder: Path, evidence: Evidence, program: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """Link a program with the libraries by the real toolchain, for spt."""
    (folder / "main.ml").write_text(program)
    (folder / "startup.c").write_text(STARTUP)
    (folder / "manifest.json").write_text(MANIFEST)
    elftool = toolchain().elftool
    subprocess.run((str(elftool), "gen-manifest", "manifest.json", "manifest.c"), cwd=folder, check=True)
    found = archives(evidence)
    folders = [word for path in found for word in ("-I", str(path.parent))]
    words = (str(toolchain().ocamlopt), "-I", str(folder), "-I", str(toolchain().stdlib), *folders, *flags)
    sources = (*map(str, found), "main.ml", "startup.c", "manifest.c")
    argv = (*words, *sources, "-cclib", "-z solo5-abi=spt", "-o", "truth.spt")
    return subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("library", LINKED)
def test_the_real_linker_misses_what_the_audit_says(library: str, tmp_path: Path) -> None:
    evidence = whole(library)
    linked = link(tmp_path, evidence, "let () = ()", "-linkall")
    system = {name for code in evidence.codes for name in code.system}
    expected = missing_symbols(evidence)
    if any(symbol.startswith("camlUnix") for symbol in expected):
        assert "No implementations provided" in linked.stderr
    elif system:
        assert linked.returncode != 0, f"linked with the host's {system}"
    else:
        assert {one.symbol for one in read_linker(linked.stderr)} == expected
        assert (linked.returncode == 0) == (not expected)


def missing_symbols(evidence: Evidence) -> set[str]:
    libc = evidence.libc
    wants = {want.symbol for want in evidence.link.wants if want.by.object.name}
    return {one for one in wants if not (is_startup(one) or is_stdlib(one) or libc.runs(one) or libc.has(one))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.library)
def test_the_verdict_is_what_happens_on_spt(case: Case, tmp_path: Path) -> None:
    asked = request(case.library)
    report = audit(asked)
    said = next(row for row in report.libraries if row.root)
    assert said.verdict == case.verdict
    happened = happens(case, asked, tmp_path)
    if case.prints is None:
        assert happened.startswith(case.happens), happened
        assert "works" not in happened
    else:
        assert case.prints in happened


def happens(case: Case, asked: AuditRequest, folder: Path) -> str:
    """Recompile the stubs, link, run: `missing: ...`, `aborts: ...`, or what the unikernel prints."""
    for compiled in map(Path, compile_stubs(case, folder)):
        if not compiled.exists():
            return f"missing: {compiled.with_suffix('.log').read_text()}"
    replace_archives(asked, folder)
    linked = link(folder, gather(asked, Sources(asked.path)), case.program)
    if linked.returncode != 0:
        return f"missing: {linked.stderr}"
    if shutil.which("solo5-spt", path=environment()["PATH"]) is None:
        pytest.skip("solo5-spt is not here")
    argv = (str(toolchain().tender or "solo5-spt"), "truth.spt")
    ran = subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    return ran.stdout if ran.returncode == 0 else f"aborts: {ran.stdout}{ran.stderr}"


def compile_stubs(case: Case, folder: Path) -> list[Path]:
    """The stubs' objects, made by the toolchain's compiler; a source that does not compile leaves only a log."""
    given = Path(os.environ.get("MPY_TEST_SOURCES", ""))
    found = {glob: sorted(given.glob(glob)) if given.is_absolute() else [] for glob in case.sources}
    lacking = [glob for glob, files in found.items() if not files]
    if lacking:
        pytest.skip(f"no {' '.join(lacking)}: MPY_TEST_SOURCES names a folder with one folder of sources per library")
    files = [file for several in found.values() for file in several]
    stdlib = str(toolchain().stdlib)
    objects: list[Path] = []
    for file in files:
        made = folder / f"{file.stem}.o"
        argv = (
            *toolchain().c_compiler,
            *toolchain().cflags,
            *case.cflags,
            "-O2",
            "-I",
            str(folder),
            "-I",
            stdlib,
            "-I",
            str(file.parent),
        )
        command = (*argv, "-c", str(file), "-o", str(made))
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
        made.with_suffix(".log").write_text(done.stderr)
        objects.append(made)
    return objects


def replace_archives(asked: AuditRequest, folder: Path) -> None:
    """An archive of the recompiled objects under the name of each of the closure's host-built ones; found first."""
    objects = [str(path) for path in folder.glob("*.o")]
    for code in gather(asked, Sources(asked.path)).codes:
        for archive in () if code.target_built else code.stubs:
            if objects:
                subprocess.run(("ar", "rcs", str(folder / archive.path.name), *objects), check=True)

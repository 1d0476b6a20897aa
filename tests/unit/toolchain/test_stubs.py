"""C stubs of installed libraries in freestanding images: who serves them, and what is refused with which words."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mirage_py.build.stubs import StubsRequest, TargetStubs, sources_of, stubs_for_target
from mirage_py.errors import ConfigError, LibraryNotFound, Location, MpyError, ToolFailed
from mirage_py.libraries.archives import is_empty, machine_of
from mirage_py.libraries.closure import closure_of
from mirage_py.libraries.cside import c_side
from mirage_py.libraries.findlib import Findlib
from mirage_py.libraries.missing import missing_error
from mirage_py.libraries.places import Places
from mirage_py.model.closure import Closure
from mirage_py.model.plan import NeededLibrary, Plan
from mirage_py.model.stubs import DeclaredStubs
from mirage_py.model.toolchain import Link, Toolchain, ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment
from mirage_py.toolchain.pkgconfig import PkgConfig
from mirage_py.toolchain.steps import archive, compile_c, link, pending, perform
from tests.unit.cmxa import cmxa

if TYPE_CHECKING:
    from tests.unit.toolchain.conftest import World

ELF = bytes.fromhex("7f454c46020101" + "00" * 9 + "0100")


def ar(machine: int = 62) -> bytes:
    """An archive with one object, of which the header is all there is."""
    elf = ELF + machine.to_bytes(2, "little")
    return b"!<arch>\n" + f"{'x.o/':16}{'0':12}{'0':6}{'0':6}{'644':8}{len(elf):<10}`\n".encode() + elf


def served(world: World, *roots: str, target: str = "spt", **more: Any) -> tuple[TargetStubs, ...]:
    """What serves the C side of these libraries on a machine with a cross toolchain. Any: the request's fields."""
    world.host()
    toolchain = more.pop("toolchain", None) or discover(
        target, ToolchainChoice(prefixes=(world.cross(world.root / "solo5"),))
    )
    findlib = Findlib((world.root / "lib",), stdlib=world.stdlib)
    found = closure(findlib, toolchain, *roots, declared=more.get("declared", ()))
    if found.missing:
        raise missing_error([found], None)
    request = StubsRequest(
        toolchain=toolchain,
        host=world.found_host(),
        findlib=findlib,
        folder=world.root / "made",
        base=world.root / "project",
        **more,
    )
    return stubs_for_target(found.libraries, request)


def closure(findlib: Findlib, toolchain: Toolchain, *roots: str, declared: tuple[DeclaredStubs, ...] = ()) -> Closure:
    """The closure of libraries in an image for the toolchain's target; nothing is vendored or bundled."""
    plan = Plan(
        name="app",
        target=toolchain.target,
        label=f"app-{toolchain.target}",
        image="app",
        context="solo5",
        os_module="Solo5_os",
        files=(),
        libraries=tuple(NeededLibrary(name=name, package=name.split(".")[0]) for name in roots),
        declared_stubs=declared,
    )
    return closure_of(plan, Places(findlib, bundle={}), toolchain)


def told(error: MpyError) -> str:
    """All of an error, as a person reads it."""
    return "\n".join([str(error), *error.details, str(error.hint)])


# --- recognised -------------------------------------------------------------------------------------------------------


def test_library_without_stubs_needs_nothing(world: World) -> None:
    world.library("fmt")
    assert served(world, "fmt") == ()


def test_c_side_is_what_the_library_says_and_what_lies_beside_it(world: World) -> None:
    world.host()
    world.library("a", objects="-la_stubs -lev", archives={"liba_stubs.a": ar()})
    world.library("b")
    findlib = Findlib((world.root / "lib",), stdlib=world.stdlib)
    first, second = findlib.closure(["a", "b"]).libraries
    side = c_side(first, findlib, None, (), bare=False)
    assert side is not None
    assert (side.words, side.files) == (("-la_stubs", "-lev"), (world.root / "lib" / "a" / "liba_stubs.a",))
    assert c_side(second, findlib, None, (), bare=False) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (cmxa().replace(b"Z030", b"Z031"), "b.cmxa was compiled by another OCaml than this machine's 4.13.1"),
        (b"Caml1999Z030" + bytes(50), "b.cmxa is damaged"),
        (b"", "b.cmxa is no library of a native OCaml compiler"),
    ],
)
def test_library_that_cannot_be_linked_is_named(world: World, content: bytes, said: str) -> None:
    world.library("a")
    (world.library("b") / "b.cmxa").write_bytes(content)
    with pytest.raises(LibraryNotFound) as caught:
        served(world, "a", "b")
    assert said in told(caught.value)


# --- refused ----------------------------------------------------------------------------------------------------------


def test_host_archives_are_refused_all_at_once_with_three_ways_out(world: World) -> None:
    world.library("cstruct", objects="-lcstruct_stubs", archives={"libcstruct_stubs.a": ar()})
    world.library("app", 'requires = "cstruct digestif"')
    world.library("digestif", objects="-ldigestif_stubs")
    with pytest.raises(LibraryNotFound) as caught:
        served(world, "app")
    text = told(caught.value)
    assert "C stubs that are built for this machine cannot go into the image: cstruct, digestif" in text
    assert f"its C stubs are built for this machine: {world.root}/lib/cstruct/libcstruct_stubs.a" in text
    assert "cstruct: asked for by app" in text
    assert "mirage/duniverse/" in text
    assert 'package("cstruct", stubs=Stubs(sources=' in text
    assert "opam install" not in text
    assert caught.value.exit_code == 5


# --- served by the target's own sysroot -------------------------------------------------------------------------------


def test_library_of_the_cross_compiler_is_served_by_its_sysroot(world: World) -> None:
    world.library("str", 'directory = "^"', objects="")
    world.file(world.stdlib / "str.cmxa", cmxa(("-lcamlstr",)))
    (found,) = served(world, "str")
    assert (found.way, found.steps) == ("sysroot", ())
    assert found.archives == (world.root / "solo5" / "solo5-sysroot" / "lib" / "ocaml" / "libcamlstr.a",)


# --- from sources that the user names ---------------------------------------------------------------------------------


def test_declared_sources_are_compiled_for_the_target_into_the_hosts_names(world: World) -> None:
    world.library("base", 'requires = "hash"', objects="-lbase_stubs -lm_stubs")
    world.library("hash")
    for name in ("a.c", "deep/a.c", "deep/b.c", "deep/no.ml"):
        world.file(world.root / "project" / "src" / name)
    declared = DeclaredStubs(library="base", sources=("src/*.c", "src/deep"), cflags=("-DX",))
    (found,) = served(world, "base", declared=(declared,))
    made = world.root / "made"
    assert (found.way, found.folder) == ("declared", made)
    assert found.archives == (made / "libbase_stubs.a",)
    *compiled, first, second = found.steps
    assert [step.inputs[0].relative_to(world.root / "project") for step in compiled] == [
        Path("src/a.c"),
        Path("src/deep/a.c"),
        Path("src/deep/b.c"),
    ]
    argv = compiled[0].command.argv
    assert argv[0].endswith("x86_64-solo5-none-static-cc")
    assert {"-DX", "_solo5/overrides.h", f"-I{world.root}/project/src/deep", f"-I{world.root}/lib/hash"} <= set(argv)
    assert len({step.output for step in compiled}) == 3
    assert first.inputs == tuple(step.output for step in compiled)
    assert (second.output, second.inputs) == (made / "libm_stubs.a", ())


def test_declaration_for_a_package_serves_its_sublibraries(world: World) -> None:
    world.library("base", 'package "sub" (\narchive(native) = "sub.cmxa"\n)', objects="")
    world.file(world.root / "lib" / "base" / "sub.cmxa", cmxa(("-lsub_stubs",)))
    world.file(world.root / "project" / "a.c")
    (found,) = served(world, "base.sub", declared=(DeclaredStubs(library="base", sources=("a.c",)),))
    assert found.library == "base.sub"


def test_declared_packages_of_the_target_give_flags(world: World) -> None:
    world.needs_pkg_config()
    world.library("zarith", objects="-lzarith -lgmp")
    world.file(world.root / "project" / "z.c")
    text = "\nName: gmp\nVersion: 1\nDescription: x\nCflags: -DGMP\nLibs: -L/target -lgmp\n"
    packages = PkgConfig(folders=(world.pc(world.root / "target", "gmp", text).parent,))
    declared = (DeclaredStubs(library="zarith", sources=("z.c",), pkg_config=("gmp",)),)
    (found,) = served(world, "zarith", declared=declared, pkg_config=packages)
    assert "-DGMP" in found.steps[0].command.argv
    assert found.flags[1:] == ("-L/target", "-lgmp")
    assert [step.output.name for step in found.steps] == [
        "0-z.o",
        "libzarith.a",
    ]  # no empty libgmp.a before the real one


def test_packages_of_the_host_are_never_asked(world: World) -> None:
    world.library("zarith", objects="-lzarith")
    world.file(world.root / "project" / "z.c")
    declared = (DeclaredStubs(library="zarith", sources=("z.c",), pkg_config=("gmp",)),)
    with pytest.raises(ConfigError, match="target spt has no packages"):
        served(world, "zarith", declared=declared)


def test_declaration_without_a_c_file_is_an_error_at_its_place(world: World) -> None:
    declared = DeclaredStubs(library="base", sources=("src/*.c", "nowhere"), location=Location("config.py", 3))
    with pytest.raises(ConfigError) as caught:
        sources_of(declared, world.root)
    assert str(caught.value) == "config.py:3: there is no C file for the stubs of base: src/*.c, nowhere"


# --- from the library's META file -------------------------------------------------------------------------------------

FORMS = [
    ("-l:freestanding/libp.a", ["p/freestanding/libp.a"], ["-l:freestanding/libp.a"]),
    ("-lp-f -L@g -lgmp-f", ["p/libp-f.a", "g/libgmp-f.a"], ["-lp-f", "-L{g}", "-lgmp-f"]),
    ("@q/c/libq.a", ["q/c/libq.a"], ["{q}/c/libq.a"]),
    ("libp.a", ["p/libp.a"], ["libp.a"]),
]


@pytest.mark.parametrize(("value", "files", "flags"), FORMS, ids=[form[0] for form in FORMS])
def test_every_form_of_freestanding_linkopts(world: World, value: str, files: list[str], flags: list[str]) -> None:
    lib = world.root / "lib"
    world.library("p", f'freestanding_linkopts = "{value}"', objects="-lp_stubs")
    world.library("q")
    for file in files:
        world.file(lib / file, ar())
    (found,) = served(world, "p")
    expected = [flag.replace("{q}", f"{lib}/q").replace("{g}", f"{lib}/g") for flag in flags]
    assert found.way == "linkopts"
    assert found.flags == (f"-L{lib}/p", *expected)
    assert found.archives == tuple(lib / file for file in files)


def test_cross_compiler_finds_them_under_the_names_that_it_looks_for(world: World) -> None:
    world.library("p", 'freestanding_linkopts = "-lfree"', objects="-lp_stubs -lq_stubs", archives={"libfree.a": ar()})
    (found,) = served(world, "p")
    assert [step.output.name for step in found.steps] == ["libp_stubs.a", "libq_stubs.a"]
    assert found.steps[0].inputs == found.archives
    assert found.folder == world.root / "made"


def test_link_by_hand_needs_no_other_names(world: World) -> None:
    world.needs_pkg_config()
    world.library("p", 'freestanding_linkopts = "-lfree"', objects="-lp_stubs", archives={"libfree.a": ar()})
    world.host()
    toolchain = discover("spt", ToolchainChoice(prefixes=(world.freestanding(world.root / "old", "spt"),)))
    (found,) = served(world, "p", toolchain=toolchain)
    assert (found.steps, found.folder) == ((), None)


def test_words_for_xen_serve_xen_alone(world: World) -> None:
    world.library("p", 'xen_linkopts = "-lp_xen"', objects="-lp_stubs", archives={"libp_xen.a": ar()})
    assert served(world, "p", target="xen")[0].way == "linkopts"
    assert served(world, "p", target="qubes")[0].way == "linkopts"
    with pytest.raises(LibraryNotFound):
        served(world, "p", target="spt")


@pytest.mark.parametrize("content", [b"", b"!<arch>\n"], ids=["touched", "no member"])
def test_empty_archive_is_an_error_that_says_why(world: World, content: bytes) -> None:
    world.library("p", 'freestanding_linkopts = "-lfree"', objects="-lp_stubs", archives={"libfree.a": content})
    with pytest.raises(LibraryNotFound) as caught:
        served(world, "p")
    assert "libfree.a is empty: its package was built where pkg-config did not know ocaml-freestanding" in told(
        caught.value
    )


def test_archive_for_another_machine_is_refused(world: World) -> None:
    world.library("p", 'freestanding_linkopts = "-lfree"', objects="-lp_stubs", archives={"libfree.a": ar(183)})
    with pytest.raises(LibraryNotFound) as caught:
        served(world, "p")
    assert "libfree.a is for aarch64, the target is x86_64" in told(caught.value)


def test_archive_that_is_named_and_not_there_is_told(world: World) -> None:
    world.library("p", 'freestanding_linkopts = "-lfree"', objects="-lp_stubs")
    with pytest.raises(LibraryNotFound) as caught:
        served(world, "p")
    assert f"freestanding_linkopts names -lfree, which is not in {world.root}/lib/p" in told(caught.value)


def test_declared_sources_go_before_the_meta_file(world: World) -> None:
    world.library("p", 'freestanding_linkopts = "-lfree"', objects="-lp_stubs", archives={"libfree.a": ar()})
    world.file(world.root / "project" / "p.c")
    assert served(world, "p", declared=(DeclaredStubs(library="p", sources=("p.c",)),))[0].way == "declared"


# --- steps, with the real compiler ------------------------------------------------------------------------------------

needs_gcc = pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("ar")), reason="gcc or ar is not installed")


def freestanding_gcc(**more: Any) -> Toolchain:
    """The machine's gcc with freestanding flags. Any: fields of Toolchain."""
    fields: dict[str, Any] = {
        "target": "spt",
        "generation": "cross",
        "architecture": os.uname().machine,
        "ocaml_version": "4.13.1",
        "ocamlopt": Path("ocamlopt"),
        "stdlib": Path("ocaml"),
        "c_compiler": ("gcc",),
        "cflags": ("-ffreestanding", "-O2"),
        "linker": ("ld",),
        "ldflags": ("-r",),
        "libs": (),
    }
    return Toolchain(**{**fields, **more})


@needs_gcc
def test_steps_are_run_when_something_they_depend_on_has_changed(tmp_path: Path) -> None:
    source, header = tmp_path / "my stub.c", tmp_path / "my stub.h"
    header.write_text("#define N 1\n")
    source.write_text('#include "my stub.h"\nint f(void) { return N; }\n')
    toolchain = freestanding_gcc()
    step = compile_c(toolchain, source, tmp_path / "out" / "f.o")
    put = archive(tmp_path / "out" / "libf.a", (step.output,))
    assert pending([step, put]) == (step, put)
    perform([step, put])
    assert pending([step, put]) == ()
    assert machine_of(put.output) == os.uname().machine
    later = time.time_ns() + 10**9
    os.utime(header, ns=(later, later))
    assert pending([step, put]) == (step, put)
    perform([step, put])
    other = compile_c(toolchain, source, step.output, ["-DX"])
    assert pending([other, put]) == (other, put)
    put.output.unlink()
    os.utime(step.output, ns=(later + 1, later + 1))
    assert pending([step, put]) == (put,)


@needs_gcc
def test_archive_forgets_what_is_no_longer_declared(tmp_path: Path) -> None:
    steps = []
    for name in ("a", "b"):
        (tmp_path / f"{name}.c").write_text(f"int {name};\n")
        steps.append(compile_c(freestanding_gcc(), tmp_path / f"{name}.c", tmp_path / f"{name}.o"))
    perform([*steps, archive(tmp_path / "lib.a", (steps[0].output, steps[1].output))])
    perform([steps[0], archive(tmp_path / "lib.a", (steps[0].output,))])
    listed = subprocess.run(["ar", "t", tmp_path / "lib.a"], capture_output=True, text=True, check=True).stdout
    assert listed.split() == ["a.o"]


@needs_gcc
def test_archives_are_put_together_with_their_members(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int a;\n")
    step = compile_c(freestanding_gcc(), tmp_path / "a.c", tmp_path / "a.o")
    one, all_, none = (archive(tmp_path / name, ()) for name in ("one.a", "all.a", "none.a"))
    one = archive(one.output, (step.output,))
    all_ = archive(all_.output, (one.output,))
    perform([step, one, all_, none])
    listed = subprocess.run(["ar", "t", all_.output], capture_output=True, text=True, check=True).stdout
    assert [Path(name).name for name in listed.split()] == ["a.o"]
    assert (is_empty(all_.output), is_empty(none.output), machine_of(none.output)) == (False, True, None)


@needs_gcc
def test_stub_that_does_not_compile_is_told_with_the_compilers_words(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int a = b;\n")
    with pytest.raises(ToolFailed, match=r"compile a\.c for spt") as caught:
        perform([compile_c(freestanding_gcc(), tmp_path / "a.c", tmp_path / "a.o")])
    assert "undeclared" in caught.value.output


def test_words_of_a_link_stand_in_the_order_that_the_linker_needs() -> None:
    toolchain = freestanding_gcc(ldflags=("-T", "x.lds", "solo5.o"), libs=("-lasmrun",), ldpostflags=("--gc-sections",))
    step = link(toolchain, (Path("main.o"), Path("manifest.o")), ("libx.a",), Path("hello.spt"))
    words = "ld -T x.lds solo5.o main.o manifest.o libx.a -lasmrun -Map=hello.spt.map -o hello.spt --gc-sections"
    assert str(step.command) == words


# --- with the real toolchains of this machine -------------------------------------------------------------------------

APP = """
#include "solo5.h"
extern int twice(int);
int solo5_app_main(const struct solo5_start_info *si) {
  char text[] = "twice 21 is ??\\n";
  int n = twice(21);
  text[12] = '0' + n / 10; text[13] = '0' + n % 10;
  solo5_console_write(text, sizeof text - 1);
  return SOLO5_EXIT_SUCCESS;
}
"""
STUB = "int twice(int n) { volatile char on_stack[64]; on_stack[n & 63] = (char)n; return 2 * on_stack[n & 63]; }\n"
HOST_CANARY = bytes.fromhex("28000000")


@pytest.mark.parametrize("way", ["cross", "pkg-config"])
def test_real_toolchain_compiles_links_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Link) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        toolchain = discover("spt", from_environment(ToolchainChoice(link=way)))
    except MpyError as error:
        pytest.skip(f"no {way} toolchain for spt: {error.message}")
    if toolchain.tender is None or toolchain.elftool is None:
        pytest.skip("solo5-spt or solo5-elftool is not installed")
    (tmp_path / "manifest.json").write_text('{"type": "solo5.manifest", "version": 1, "devices": []}')
    subprocess.run([toolchain.elftool, "gen-manifest", "manifest.json", "manifest.c"], cwd=tmp_path, check=True)
    (tmp_path / "app.c").write_text(APP)
    (tmp_path / "stub.c").write_text(STUB)
    compiled = [compile_c(toolchain, tmp_path / f"{n}.c", tmp_path / f"{n}.o") for n in ("app", "manifest", "stub")]
    stubs = archive(tmp_path / "libstub.a", (compiled[2].output,))
    objects = (compiled[0].output, compiled[1].output)
    image = link(toolchain, objects, (str(stubs.output),), tmp_path / "app.spt")
    perform([*compiled, stubs, image])
    code = compiled[2].output.read_bytes()
    assert b"\x64" + bytes.fromhex("488b0425") + HOST_CANARY not in code
    done = subprocess.run([toolchain.tender, image.output], capture_output=True, text=True, timeout=60, check=False)
    assert "twice 21 is 42" in done.stdout
    assert done.returncode == 0

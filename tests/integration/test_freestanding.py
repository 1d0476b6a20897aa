"""Images without an operating system below, as a person builds them: examples, C stubs, both generations, bad input.

Those that need a Solo5 toolchain are skipped with their reason where discovery finds none.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from mirage_py.build.images import ending_of
from mirage_py.build.making import Making
from mirage_py.build.manifests import check, question
from mirage_py.doors.processes import run
from mirage_py.errors import MpyError, ToolFailed
from mirage_py.model.closure import Closure
from mirage_py.model.toolchain import Toolchain, ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment, refuse_unlinkable
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolve_all
from tests.conftest import EXAMPLES, MakeProject, Mpy
from tests.sources import lay_sources
from tests.unit.toolchain import conftest as machines

pytestmark = [pytest.mark.slow]
needs_solo5 = pytest.mark.solo5
needs_ocaml = pytest.mark.ocaml

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/README.md") if "mpy pull" not in path.read_text("utf-8"))
"""Examples that are built from what is installed; `test_async.py` builds the others."""
SOLO5 = ("hvt", "spt", "virtio", "muen")
XEN = ("xen", "qubes")

World = machines.World
world = machines.world


# ---------------------------------------------------------------------------------------------------------------------
# What this machine has, and what an image says of itself


@cache
def toolchain(target: str) -> Toolchain:
    return discover(target, from_environment(ToolchainChoice()))


@cache
def why_not(target: str) -> str | None:
    """Why the toolchain of this machine links nothing for a target, or None."""
    try:
        refuse_unlinkable(toolchain(target))
    except MpyError as error:
        return str(error)
    return None


def linkable(*targets: str) -> list[str]:
    found = [target for target in targets if why_not(target) is None]
    if not found:
        pytest.skip(f"the toolchain has no bindings for {', '.join(targets)}")
    return found


def given(variable: str, what: str) -> Path:
    """The folder that an environment variable names, or a skip that says what is wanted."""
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        pytest.skip(f"{variable} names no folder with {what}")
    return Path(value)


def installed(library: str) -> None:
    if subprocess.run(("ocamlfind", "query", library), capture_output=True, check=False).returncode:
        pytest.skip(f"the OCaml library {library} is not installed")


def example(name: str, project: MakeProject) -> Path:
    """The folder of config.py in a copy of an example, with what it needs beside it."""
    folder = next(project(name).rglob("config.py")).parent
    if name == "base":
        installed("base")
        shutil.copytree(given("MPY_TEST_SOURCES", "sources of C stubs") / "base", folder / "_base")
    return folder


def targets(*names: str) -> list[str]:
    return [word for name in names for word in ("-t", name)]


def built(mpy: Mpy, folder: Path, *names: str, options: tuple[str, ...] = ()) -> Path:
    """`dist/` of a folder that is configured and built for these targets."""
    mpy("configure", *targets(*names), cwd=folder, code=0)
    mpy("build", *targets(*names), *options, cwd=folder, code=0)
    return folder / "dist"


def said(*command: str | Path) -> list[str]:
    """The lines that a unikernel logged, without their time; it has to end by itself, and well."""
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    return [line.split(": ", 1)[1] for line in lines if re.match(r"\d{4}-\d\d-\d\dT\S+: \[", line)]


def tender() -> Path:
    found = toolchain("spt").tender
    if found is None:
        pytest.skip("the toolchain has no tender for spt")
    return found


def elftool(query: str, image: Path) -> dict[str, object]:
    tool = toolchain("spt").elftool
    if tool is None:
        pytest.skip("the toolchain has no solo5-elftool")
    answer = subprocess.run((tool, query, image), capture_output=True, text=True, check=True).stdout
    found: dict[str, object] = json.loads(answer)
    return found


def images(folder: Path, target: str) -> list[Path]:
    below = folder / target if target == "qubes" else folder
    return sorted(below.glob(f"*.{'xen' if target in XEN else target}"))


# ---------------------------------------------------------------------------------------------------------------------
# Every example for every target


@needs_solo5
@needs_ocaml
@pytest.mark.parametrize("name", NAMES)
def test_example_says_on_spt_what_it_says_on_unix(name: str, project: MakeProject, mpy: Mpy) -> None:
    folder = example(name, project)
    wanted = linkable(*SOLO5)
    if name == "c-stubs" and subprocess.run(("pkg-config", "--exists", "zlib"), check=False).returncode:
        pytest.skip("pkg-config knows no zlib here")
    dist = built(mpy, folder, "unix", *wanted)
    for target in wanted:
        for image in images(dist, target):
            assert elftool("query-abi", image)["target"] == target
    if "muen" in wanted:
        assert all(elftool("query-manifest", image)["devices"] == [] for image in images(dist, "muen"))
    for image in images(dist, "spt"):
        assert said(tender(), image) == said(image.with_suffix(""))


@needs_solo5
@needs_ocaml
@pytest.mark.parametrize("name", NAMES)
def test_example_is_linked_for_xen_and_qubes_with_vendored_libraries(name: str, project: MakeProject, mpy: Mpy) -> None:
    folder = example(name, project)
    wanted = linkable(*XEN)
    lay_sources(folder, "noop", mpy)
    dist = built(mpy, folder, *wanted)
    for target in wanted:
        assert images(dist, target)
        assert all(elftool("query-abi", image)["target"] == "xen" for image in images(dist, target))


@needs_solo5
@needs_ocaml
def test_vendored_libraries_take_over_on_spt_without_a_change(project: MakeProject, mpy: Mpy) -> None:
    folder = project("hello-key")
    lay_sources(folder, "noop", mpy)
    dist = built(mpy, folder, "spt")
    assert said(tender(), dist / "hello-key.spt", "--hello=Bonjour") == ["[INFO] [application] Bonjour"] * 4
    served = json.loads(mpy("describe", "-t", "spt", "--format", "json", cwd=folder, code=0).stdout)["served"]
    vendored = {
        line.split('"')[1] for line in (folder / "mpy.lock").read_text().split("[[package]]") if '"vendored"' in line
    }
    assert {one["origin"] for name, one in served.items() if name in vendored} == {"vendored"}


@needs_solo5
@needs_ocaml
def test_manifest_of_the_image_is_compared_with_the_configuration(project: MakeProject, mpy: Mpy) -> None:
    folder = project("noop")
    built(mpy, folder, "spt")
    (resolved,) = resolve_all(Request(file=folder / "config.py"))
    plan, tools = resolved.plan, toolchain("spt")
    making = Making(
        folder=folder,
        plan=plan,
        leader=plan,
        closure=Closure(label=plan.label, target="spt", roots=(), libraries=()),
        toolchain=tools,
    )
    ending = replace(ending_of(making), program=folder / "dist/noop.spt")
    answers = tuple(map(run, question(ending)))
    check(ending, answers)
    other = ("NET_BASIC service",)
    with pytest.raises(ToolFailed, match=r"noop\.spt declares other devices than were configured") as caught:
        check(replace(ending, devices=other), answers)
    assert caught.value.details == ("configured: NET_BASIC service", "in the image: none")


# ---------------------------------------------------------------------------------------------------------------------
# C stubs


@needs_solo5
@needs_ocaml
def test_c_of_the_unikernel_runs_on_spt(project: MakeProject, mpy: Mpy) -> None:
    dist = built(mpy, project("c-stubs"), "spt")
    checksum = "[INFO] [application] crc32 414fa339: The quick brown fox jumps over the lazy dog"
    assert said(tender(), dist / "c-stubs.spt") == [checksum]


@needs_solo5
@needs_ocaml
def test_edited_stub_of_a_library_makes_another_image(project: MakeProject, mpy: Mpy) -> None:
    """The archive is compiled outside dune: dune has to hear of it."""
    folder = example("base", project)
    dist = built(mpy, folder, "spt")
    before = said(tender(), dist / "base.spt")
    stub = folder / "_base/src/int_math_stubs.c"
    text = stub.read_text("utf-8")
    stub.write_text(text.replace("__builtin_popcountll", "1 + __builtin_popcountll"), "utf-8")
    assert "1 + __builtin" in stub.read_text("utf-8")
    assert "changed" not in mpy("build", code=0).stderr
    after = said(tender(), dist / "base.spt")
    assert [line.replace("17 bits", "16 bits") for line in after] == before
    assert after != before


@needs_solo5
@needs_ocaml
def test_library_whose_c_is_the_hosts_is_refused_with_three_ways_out(project: MakeProject, mpy: Mpy) -> None:
    installed("base")
    folder = project("base")
    config = folder / "config.py"
    config.write_text(config.read_text().replace(", stubs=stubs", ""))
    refused = mpy("build", "-t", "spt", code=5)
    assert "base" in refused.stderr
    assert re.search(r"lib(base|base_internalhash_types)_stubs\.a", refused.stderr)
    for way in ("mirage/duniverse/", "stubs=Stubs(", "freestanding_linkopts"):
        assert way in refused.stderr
    assert not (folder / "mirage/_build").exists(), "it is refused before anything is compiled"


@needs_solo5
@needs_ocaml
def test_declared_sources_that_are_not_there_are_told_at_the_line(project: MakeProject, mpy: Mpy) -> None:
    installed("base")
    project("base")
    if not subprocess.run(
        ("ocamlfind", "query", "ocaml_intrinsics_kernel"), capture_output=True, check=False
    ).returncode:
        pytest.skip("this base has C stubs below it, which are told first")
    refused = mpy("build", "-t", "spt", "--base-source", "nowhere", code=3)
    assert re.search(r"^error: config\.py:9: ", refused.stderr, re.MULTILINE)
    assert "there is no C file for the stubs of base: nowhere/src/*.c" in refused.stderr


UNIX_IN_CLOSURE = """from mirage_py import job, main, package, register

register("closure", [main("Unikernel", job, packages=[package("lwt", sublibs=["unix"])])])
"""


@needs_solo5
@needs_ocaml
def test_unix_in_the_closure_is_refused_with_the_way_to_it(project: MakeProject, mpy: Mpy) -> None:
    installed("lwt.unix")
    folder = project("hello", {"config.py": UNIX_IN_CLOSURE})
    refused = mpy("build", "-t", "spt", code=4)
    assert "closure needs the library" in refused.stderr
    assert "lwt.unix -> " in refused.stderr
    assert "lwt.unix is asked for by Unikernel (config.py:3)" in refused.stderr
    assert "key.is_unix" in refused.stderr
    assert not (folder / "mirage/_build").exists()


C_CONFIG = """from mirage_py import job, main, register

register("clock", [main("Unikernel", job, c_sources=["stubs/*.c"])])
"""
C_USER = """external year : unit -> int = "clock_year"
let start () = Logs.info (fun m -> m "%d" (year ())); Lwt.return_unit
"""
LOCAL_TIME = """#include <caml/mlvalues.h>
struct tm;
struct tm *localtime(const long *);
CAMLprim value clock_year(value unit) { long now = 0; return Val_bool(localtime(&now) != 0); }
"""
BROKEN_C = """#include <caml/mlvalues.h>

CAMLprim value clock_year(value unit) { return Val_int(nothing); }
"""


@needs_solo5
@needs_ocaml
@pytest.mark.parametrize("link", ["cross", "pkg-config"])
def test_symbol_that_nothing_defines_is_told_by_who_wants_it(link: str, project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": C_CONFIG, "unikernel.ml": C_USER, "stubs/year.c": LOCAL_TIME})
    failed = mpy("build", "-t", "spt", "--link", link, code=6)
    first = failed.stderr[failed.stderr.index("error: ") :].splitlines()[0]
    assert "clock.spt does not link" in first
    assert "localtime" in first
    assert "nolibc" in failed.stderr or "libc" in failed.stderr
    assert "undefined reference" in failed.stderr, "the linker's own text comes after"


@needs_solo5
@needs_ocaml
@pytest.mark.parametrize("link", ["cross", "pkg-config"])
def test_stub_that_does_not_compile_is_told_at_its_line(link: str, project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": C_CONFIG, "unikernel.ml": C_USER, "stubs/year.c": BROKEN_C})
    failed = mpy("build", "-t", "spt", "--link", link, code=6)
    first = failed.stderr[failed.stderr.index("error: ") :].splitlines()[0]
    assert first.startswith("error: stubs/year.c:3: ")
    assert "nothing" in first


@needs_solo5
@needs_ocaml
def test_stub_of_a_library_that_does_not_compile_is_told_at_its_line(project: MakeProject, mpy: Mpy) -> None:
    folder = example("base", project)
    broken = folder / "_base/src/exn_stubs.c"
    broken.write_text("int x = nothing;\n")
    failed = mpy("build", "-t", "spt", code=6)
    first = failed.stderr[failed.stderr.index("error: ") :].splitlines()[0]
    assert first.startswith("error: _base/src/exn_stubs.c:1: ")


# ---------------------------------------------------------------------------------------------------------------------
# Several targets at once


@needs_solo5
@needs_ocaml
def test_targets_that_differ_in_their_bindings_alone_share_one_program(project: MakeProject, mpy: Mpy) -> None:
    folder = project("c-stubs")
    wanted = linkable(*SOLO5)
    dist = built(mpy, folder, *wanted)
    programs = [path.parent.name for path in (folder / "mirage/_build/solo5/mirage").glob("*/main.exe")]
    assert programs == [f"c-stubs-{wanted[0]}"]
    first = said(tender(), dist / "c-stubs.spt")

    unikernel = folder / "unikernel.ml"
    text = unikernel.read_text()
    unikernel.write_text(text.replace("lazy dog", "lazy cat"))
    mpy("build", code=0)
    assert "lazy cat" in said(tender(), dist / "c-stubs.spt")[0]
    unikernel.write_text(text)
    mpy("build", code=0)
    assert said(tender(), dist / "c-stubs.spt") == first, "what dune's cache brings back is linked again"
    mpy("build", "-t", "spt", code=0)
    assert said(tender(), dist / "c-stubs.spt") == first


@needs_solo5
@needs_ocaml
def test_targets_for_which_the_configuration_differs_share_nothing(project: MakeProject, mpy: Mpy) -> None:
    config = (EXAMPLES / "c-stubs/config.py").read_text().replace("key.is_unix", 'key.target.is_("virtio")')
    folder = project(
        "c-stubs", {"config.py": config.replace('"stubs/crc32_zlib.c"], pkg_config=["zlib"]', '"other.c"]')}
    )
    shutil.copy(folder / "stubs/crc32_table.c", folder / "other.c")
    shutil.copy(folder / "stubs/crc32.h", folder / "crc32.h")
    linkable("virtio")
    built(mpy, folder, "spt", "hvt", "virtio")
    programs = {path.parent.name for path in (folder / "mirage/_build/solo5/mirage").glob("*/main.exe")}
    assert programs == {"c-stubs-spt", "c-stubs-virtio"}


@needs_solo5
@needs_ocaml
def test_symbol_that_is_missing_from_a_shared_program_is_told_too(project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": C_CONFIG, "unikernel.ml": C_USER, "stubs/year.c": LOCAL_TIME})
    failed = mpy("build", "-t", "spt", "-t", "hvt", code=6)
    first = failed.stderr[failed.stderr.index("error: ") :].splitlines()[0]
    assert "clock.spt does not link" in first
    assert "localtime" in first


OWN_C = """#include <caml/mlvalues.h>
extern int of_nobody(int);
extern int fork(void);
value clock_year(value unit) { return Val_int(of_nobody(fork())); }
"""


@needs_solo5
@needs_ocaml
@pytest.mark.parametrize("link", ["cross", "pkg-config"])
def test_symbol_that_own_c_lacks_is_told_at_its_line(link: str, project: MakeProject, mpy: Mpy) -> None:
    project({"config.py": C_CONFIG, "unikernel.ml": C_USER, "stubs/year.c": OWN_C})
    told = mpy("build", "-t", "spt", "--link", link, code=6).stderr
    assert "error: stubs/year.c:4: clock.spt does not link: 2 symbols are undefined" in told
    assert "stubs/year.c:4: nobody defines of_nobody" in told
    assert "stubs/year.c:4: the freestanding libc has no fork" in told
    assert told.count("main(..., c_sources=[...])") == 2
    assert "authors" not in told
    assert "/workspace_root" not in mpy("build", "-t", "unix", code=6).stderr


# ---------------------------------------------------------------------------------------------------------------------
# Both generations


@needs_solo5
@needs_ocaml
@pytest.mark.parametrize("name", ["hello-key", "c-stubs", "timeout", "base"])
def test_both_generations_give_the_same_output(name: str, project: MakeProject, mpy: Mpy) -> None:
    folder = example(name, project)
    crossed = said(tender(), built(mpy, folder, "spt", options=("--link", "cross")) / f"{name}.spt")
    by_hand = said(tender(), built(mpy, folder, "spt", options=("--link", "pkg-config")) / f"{name}.spt")
    assert crossed == by_hand
    assert crossed
    mpy("clean", code=0)
    assert not (folder / "mirage").exists()


@needs_ocaml
def test_last_real_pair_of_the_old_generation_builds_and_runs(
    project: MakeProject, mpy: Mpy, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = given("MPY_TEST_SOLO5_0_6", "Solo5 0.6.9 for spt and ocaml-freestanding 0.6.7")
    monkeypatch.setenv("PATH", f"{old}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("PKG_CONFIG_LIBDIR", str(old / "lib/pkgconfig"))
    dist = built(mpy, project("c-stubs"), "spt", options=("--link", "pkg-config"))
    checksum = "[INFO] [application] crc32 414fa339: The quick brown fox jumps over the lazy dog"
    assert said(old / "bin/solo5-spt", dist / "c-stubs.spt") == [checksum]


# ---------------------------------------------------------------------------------------------------------------------
# Paths


@needs_solo5
@needs_ocaml
@pytest.mark.parametrize("link", ["cross", "pkg-config"])
@pytest.mark.parametrize("name", ["c-stubs", "base"])
def test_path_with_blanks_quotes_and_unicode_serves(
    name: str, link: str, tmp_path: Path, project: MakeProject, mpy: Mpy
) -> None:
    strange = tmp_path / ("""it's a "söng" & $HOME (1) \\ ✓""" + os.fsdecode(b"caf\xe9"))
    strange.mkdir()
    folder = Path(shutil.move(example(name, project), strange / name))
    dist = built(mpy, folder, "spt", "unix", options=("--link", link))
    assert said(tender(), dist / f"{name}.spt") == said(dist / name)


# ---------------------------------------------------------------------------------------------------------------------
# What the target can never hold


def devices(number: int, name: str = "disk{}", kind: str = "block_of_file") -> str:
    return f"""from mirage_py import {kind}, job, main, register

devices = [{kind}({name!r}.format(i)) for i in range({number})]
register("many", [main("Unikernel", job, deps=devices)])
"""


@pytest.mark.parametrize("target", SOLO5)
def test_more_devices_than_a_manifest_holds_are_refused_at_configure(
    target: str, project: MakeProject, mpy: Mpy
) -> None:
    kind = "netif" if target == "muen" else "block_of_file"
    folder = project("noop", {"config.py": devices(64, kind=kind)})
    refused = mpy("configure", "-t", target, code=4)
    assert "error: config.py:4: many has 64 devices; a Solo5 manifest holds 63" in refused.stderr
    assert not (folder / f"mirage/many-{target}").exists()
    if target != "muen":  # a guest of Xen may have any number of disks
        mpy("configure", "-t", "xen", code=0)
    (folder / "config.py").write_text(devices(63, kind=kind))
    mpy("configure", "-t", target, code=0)


@pytest.mark.parametrize("name", ["x" * 68, "with-dash", "ünï"])
def test_name_that_a_manifest_cannot_hold_is_refused_at_configure(name: str, project: MakeProject, mpy: Mpy) -> None:
    project("noop", {"config.py": devices(1, name)})
    refused = mpy("configure", "-t", "spt", code=4)
    assert re.search(r"error: config\.py:\d: ", refused.stderr)
    assert "cannot stand in a Solo5 manifest" in refused.stderr
    assert "at most 67" in refused.stderr


@needs_solo5
@needs_ocaml
def test_genode_is_configured_and_queried_and_not_built(project: MakeProject, mpy: Mpy) -> None:
    folder = project("hello")
    mpy("configure", "-t", "genode", code=0)
    assert (folder / "mirage/hello-genode/manifest.json").exists()
    assert re.search("nolibc|ocaml-solo5", mpy("query", "cflags", "-t", "genode", code=0).stdout)
    refused = mpy("build", code=4)
    assert "no Solo5 of today links an image for genode" in refused.stderr
    assert "hint:" in refused.stderr


# ---------------------------------------------------------------------------------------------------------------------
# Toolchains that do not serve


def test_toolchain_of_another_ocaml_stops_the_build(world: World, project: MakeProject, mpy: Mpy) -> None:
    world.host(ocaml="4.14.1")
    project("hello")
    prefix = world.cross(world.root / "solo5")
    refused = mpy("build", "-t", "spt", "--solo5-prefix", str(prefix), code=5)
    assert "the toolchain for spt is of OCaml 4.13.1, this machine's compiler is 4.14.1" in refused.stderr
    assert "hint:" in refused.stderr


def test_toolchain_installed_by_half_stops_the_build(world: World, project: MakeProject, mpy: Mpy) -> None:
    world.host()
    project("hello")
    prefix = world.cross(world.root / "solo5")
    (prefix / "solo5-sysroot/lib/nolibc/libnolibc.a").unlink()
    refused = mpy("build", "-t", "spt", "--solo5-prefix", str(prefix), code=5)
    assert "installed by half" in refused.stderr
    assert "missing: libnolibc.a in" in refused.stderr
    assert "hint:" in refused.stderr


def test_description_without_its_variables_stops_the_build(world: World, project: MakeProject, mpy: Mpy) -> None:
    world.host()
    world.needs_pkg_config()
    project("hello")
    prefix = world.freestanding(world.root / "old", "spt")
    description = prefix / "lib/pkgconfig/solo5-bindings-spt.pc"
    description.write_text(re.sub(r"^ldflags=.*\n", "", description.read_text(), flags=re.MULTILINE))
    refused = mpy("build", "-t", "spt", "--solo5-prefix", str(prefix), "--link", "pkg-config", code=5)
    assert "solo5-bindings-spt" in refused.stderr
    assert "ldflags" in refused.stderr
    assert "hint:" in refused.stderr


FOREIGN = """from mirage_py import job, main, package, register

register("foreign", [main("Unikernel", job, packages=[package("foreign")])])
"""


@pytest.fixture
def foreign_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed library with C stubs of the host, whose META file names an archive for freestanding targets."""
    folder = tmp_path / "libraries" / "foreign"
    folder.mkdir(parents=True)
    (folder / "foreign.ml").write_text('external one : unit -> int = "foreign_one"\n')
    (folder / "foreign_stubs.c").write_text("#include <caml/mlvalues.h>\nvalue foreign_one(value u) { return 3; }\n")
    lines = (
        ("ocamlfind", "ocamlopt", "-c", "foreign_stubs.c", "foreign.ml"),
        ("ar", "rcs", "libforeign_stubs.a", "foreign_stubs.o"),
        ("ocamlfind", "ocamlopt", "-a", "foreign.cmx", "-cclib", "-lforeign_stubs", "-o", "foreign.cmxa"),
    )
    for line in lines:
        subprocess.run(line, cwd=folder, check=True)
    meta = 'version = "1"\narchive(native) = "foreign.cmxa"\nfreestanding_linkopts = "-l:libforeign_freestanding.a"\n'
    (folder / "META").write_text(meta)
    monkeypatch.setenv("OCAMLPATH", str(folder.parent))
    return folder


@needs_solo5
@needs_ocaml
def test_archive_for_another_machine_is_refused_and_said(foreign_library: Path, project: MakeProject, mpy: Mpy) -> None:
    elf = bytearray(b"\x7fELF\x02\x01\x01" + bytes(57))
    elf[16:20] = (1).to_bytes(2, "little") + (243).to_bytes(2, "little")
    (foreign_library / "x.o").write_bytes(elf)
    header = f"{'x.o/':16}{'0':12}{'0':6}{'0':6}{'644':8}{len(elf):<10}`\n"
    (foreign_library / "libforeign_freestanding.a").write_bytes(b"!<arch>\n" + header.encode() + elf)
    project("hello", {"config.py": FOREIGN})
    refused = mpy("build", "-t", "spt", code=5)
    assert "libforeign_freestanding.a is for riscv64, the target is x86_64" in refused.stderr
    assert "stubs=Stubs(" in refused.stderr


@needs_solo5
@needs_ocaml
def test_empty_archive_is_refused_and_explained(foreign_library: Path, project: MakeProject, mpy: Mpy) -> None:
    (foreign_library / "libforeign_freestanding.a").write_bytes(b"!<arch>\n")
    project("hello", {"config.py": FOREIGN})
    refused = mpy("build", "-t", "spt", code=5)
    assert "libforeign_freestanding.a is empty" in refused.stderr
    assert "mpy toolchain export" in refused.stderr

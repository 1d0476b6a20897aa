"""What a linker's map tells, and what of it may be in an image; on maps as the GNU linker writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from mirage_py.build.linkmap import Linked, linked_objects
from mirage_py.build.making import Making
from mirage_py.build.origins import foreign, grounds, refusal
from mirage_py.model.closure import Closure, CSide, Served
from mirage_py.model.library import Library
from mirage_py.model.plan import Plan
from mirage_py.model.toolchain import Toolchain

MAP = """Archive member included to satisfy reference by file (symbol)

duniverse/lb/liblb_stubs.a(st.o)
                              duniverse/lb/lb.a(lb.o) (lb_f)
/usr/lib/x86_64-linux-gnu/libz.a(crc32.o)
                              duniverse/lb/liblb_stubs.a(st.o) (crc32)
/x/libz.a(zutil.o)            /x/libz.a(inflate.o) (zcalloc)
/opt/sys/lib/libnolibc.a(memcpy.o)
                              (memcpy)
/a place (1) of/mine/libs.a(one.o)
                              /a place (1) of/mine/libs.a(two.o) (one)

Discarded input sections

 .comment       0x0000000000000000       0x27 /opt/solo5/solo5_spt.o

Memory Configuration

Name             Origin             Length             Attributes
*default*        0x0000000000000000 0xffffffffffffffff

Linker script and memory map

LOAD /opt/unused/libunused.a
                0x0000000000100000                TEXT_START = 0x100000

.text           0x0000000000100020    0xa99bc load address 0x0000000000200000
 *(.text)
 .text          0x0000000000100020     0x2648 /opt/solo5/solo5_spt.o
                0x0000000000100020                _start
 *fill*         0x0000000000102668        0x8 90909090
 .text.unlikely.and.a.long.name
                0x0000000000102670     0x3348 /tmp/camlstartup52d5c5.o
                                       0x3350 (size before relaxing)
 .text          0x0000000000106000       0x10 ../up/with blank (1).a(a b.o)
"""
HERE = Path("/here/mirage/_build/solo5")


def test_objects_of_a_map_with_who_wanted_them() -> None:
    lb, mine = HERE / "duniverse/lb", Path("/a place (1) of/mine/libs.a")
    assert linked_objects(MAP, HERE) == (
        Linked(file=lb / "liblb_stubs.a", member="st.o", wanted_by=lb / "lb.a", symbol="lb_f"),
        Linked(
            file=Path("/usr/lib/x86_64-linux-gnu/libz.a"),
            member="crc32.o",
            wanted_by=lb / "liblb_stubs.a",
            symbol="crc32",
        ),
        Linked(file=Path("/x/libz.a"), member="zutil.o", wanted_by=Path("/x/libz.a"), symbol="zcalloc"),
        Linked(file=Path("/opt/sys/lib/libnolibc.a"), member="memcpy.o", symbol="memcpy"),
        Linked(file=mine, member="one.o", wanted_by=mine, symbol="one"),
        Linked(file=Path("/opt/solo5/solo5_spt.o")),
        Linked(file=Path("/tmp/camlstartup52d5c5.o")),
        Linked(file=HERE.parent / "up/with blank (1).a", member="a b.o"),
    )


def test_archive_that_gave_nothing_is_no_part_of_the_image() -> None:
    assert all(one.file.name != "libunused.a" for one in linked_objects(MAP, HERE))


@given(st.text())
def test_what_is_no_map_tells_of_nothing(text: str) -> None:
    if "Memory Configuration" not in text and "Discarded input sections" not in text:
        assert linked_objects(text, HERE) == ()


@pytest.fixture
def making(tmp_path: Path) -> Making:
    """An image for spt whose closure has a vendored library with C, and an installed one without."""
    sources = tmp_path / "duniverse/lb"
    vendored = Library(name="lb", package="lb", origin="vendored", directory=sources, words=("-llb_stubs",))
    fmt = Library(
        name="fmt",
        package="fmt",
        origin="installed",
        directory=Path("/usr/lib/ocaml/fmt"),
        archives=(Path("/usr/lib/ocaml/fmt/fmt.cmxa"),),
    )
    libraries = (Served(library=fmt), Served(library=vendored, c=CSide(words=vendored.words, origin="build")))
    plan = Plan(
        name="demo",
        target="spt",
        label="demo-spt",
        image="demo.spt",
        context="solo5",
        os_module="Solo5_os.Main",
        files=(),
        libraries=(),
        abi="spt",
    )
    tools = Toolchain(
        target="spt",
        generation="cross",
        architecture="x86_64",
        ocaml_version="4.13.1",
        ocamlopt=Path("/opt/sys/bin/ocamlopt"),
        stdlib=Path("/opt/sys/lib/ocaml"),
        c_compiler=("cc",),
        cflags=(),
        linker=("x86_64-solo5-none-static-cc",),
        ldflags=(),
        libs=("-L/opt/sys/lib", "-lnolibc"),
        sysroot=Path("/opt/sys"),
        bindings=Path("/opt/solo5/solo5_spt.o"),
    )
    closure = Closure(label="demo-spt", target="spt", roots=("lb",), libraries=libraries)
    return Making(folder=tmp_path, plan=plan, leader=plan, closure=closure, toolchain=tools)


@pytest.mark.parametrize(
    "file",
    [
        "/opt/sys/lib/ocaml/stdlib.a",
        "/opt/solo5/solo5_spt.o",
        "/usr/lib/ocaml/fmt/fmt.a",
        "/tmp/camlstartup0a1b2c.o",
    ],
)
def test_what_is_of_the_toolchain_or_of_the_closure_belongs_there(file: str, making: Making) -> None:
    assert foreign((Linked(file=Path(file)),), grounds(making)) == ()


def test_what_the_build_made_belongs_there(making: Making) -> None:
    made = Linked(file=making.context / "duniverse/lb/liblb_stubs.a", member="st.o")
    stub = Linked(file=making.folder / "mirage/.stubs/cross/libx_stubs.a", member="x.o")
    assert foreign((made, stub), grounds(making)) == ()


@pytest.mark.parametrize(
    "file",
    [
        "/usr/lib/x86_64-linux-gnu/libz.a",
        "/usr/lib/ocaml/fmt/libfmt_stubs.a",
        "/usr/lib/gcc/x86_64-linux-gnu/12/libgcc.a",
        "/opt/solo5/below/libother.a",
        "/home/me/prebuilt.o",
    ],
)
def test_what_is_of_this_machine_is_refused(file: str, making: Making) -> None:
    objects = (Linked(file=Path(file), member="a.o"),)
    assert foreign(objects, grounds(making)) == objects


def test_refusal_names_archive_object_and_library(making: Making) -> None:
    stubs = making.context / "duniverse/lb/liblb_stubs.a"
    libz = Path("/usr/lib/x86_64-linux-gnu/libz.a")
    objects = (
        Linked(file=libz, member="crc32.o", wanted_by=stubs, symbol="crc32"),
        Linked(file=libz, member="zutil.o", wanted_by=libz, symbol="zcalloc"),
    )
    error = refusal(objects, making)
    assert error is not None
    assert error.exit_code == 5
    assert error.message == "demo.spt would hold what was compiled for this machine: libz.a"
    assert error.details[0] == "/usr/lib/x86_64-linux-gnu/libz.a(crc32.o), wanted by lb for crc32"
    assert len([line for line in error.details if "libz.a" in line]) == 1
    assert "leave lb out for this target" in str(error.hint)


def test_no_stranger_no_refusal(making: Making) -> None:
    assert refusal((), making) is None

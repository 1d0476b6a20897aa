"""Which toolchain builds for a target: on machines of every kind, whole, half and misfitting."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mirage_py.errors import MpyError, ToolFailed, ToolNotFound, ToolTooOld, UnsupportedTarget, UsageError
from mirage_py.model.toolchain import ABIS, Link, Toolchain, ToolchainChoice
from mirage_py.toolchain.discover import discover, from_environment, refuse_unlinkable
from mirage_py.toolchain.export import descriptions
from mirage_py.toolchain.pkgconfig import HOST, PkgConfig, folders_of, pkg_config_for
from mirage_py.toolchain.schema import Facts
from mirage_py.toolchain.show import as_json

if TYPE_CHECKING:
    from tests.unit.toolchain.conftest import World

PLAIN = ToolchainChoice()


def named(*prefixes: Path, link: Link | None = None) -> ToolchainChoice:
    """What `--solo5-prefix` and `--link` say."""
    return ToolchainChoice(prefixes=prefixes, link=link)


def told(error: MpyError) -> str:
    """All of an error, as a person reads it."""
    return "\n".join([str(error), *error.details, f"hint: {error.hint}"])


# --- the host ---------------------------------------------------------------------------------------------------------


def test_host_tools_come_from_path_with_their_versions(world: World) -> None:
    world.host()
    host = world.found_host()
    assert (host.ocaml_version, host.dune_version, host.architecture) == ("4.13.1", "2.9.3", "x86_64")
    assert host.ocamlopt == world.bin / "ocamlopt.opt"
    assert host.cflags == ("-O2", "-D_FILE_OFFSET_BITS=64", "-I", str(world.stdlib))
    assert host.sources["ocamlopt"] == "PATH"


def test_tools_are_asked_once_until_they_change(world: World) -> None:
    world.host()
    world.found_host()
    assert sorted(world.asked()) == ["dune", "ocamlopt.opt"]
    world.found_host()
    assert world.asked() == []
    world.host(ocaml="4.14.10")
    assert world.found_host().ocaml_version == "4.14.10"


@pytest.mark.parametrize(
    ("ocaml", "dune", "said"),
    [
        ("4.12.1", "2.9.3", "OCaml 4.12.1 is too old: mpy needs 4.13 or newer"),
        ("4.08.0+flambda", "2.9.3", "OCaml 4.08.0+flambda is too old: mpy needs 4.13 or newer"),
        ("4.13.1", "2.8.5", "dune 2.8.5 is too old: mpy needs 2.9 or newer"),
    ],
)
def test_old_tool_is_refused(world: World, ocaml: str, dune: str, said: str) -> None:
    world.host(ocaml=ocaml, dune=dune)
    with pytest.raises(ToolTooOld) as caught:
        world.found_host()
    assert caught.value.message == said
    assert caught.value.hint


@pytest.mark.parametrize(("ocaml", "dune"), [("5.4.1", "3.24.1"), ("5.5.0~rc1", "3.30"), ("4.14.2+options", "n/a")])
def test_new_and_strange_versions_are_accepted(world: World, ocaml: str, dune: str) -> None:
    world.host(ocaml=ocaml, dune=dune)
    assert world.found_host().ocaml_version == ocaml


@pytest.mark.parametrize(
    ("tool", "hint"),
    [
        ("dune", "apt install ocaml-dune or opam install dune"),
        ("ocamlopt.opt", "apt install ocaml-nox or opam install ocaml"),
        ("ocamlfind", "apt install ocaml-findlib or opam install ocamlfind"),
    ],
)
def test_missing_tool_says_what_brings_it(world: World, tool: str, hint: str) -> None:
    world.host()
    (world.bin / tool).unlink()
    with pytest.raises(ToolNotFound) as caught:
        world.found_host()
    assert caught.value.hint == hint


def test_compiler_that_says_nothing_of_itself_is_told(world: World) -> None:
    world.host()
    world.says(world.bin / "ocamlopt.opt", "version: 4.13.1")
    with pytest.raises(ToolFailed, match="does not tell its configuration: architecture, standard_library") as caught:
        world.found_host()
    assert caught.value.output == "version: 4.13.1\n"


def test_switch_by_name_goes_before_path(world: World) -> None:
    world.host()
    world.host(ocaml="5.1.1", folder=world.root / ".opam" / "five" / "bin")
    host = world.found_host(ToolchainChoice(switch="five"))
    assert host.ocaml_version == "5.1.1"
    assert host.switch == world.root / ".opam" / "five"
    assert host.environment["OPAM_SWITCH_PREFIX"] == str(host.switch)
    assert discover("unix", ToolchainChoice(switch="five")).path == (host.switch / "bin",)


def test_local_switch_is_named_by_its_folder(world: World) -> None:
    world.host(folder=world.root / "work" / "_opam" / "bin")
    assert world.found_host(ToolchainChoice(switch=str(world.root / "work"))).switch == world.root / "work" / "_opam"


def test_unknown_switch_is_a_usage_error(world: World) -> None:
    world.host()
    with pytest.raises(UsageError, match="there is no opam switch 'six'"):
        world.found_host(ToolchainChoice(switch="six"))


def test_unix_is_compiled_by_the_host(world: World) -> None:
    world.host()
    found = discover("unix", PLAIN)
    assert (found.generation, found.abi, found.freestanding) == ("host", None, False)
    assert found.linker == found.c_compiler == ("gcc",)
    assert found.all_ldflags == (f"-L{world.stdlib}", "-lasmrun", "-lm")


# --- the cross-compiler generation ------------------------------------------------------------------------------------


def test_cross_toolchain_of_a_prefix_has_every_fact(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    found = discover("hvt", named(prefix))
    sysroot, bin_ = prefix / "solo5-sysroot", prefix / "bin"
    assert found == replace(
        found,
        target="hvt",
        generation="cross",
        architecture="x86_64",
        ocaml_version="4.13.1",
        ocamlopt=sysroot / "bin" / "ocamlopt",
        stdlib=sysroot / "lib" / "ocaml",
        c_compiler=(f"{bin_}/x86_64-solo5-none-static-cc",),
        linker=(f"{bin_}/x86_64-solo5-none-static-cc",),
        ldflags=("-z", "solo5-abi=hvt"),
        libs=(f"-L{sysroot}/lib/ocaml", f"-L{sysroot}/lib/nolibc", "-lasmrun", "-lnolibc", "-lopenlibm"),
        libraries=(sysroot / "lib",),
        objcopy=bin_ / "x86_64-solo5-none-static-objcopy",
        sysroot=sysroot,
        prefix=prefix,
        bindings=prefix / "lib" / "x86_64-solo5-none-static" / "solo5_hvt.o",
        linker_script=prefix / "lib" / "x86_64-solo5-none-static" / "solo5_hvt.lds",
        elftool=bin_ / "solo5-elftool",
        tender=bin_ / "solo5-hvt",
        solo5_version="0.9.3",
        ocaml_solo5_version=None,
        path=(bin_,),
    )
    assert [file.name for file in found.runtime] == ["libasmrun.a", "libnolibc.a", "libopenlibm.a"]
    assert found.sources["ocamlopt"].startswith("--solo5-prefix")
    assert found.sources["cflags"] == f"{sysroot}/bin/ocamlopt -config"


def test_flags_keep_the_toolchains_folders_and_no_other(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    (world.root / "built" / "here").mkdir(parents=True)  # the place where the compiler was built, still there
    include = f"{prefix}/solo5-sysroot/include/nolibc/"
    stdlib = f"{prefix}/solo5-sysroot/lib/ocaml"
    flags = ("-O2", "-I", stdlib)
    assert discover("spt", named(prefix)).cflags == (f"-I{include}", "-include", "_solo5/overrides.h", *flags)


@pytest.mark.parametrize("target", ABIS)
def test_each_freestanding_target_has_its_abi(world: World, target: str) -> None:
    world.host()
    found = discover(target, named(world.cross(world.root / "solo5")))
    assert found.ldflags == ("-z", f"solo5-abi={ABIS[target]}")
    assert (found.bindings is None) == (target == "genode")


def test_newer_layout_of_ocaml_solo5(world: World) -> None:
    world.host(ocaml="5.4.1")
    prefix = world.cross_1(world.root / "switch")
    found = discover("spt", named(prefix))
    sysroot = prefix / "lib" / "ocaml-solo5"
    assert found.c_compiler == (f"{prefix}/bin/x86_64-solo5-ocaml-gcc",)
    assert found.linker == (f"{prefix}/bin/x86_64-solo5-none-static-cc",)
    assert (found.sysroot, found.prefix, found.ocaml_solo5_version) == (sysroot, prefix, "1.3.2")
    assert found.libs == (f"-L{sysroot}/lib/ocaml", f"-L{sysroot}/lib", "-lasmrun", "-lnolibc", "-lopenlibm")
    assert found.libraries == (sysroot / "lib" / "ocaml", sysroot / "lib", prefix / "lib")


@pytest.mark.parametrize("way", ["switch", "active switch", "findlib", "PATH", "--solo5-prefix", "MPY_SOLO5_PREFIX"])
def test_every_public_way_leads_to_the_toolchain(world: World, way: str) -> None:
    world.host()
    prefix = world.cross(world.root / ".opam" / "mine")
    choice = PLAIN
    match way:
        case "switch":
            world.host(folder=prefix / "bin")
            choice = ToolchainChoice(switch="mine")
        case "active switch":
            world.monkeypatch.setenv("OPAM_SWITCH_PREFIX", str(prefix))
        case "findlib":
            conf = prefix / "lib" / "findlib.conf.d" / "solo5.conf"
            world.file(Path(f"{world.conf}.d") / "solo5.conf", conf.read_text())
        case "PATH":
            world.monkeypatch.setenv("PATH", f"{world.bin}:{prefix}/bin")
        case "--solo5-prefix":
            choice = named(prefix)
        case _:
            world.monkeypatch.setenv("MPY_SOLO5_PREFIX", str(prefix))
    found = discover("spt", from_environment(choice))
    assert found.prefix == prefix
    assert found.tender == prefix / "bin" / "solo5-spt"


def test_what_is_named_goes_before_what_is_active(world: World) -> None:
    world.host()
    world.monkeypatch.setenv("OPAM_SWITCH_PREFIX", str(world.cross(world.root / "active")))
    prefix = world.cross(world.root / "named")
    assert discover("spt", PLAIN).prefix == world.root / "active"
    assert discover("spt", named(prefix)).prefix == prefix


def test_solo5_tools_may_have_a_prefix_of_their_own(world: World) -> None:
    world.host()
    compiler = world.cross(world.root / "compiler")
    conf = compiler / "lib" / "findlib.conf.d" / "solo5.conf"
    world.file(Path(f"{world.conf}.d") / "solo5.conf", conf.read_text())
    tools = world.solo5(world.root / "tools")
    found = discover("spt", named(tools))
    assert found.linker == (f"{tools}/bin/x86_64-solo5-none-static-cc",)
    assert found.bindings == tools / "lib" / "x86_64-solo5-none-static" / "solo5_spt.o"
    assert found.sysroot == compiler / "solo5-sysroot"


def test_second_discovery_starts_nothing(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    discover("hvt", named(prefix))
    world.asked()
    discover("spt", named(prefix))
    assert world.asked() == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("solo5-sysroot/bin/ocamlopt", "ocaml-solo5's compiler"),
        ("solo5-sysroot/lib/ocaml/libasmrun.a", "OCaml's runtime"),
        ("solo5-sysroot/lib/nolibc/libnolibc.a", "missing: libnolibc.a in"),
        ("bin/x86_64-solo5-none-static-cc", "missing: x86_64-solo5-none-static-cc on PATH or in"),
        ("bin/solo5-elftool", "missing: solo5-elftool on PATH or in"),
    ],
)
def test_half_installed_toolchain_says_what_is_missing(world: World, missing: str, said: str) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    (prefix / missing).unlink()
    with pytest.raises(ToolNotFound, match="this Solo5 toolchain is installed by half") as caught:
        discover("spt", named(prefix))
    assert said in told(caught.value)
    assert "--solo5-prefix" in told(caught.value)


def test_all_that_is_missing_is_told_at_once(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    for name in ("bin/solo5-elftool", "solo5-sysroot/lib/nolibc/libopenlibm.a"):
        (prefix / name).unlink()
    with pytest.raises(ToolNotFound) as caught:
        discover("spt", named(prefix))
    assert len([line for line in caught.value.details if line.startswith("missing: ")]) == 2


def test_broken_findlib_configuration_is_told_with_its_line(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    world.file(prefix / "lib" / "findlib.conf.d" / "solo5.conf", 'path(solo5) = "/x"\nocamlopt(solo5 = "y"')
    with pytest.raises(ToolNotFound, match=r"solo5\.conf: .*\(line 2\)"):
        discover("spt", named(prefix))


def test_toolchain_of_another_ocaml_is_refused(world: World) -> None:
    world.host(ocaml="4.14.1")
    with pytest.raises(ToolTooOld) as caught:
        discover("spt", named(world.cross(world.root / "solo5")))
    assert caught.value.message == "the toolchain for spt is of OCaml 4.13.1, this machine's compiler is 4.14.1"
    assert "--switch" in str(caught.value.hint)


def test_flambda_on_one_side_alone_is_refused(world: World) -> None:
    world.host(cmx_magic_number="Caml1999y030")
    with pytest.raises(ToolTooOld, match="one of the two is a flambda compiler"):
        discover("spt", named(world.cross(world.root / "solo5")))


def test_folder_with_a_blank_is_refused_clearly(world: World) -> None:
    world.host()
    with pytest.raises(UsageError, match="a folder with a blank in its name"):
        discover("spt", named(world.cross(world.root / "my solo5")))


def test_prefix_with_quotes_and_unicode_serves(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "sölo5'5")
    assert discover("spt", named(prefix)).prefix == prefix


def test_prefix_that_is_no_folder_is_a_usage_error(world: World) -> None:
    world.host()
    with pytest.raises(UsageError, match="is no folder"):
        discover("spt", named(world.root / "nowhere"))


def test_machine_without_a_toolchain_says_where_it_looked(world: World) -> None:
    world.host()
    with pytest.raises(ToolNotFound) as caught:
        discover("spt", PLAIN)
    text = told(caught.value)
    assert "there is no toolchain for target spt on this machine" in text
    assert "no opam switch is active that has one" in text
    assert "opam install solo5 ocaml-solo5" in text


def test_genode_can_be_queried_and_not_linked(world: World) -> None:
    world.host()
    found = discover("genode", named(world.cross(world.root / "solo5")))
    assert found.cflags
    with pytest.raises(UnsupportedTarget, match="no Solo5 of today links an image for genode"):
        refuse_unlinkable(found)


def test_bindings_that_were_left_out_are_refused_at_the_link(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    (prefix / "lib" / "x86_64-solo5-none-static" / "solo5_muen.o").unlink()
    with pytest.raises(ToolNotFound, match="this Solo5 has no bindings for muen"):
        refuse_unlinkable(discover("muen", named(prefix)))
    refuse_unlinkable(discover("spt", named(prefix)))


# --- the pkg-config generation ----------------------------------------------------------------------------------------


def test_pkg_config_toolchain_has_every_fact(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.freestanding(world.root / "old", "spt")
    found = discover("spt", named(prefix))
    assert (found.generation, found.ocaml_version, found.solo5_version) == ("pkg-config", "4.13.1", "0.6.9")
    assert found.linker == ("ld",)
    assert found.c_compiler == ("gcc",)
    assert found.ocamlopt == world.bin / "ocamlopt.opt"
    here = f"{prefix}/lib/pkgconfig/../.."
    assert found.cflags == (
        f"-I{here}/include/ocaml-freestanding",
        "-include",
        "_freestanding/overrides.h",
        "-ffreestanding",
        "-fstack-protector-strong",
        "-isystem",
        f"{here}/include/solo5-bindings-spt/crt",
        f"-I{here}/include/solo5-bindings-spt/solo5",
    )
    assert found.ldflags[-1] == f"{here}/lib/solo5-bindings-spt/solo5_spt.o"
    assert found.libs == (f"-L{here}/lib/ocaml-freestanding", "-lasmrun", "-lnolibc", "-lopenlibm")
    assert [file.name for file in found.runtime] == ["libasmrun.a", "libnolibc.a", "libopenlibm.a"]
    assert found.bindings == prefix / "lib" / "solo5-bindings-spt" / "solo5_spt.o"
    assert found.tender == prefix / "bin" / "solo5-spt"
    assert found.sources["ldflags"] == f"{prefix}/lib/pkgconfig/solo5-bindings-spt.pc"
    refuse_unlinkable(found)


def test_cross_goes_first_and_link_chooses(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    both = (world.cross(world.root / "new"), world.freestanding(world.root / "old", "spt"))
    assert discover("spt", named(*both)).generation == "cross"
    assert discover("spt", named(*both, link="cross")).generation == "cross"
    by_hand = discover("spt", named(*both, link="pkg-config"))
    assert (by_hand.generation, by_hand.prefix) == ("pkg-config", world.root / "old")


def test_only_the_prefix_with_the_targets_bindings_serves(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    prefixes = [world.freestanding(world.root / abi, abi) for abi in ("hvt", "virtio", "xen")]
    assert discover("virtio", named(*prefixes)).prefix == world.root / "virtio"
    assert discover("qubes", named(*prefixes)).prefix == world.root / "xen"


@pytest.mark.parametrize("variable", ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"])
def test_folder_that_the_environment_names_is_a_place_of_the_target(world: World, variable: str) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.freestanding(world.root / "old", "hvt")
    world.monkeypatch.setenv(variable, f"/nowhere:{prefix}/lib/pkgconfig")
    assert discover("hvt", PLAIN).prefix == prefix


def test_nothing_of_the_host_leaks_through_pkg_config(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.freestanding(world.root / "old", "spt")
    text = "\nName: ocaml-freestanding\nVersion: 9\nDescription: x\nCflags: -I/usr/include/host\nLibs: -lhost\n"
    leak = world.pc(world.root / "host", "ocaml-freestanding", text)
    world.pc(world.root / "host", "gmp", text.replace("ocaml-freestanding", "gmp"))
    world.monkeypatch.setenv("PKG_CONFIG_PATH", str(leak.parent))
    world.monkeypatch.setenv("PKG_CONFIG_SYSROOT_DIR", "/sysroot")
    found = discover("spt", named(prefix))
    flags = (*found.cflags, *found.libs)
    assert not any(flag in ("-I/usr/include/host", "-lhost") or flag.startswith("-I/sysroot") for flag in flags)
    with pytest.raises(ToolNotFound, match="the target has no pkg-config package gmp"):
        PkgConfig(folders=folders_of(prefix), owner="the target").cflags(["gmp"])


def test_missing_bindings_say_which_are_there(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    with pytest.raises(ToolNotFound) as caught:
        discover("spt", named(world.freestanding(world.root / "old", "hvt")))
    text = told(caught.value)
    assert "target spt has no pkg-config package solo5-bindings-spt" in text
    assert "these are the bindings there: solo5-bindings-hvt" in text


def test_missing_variable_of_a_description_is_told(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.freestanding(world.root / "old", "spt")
    file = prefix / "lib" / "pkgconfig" / "solo5-bindings-spt.pc"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("ldflags")))
    with pytest.raises(ToolNotFound, match=r"solo5-bindings-spt\.pc has no variable 'ldflags'"):
        discover("spt", named(prefix))


def test_description_without_a_linker_takes_ld_as_virtio_always_did(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.freestanding(world.root / "old", "virtio")
    file = prefix / "lib" / "pkgconfig" / "solo5-bindings-virtio.pc"
    file.write_text(file.read_text().replace("ld=ld\n", "") + "\n")
    assert discover("virtio", named(prefix)).linker == ("ld",)


def test_missing_requirement_of_a_description_is_translated(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.freestanding(world.root / "old", "spt")
    file = prefix / "lib" / "pkgconfig" / "ocaml-freestanding.pc"
    file.write_text(file.read_text().replace("Requires: ", "Requires: gmp-freestanding "))
    with pytest.raises(ToolNotFound, match=r"pkg-config cannot serve ocaml-freestanding for target spt: .*gmp-freest"):
        discover("spt", named(prefix))


@pytest.mark.parametrize("missing", ["ocaml-freestanding/libnolibc.a", "solo5-bindings-spt/solo5_spt.o"])
def test_half_installed_pkg_config_toolchain_says_what_is_missing(world: World, missing: str) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.freestanding(world.root / "old", "spt")
    (prefix / "lib" / missing).unlink()
    with pytest.raises(ToolNotFound, match="the pkg-config toolchain for spt is installed by half") as caught:
        discover("spt", named(prefix))
    assert missing.split("/")[1] in told(caught.value)


def test_runtime_of_another_ocaml_is_refused(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.freestanding(world.root / "old", "spt", ocaml="4.12.0")
    with pytest.raises(ToolTooOld, match=r"ocaml-freestanding for spt is of OCaml 4\.12\.0"):
        discover("spt", named(prefix))


def test_missing_pkg_config_is_a_missing_tool(world: World) -> None:
    world.host()
    with pytest.raises(ToolNotFound) as caught:
        discover("spt", named(world.freestanding(world.root / "old", "spt")))
    assert caught.value.hint == "apt install pkg-config"


def test_cross_toolchain_can_be_linked_by_hand(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    cross = discover("spt", named(world.cross(world.root / "solo5")))
    by_hand = discover("spt", named(world.root / "solo5", link="pkg-config"))
    assert (by_hand.generation, by_hand.ocamlopt) == ("pkg-config", world.bin / "ocamlopt.opt")
    assert by_hand.all_ldflags == cross.all_ldflags
    assert by_hand.ocaml_tools == {}


def test_packages_of_the_host_serve_unix(world: World) -> None:
    world.needs_pkg_config()
    fields = '\nName: foo\nVersion: 1.5\nDescription: x\nCflags: -I/opt/foo -DA=\\"b\\ c\\"\nLibs: -lfoo\n'
    world.monkeypatch.setenv("PKG_CONFIG_PATH", str(world.pc(world.root / "host", "foo", fields).parent))
    assert HOST.has("foo")
    assert not HOST.has("bar")
    assert HOST.cflags(["foo"]) == ("-I/opt/foo", '-DA="b c"')
    assert HOST.libs(["foo"]) == ("-lfoo",)
    assert HOST.version("foo") == "1.5"
    with pytest.raises(ToolNotFound, match="pkg-config cannot serve bar for this machine"):
        HOST.cflags(["bar"])


def test_changed_description_is_read_again(world: World) -> None:
    world.needs_pkg_config()
    fields = "\nName: foo\nVersion: 1\nDescription: x\nCflags: -DONE\n"
    file = world.pc(world.root / "target", "foo", fields)
    packages = PkgConfig(folders=(file.parent,))
    assert packages.cflags(["foo"]) == ("-DONE",)
    file.write_text(file.read_text().replace("ONE", "OTHER"))
    assert packages.cflags(["foo"]) == ("-DOTHER",)


def test_packages_of_a_target_are_in_its_own_prefixes(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    prefix = world.cross(world.root / "solo5")
    world.pc(prefix, "foo", "\nName: foo\nVersion: 1\nDescription: x\nCflags: -DFOO\n")
    assert pkg_config_for(discover("spt", named(prefix))).cflags(["foo"]) == ("-DFOO",)
    assert pkg_config_for(discover("unix", PLAIN)) is HOST


# --- descriptions for libraries of that generation --------------------------------------------------------------------


def test_exported_descriptions_are_a_toolchain_again(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    cross = discover("hvt", named(world.cross(world.root / "solo5")))
    folder = world.root / "exported"
    for one in descriptions(cross):
        world.file(folder / one.name, one.text)
    world.monkeypatch.setenv("PKG_CONFIG_LIBDIR", str(folder))
    found = discover("hvt", ToolchainChoice(link="pkg-config"))
    assert found.linker == (f"{world.root}/solo5/bin/x86_64-solo5-none-static-ld",)
    assert (found.ldflags, found.libs, found.bindings) == (cross.ldflags, cross.libs, cross.bindings)
    expected = ("-nostdinc", "-isystem", "/crt", "-D__ocaml_freestanding__", *cross.cflags[:-2], f"-I{cross.stdlib}")
    assert found.cflags == expected
    assert found.tender is None or found.tender.name == "solo5-hvt"


def test_paths_with_blanks_survive_a_description(world: World) -> None:
    world.needs_pkg_config()
    world.host()
    cross = discover("hvt", named(world.cross(world.root / "solo5")))
    odd = replace(cross, cflags=("-I", "/a b", '-DX="y"'), libs=("-L/a b", "-lasmrun"))
    for one in descriptions(odd):
        world.file(world.root / "exported" / one.name, one.text)
    packages = PkgConfig(folders=(world.root / "exported",))
    assert packages.cflags(["ocaml-freestanding"])[-2:] == ("-I/a b", '-DX="y"')
    assert packages.libs(["ocaml-freestanding"]) == ("-L/a b", "-lasmrun")


@pytest.mark.parametrize("target", ["unix", "genode"])
def test_nothing_else_is_exported(world: World, target: str) -> None:
    world.host()
    found = discover(target, named(world.cross(world.root / "solo5")))
    with pytest.raises(UnsupportedTarget, match=f"there is nothing to export for target {target}"):
        descriptions(found)


# --- a toolchain that the user describes ------------------------------------------------------------------------------


def described(world: World, text: str) -> ToolchainChoice:
    """What `--toolchain FILE` says."""
    return ToolchainChoice(description=world.file(world.root / "described" / "toolchain.toml", text))


def test_description_goes_over_what_is_found(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    tender = world.tool(world.root / "described" / "my-hvt", "")
    choice = described(
        world,
        f"""prefix = "{prefix}"
        cflags = "-O0 -DNAME='a b'"
        ldpostflags = ["--gc-sections"]
        [target.hvt]
        tender = "my-hvt"
        """,
    )
    found = discover("hvt", choice)
    assert found.cflags == ("-O0", "-DNAME=a b")
    assert found.ldpostflags == ("--gc-sections",)
    assert found.tender == tender
    assert found.sources["cflags"] == str(choice.description)
    assert found.sources["stdlib"].startswith("--solo5-prefix")
    assert discover("spt", choice).tender == prefix / "bin" / "solo5-spt"


def test_description_that_says_all_needs_no_other_tool(world: World) -> None:
    files = {name: world.file(world.root / "described" / name) for name in ("ocamlopt", "cc")}
    facts = """architecture = "aarch64"
    ocaml_version = "5.1.0"
    ocamlopt = "ocamlopt"
    stdlib = "."
    c_compiler = "cc"
    cflags = []
    linker = ["cc"]
    ldflags = "-static"
    libs = "-lasmrun"
    """
    found = discover("muen", described(world, facts))
    assert found == Toolchain(
        target="muen",
        generation="cross",
        architecture="aarch64",
        ocaml_version="5.1.0",
        ocamlopt=files["ocamlopt"],
        stdlib=world.root / "described",
        c_compiler=("cc",),
        cflags=(),
        linker=("cc",),
        ldflags=("-static",),
        libs=("-lasmrun",),
        sources=found.sources,
    )


def test_command_line_goes_over_the_description(world: World) -> None:
    world.host()
    one, two = world.cross(world.root / "one"), world.cross(world.root / "two")
    choice = described(world, f'prefix = "{one}"')
    assert discover("spt", choice).prefix == one
    assert discover("spt", replace(choice, prefixes=(two,))).prefix == two


def test_every_bad_field_has_a_line(world: World) -> None:
    world.host()
    text = """
    linkk = "cross"
    link = "dynamic"
    ocamlopt = "nowhere"
    libs = "'unclosed"
    solo5_version = 12
    runtime = ["missing.a", 4]
    [target.hvtt]
    tender = "x"
    """
    with pytest.raises(UsageError) as caught:
        discover("hvt", described(world, text))
    assert sorted(caught.value.details) == [
        "libs: no closing quotation",
        "link: input should be 'cross' or 'pkg-config'",
        "linkk: there is no such field",
        f"ocamlopt: {world.root}/described/nowhere is not there",
        f"runtime.0: {world.root}/described/missing.a is not there",
        "runtime.1: a path is a string",
        "solo5_version: input should be a valid string",
        f"target.hvtt.tender: {world.root}/described/x is not there",
        "target.hvtt: input should be 'unix', 'macosx', 'hvt', 'spt', 'virtio', 'muen', 'genode', 'xen' or 'qubes'",
    ]
    assert caught.value.location is not None


def test_description_that_is_no_toml_or_not_there(world: World) -> None:
    with pytest.raises(UsageError, match=r"this toolchain description is not TOML: .*line 1"):
        discover("hvt", described(world, "= 3"))
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        discover("hvt", ToolchainChoice(description=world.root / "none.toml"))


def test_environment_speaks_where_the_command_line_is_silent(world: World) -> None:
    for name, value in {"TOOLCHAIN": "a.toml", "SWITCH": "five", "SOLO5_PREFIX": "/x:/y", "LINK": "cross"}.items():
        world.monkeypatch.setenv(f"MPY_{name}", value)
    expected = ToolchainChoice(
        description=Path("a.toml"), switch="five", prefixes=(Path("/x"), Path("/y")), link="cross"
    )
    assert from_environment(PLAIN) == expected
    said = ToolchainChoice(description=Path("b"), switch="six", prefixes=(Path("/z"),), link="pkg-config")
    assert from_environment(said) == said
    world.monkeypatch.setenv("MPY_LINK", "dynamic")
    with pytest.raises(UsageError, match="MPY_LINK=dynamic is none of cross, pkg-config"):
        from_environment(PLAIN)


# --- shown ------------------------------------------------------------------------------------------------------------


def test_every_fact_is_shown_with_its_source(world: World) -> None:
    world.host()
    prefix = world.cross(world.root / "solo5")
    shown = as_json(discover("hvt", named(prefix)))
    assert json.loads(json.dumps(shown)) == shown
    assert shown["target"] == {"value": "hvt", "source": None}
    assert shown["tender"]["value"] == f"{prefix}/bin/solo5-hvt"
    assert shown["ldflags"]["value"] == ["-z", "solo5-abi=hvt"]
    assert shown["ocaml_solo5_version"]["value"] is None
    unexplained = [name for name, fact in shown.items() if fact["value"] and not fact["source"]]
    assert unexplained == ["target", "generation", "path"]


def test_what_is_shown_can_be_described(world: World) -> None:
    world.host()
    found = discover("spt", named(world.cross(world.root / "solo5")))
    stated = {name: fact["value"] for name, fact in as_json(found).items() if name in Facts.model_fields}
    lines = [f"{name} = {json.dumps(value)}" for name, value in stated.items() if value and not isinstance(value, dict)]
    again = discover("spt", described(world, "\n".join(lines)))
    assert replace(again, prefix=found.prefix, ocaml_tools=found.ocaml_tools, cmx_magic="", sources={}) == replace(
        found, cmx_magic="", sources={}
    )


# --- the real one, where there is one ---------------------------------------------------------------------------------


@pytest.fixture
def real(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolchain:
    """The machine's own toolchain for the target that the test names; skipped with discovery's reason."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    try:
        return discover(request.param, from_environment(PLAIN))
    except MpyError as error:
        pytest.skip(f"no toolchain for {request.param}: {error.message}")


@pytest.mark.parametrize("real", ["hvt", "spt", "virtio", "muen", "xen", "qubes"], indirect=True)
def test_real_toolchain_is_whole(real: Toolchain) -> None:
    refuse_unlinkable(real)
    files = (real.ocamlopt, real.elftool, real.bindings, *real.runtime)
    assert all(file is not None and file.is_file() for file in files)
    folders = [word[2:] for word in real.cflags if word.startswith("-I") and word != "-I"]
    assert all(real.prefix is not None and Path(os.path.normpath(one)).is_relative_to(real.prefix) for one in folders)
    assert real.solo5_version

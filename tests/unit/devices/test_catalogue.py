"""Every device of the catalogue is what the reference says it is, on every target.

`tests/parity/devices.json` holds the facts: module, packages with bounds and libraries, boot-time arguments,
connect code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mirage_py as m
from mirage_py import boot
from mirage_py.codegen.main_ml import connect
from mirage_py.dsl.impl import Impl
from mirage_py.dsl.ocaml import ocaml_string
from mirage_py.dsl.package import Package
from mirage_py.errors import ConfigError, UnsupportedDevice
from mirage_py.resolve.graph import Node
from tests.unit.helpers_core import resolved

FACTS = json.loads((Path(__file__).parents[2] / "parity" / "devices.json").read_text(encoding="utf-8"))
TARGETS: list[str] = FACTS["targets"]
USER = m.runtime_arg("Unikernel.value")

net = m.netif("0")
ethernet = m.ethif(net)
resolution = m.arp(ethernet)
four = m.create_ipv4(ethernet, resolution)
six = m.create_ipv6(net, ethernet)
both = m.create_ipv4v6(four, six)
stack = m.direct_stackv4v6(net, ethernet, resolution, four, six)
tcp = m.tcpv4v6_of_stackv4v6(stack)
eyeballs = m.generic_happy_eyeballs(stack)
names = m.generic_dns_client(stack, eyeballs)
disk = m.ramdisk("disk")
conduit = m.conduit_direct(stack)
mimic = m.mimic_happy_eyeballs(stack, eyeballs, names)
git = m.git_tcp(tcp, mimic)
over_http = m.git_http(tcp, mimic)
resolver = m.resolver_dns(stack)
dhcp = m.ipv4_of_dhcp(net, ethernet, resolution)
crunched = m.crunch("htdocs")
leased = (m.make_dhcp_requests(), m.no_lease)

Make = Callable[[], Any]
MAKE: dict[str, Make | dict[str, Make]] = {
    "block_of_file": lambda: m.block_of_file("PARAM"),
    "block_of_xenstore_id": lambda: m.block_of_xenstore_id("PARAM"),
    "ramdisk": lambda: m.ramdisk("PARAM"),
    "ccm_block": lambda: m.ccm_block(USER, disk),
    "crunch": lambda: m.crunch("PARAM"),
    "direct_kv_rw": lambda: m.direct_kv_rw("PARAM"),
    "direct_kv_ro": lambda: m.direct_kv_ro("PARAM"),
    "tar_kv_ro": lambda: m.tar_kv_ro(disk),
    "tar_kv_rw": lambda: m.tar_kv_rw(disk),
    "fat_ro": lambda: m.fat_ro(disk),
    "docteur": lambda: m.docteur("relativize://docs"),
    "kv_rw_mem": m.kv_rw_mem,
    "chamelon": lambda: m.chamelon(disk, program_block_size=USER),
    "netif": lambda: m.netif("7"),
    "ethif": lambda: m.ethif(net),
    "arp": lambda: m.arp(ethernet),
    "ipv4_of_dhcp": lambda: m.ipv4_of_dhcp(net, ethernet, resolution),
    "dhcp_proj_net": lambda: m.dhcp_proj_net(dhcp),
    "dhcp_proj_ipv4": lambda: m.dhcp_proj_ipv4(dhcp),
    "dhcp_proj_lease": lambda: m.dhcp_proj_lease(dhcp),
    "create_ipv4": lambda: m.create_ipv4(ethernet, resolution),
    "ipv4_qubes": lambda: m.ipv4_qubes(m.default_qubesdb, ethernet, resolution),
    "create_ipv6": lambda: m.create_ipv6(net, ethernet),
    "create_ipv4v6": lambda: m.create_ipv4v6(four, six),
    "direct_udp": lambda: m.direct_udp(both),
    "direct_tcp": {"utcp = false": lambda: m.direct_tcp(both), "utcp = true": lambda: m.direct_tcp(both)},
    "direct_stackv4v6": lambda: stack,
    "tcpv4v6_of_stackv4v6": lambda: tcp,
    "resolver_dns": {"no dhcp": lambda: m.resolver_dns(stack), "dhcp": lambda: m.resolver_dns(stack, dhcp=leased)},
    "generic_happy_eyeballs": lambda: eyeballs,
    "generic_dns_client": {
        "no dhcp": lambda: names,
        "dhcp": lambda: m.generic_dns_client(stack, eyeballs, dhcp=leased),
    },
    "syslog_udp": lambda: m.syslog_udp(stack),
    "syslog_tcp": lambda: m.syslog_tcp(stack),
    "syslog_tls": lambda: m.syslog_tls(stack, crunched),
    "monitoring": lambda: m.monitoring(stack),
    "mimic_happy_eyeballs": lambda: mimic,
    "cohttp_server": lambda: m.cohttp_server(conduit),
    "httpaf_server": lambda: m.httpaf_server(conduit),
    "cohttp_client": lambda: m.cohttp_client(resolver, conduit),
    "paf_server": lambda: m.paf_server(tcp, port=USER),
    "paf_client": lambda: m.paf_client(tcp, mimic),
    "merge_git_clients": lambda: m.merge_git_clients(git, over_http),
    "git_tcp": lambda: git,
    "git_ssh": lambda: m.git_ssh(tcp, mimic),
    "git_http": lambda: m.git_http(tcp, mimic),
    "default_reporter": m.default_reporter,
    "runtime_args": lambda: m.runtime_args(m.default_argv),
}
UNIKRAFT = ("unikraft-firecracker", "unikraft-qemu")
NO_HOST = [target for target in TARGETS if target not in ("unix", "macosx")]
BETTER = {  # where the reference, by its own account, is wrong; tested below
    *(("direct_kv_ro", target) for target in UNIKRAFT),
    *(("docteur", target) for target in UNIKRAFT),
    *(("direct_kv_rw", target) for target in NO_HOST),
}
FIXED = {"direct_stackv4v6", "tcpv4v6_of_stackv4v6", "generic_happy_eyeballs", "generic_dns_client"}
SHARING = [c["name"] for c in FACTS["combinators"] if c.get("variants") and c["name"] not in FIXED]
LAYOUT = re.compile(r"\s+")


def cases() -> Iterator[Any]:
    for combinator in FACTS["combinators"]:
        for variant in combinator.get("variants", ()):
            if "module" not in variant:
                continue
            when = variant.get("when", {})
            form = when.get("param") or when.get("key") or ""
            for target in when.get("targets", TARGETS):
                name = combinator["name"]
                if (name, target) not in BETTER:
                    yield pytest.param(name, form, variant, target, id="-".join(filter(None, (name, form, target))))


def made(name: str, form: str) -> Impl[Any]:
    make = MAKE.get(name, lambda: getattr(m, name))
    found = (make[form] if isinstance(make, dict) else make)()
    assert isinstance(found, Impl)
    return found


def node_of(thing: Impl[Any], target: str, form: str) -> tuple[Node, Any]:
    flags = {"utcp": "true"} if form == "utcp = true" else {}
    graph, info = resolved(m.main("Unikernel", m.job, deps=[thing]), target, flags)
    unikernel = next(node for node in graph.nodes if node.device.is_main)
    return unikernel.deps[0], info


def package_facts(package: Package) -> dict[str, Any]:
    return {
        "name": package.name,
        "min": package.min,
        "max": package.max,
        "libs": sorted(package.libraries),
        "build": package.build,
        "scope": package.scope,
    }


def stated(package: dict[str, Any]) -> dict[str, Any]:
    whole = {"min": None, "max": None, "build": False, "scope": "monorepo", "libs": [package["name"]], **package}
    return {**whole, "libs": sorted(whole["libs"])}


@pytest.mark.parametrize(("name", "form", "variant", "target"), [*cases()])
def test_device_is_what_the_reference_says(name: str, form: str, variant: dict[str, Any], target: str) -> None:
    needs_qubes = name == "ipv4_qubes" and target not in ("qubes", "xen")
    if "configure_error" in variant or "emission_error" in variant or needs_qubes:
        with pytest.raises(UnsupportedDevice):
            node_of(made(name, form), target, form)
        return
    node, info = node_of(made(name, form), target, form)
    module = variant["module"].replace("<Fast|Light>", "Fast")
    expected_module = "Static_param" if module.startswith("Static_<") else module
    assert node.device.module == expected_module
    assert sorted(map(str, map(package_facts, node.device.packages.eval(info.choices)))) == sorted(
        str({k: stated(p)[k] for k in ("name", "min", "max", "libs", "build", "scope")}) for p in variant["packages"]
    )
    check_arguments(node, variant)
    check_connect(node, variant, info)


def check_arguments(node: Node, variant: dict[str, Any]) -> None:
    wanted = variant.get("runtime_args", [])
    assert len(node.device.runtime_args) == len(wanted)
    for arg, reference in zip(node.device.runtime_args, wanted, strict=True):
        if reference["ref"] == "user":
            assert arg == USER
            continue
        facts = FACTS["runtime_args"][reference["ref"]]
        start = re.split(r"\{group\}|<", facts["ocaml"])[0]
        assert arg.code.startswith(start)
        assert "~group" not in arg.code
        assert {lib for p in arg.packages for lib in p.libraries} == set(facts["package_libs"])
        assert set(facts["option"].replace("many: ", "").replace(",", "").split()) >= {
            f"{'-' * min(2, len(o))}{o}" for o in arg.options
        }, arg.options


def check_connect(node: Node, variant: dict[str, Any], info: Any) -> None:
    code = variant.get("connect")
    if code is None or "<" in code:
        return
    code = code.replace("{p:unikernel_name}", ocaml_string(info.name))
    param = "7" if node.device.module == "Netif" else "PARAM"  # Xen knows its interfaces by number
    code = re.sub(r"\{(p|raw):\w+\}", lambda _: ocaml_string(param), code)
    code = code.replace('"{raw:dir}"', ocaml_string("PARAM")).replace('""PARAM""', '"PARAM"')
    places = {"module": node.module}
    for prefix, inputs in (("arg", node.args), ("dep", node.deps)):
        places |= {f"{prefix}{i}": f"_{child.variable}" for i, child in enumerate(inputs)}
    places |= {f"rt{i}": f"_{name}" for i, name in enumerate(info.boot_arg_names(node))}
    for place, word in places.items():
        code = code.replace("{" + place + "}", word)
    assert LAYOUT.sub(" ", connect(node, info)) == LAYOUT.sub(" ", code)


@pytest.mark.parametrize("name", SHARING)
def test_sharing_is_that_of_the_reference(name: str) -> None:
    facts = next(c for c in FACTS["combinators"] if c["name"] == name)
    make = MAKE.get(name, lambda: getattr(m, name))
    makers = [make] if callable(make) else list(make.values())
    for one in makers:
        assert (one() == one()) is (facts["sharing"] == "shared")


@pytest.mark.parametrize("name", [c["name"] for c in FACTS["combinators"] if c.get("variants")])
def test_device_of_the_reference_is_exported(name: str) -> None:
    assert name in m.__all__


@pytest.mark.parametrize("tls", [False, True])
def test_conduit_is_tcp_and_then_tls(tls: bool) -> None:
    node, info = node_of(m.conduit_direct(stack, tls=tls), "hvt", "")
    assert node.device.module == ("Conduit_mirage.TLS" if tls else "Conduit_mirage.TCP")
    assert (node.args[0].device.module == "Conduit_mirage.TCP") is tls
    assert connect(node, info) == f"Lwt.return _{node.args[0].variable}"


def test_direct_store_is_compiled_in_where_there_is_no_host() -> None:
    for target in TARGETS:
        node, _ = node_of(m.direct_kv_ro("docs"), target, "")
        assert node.device.module == ("Mirage_kv_unix" if target in ("unix", "macosx") else "Static_docs")


@pytest.mark.parametrize("group", ["two", None])
def test_group_stands_before_every_option(group: str | None) -> None:
    node, _ = node_of(m.syslog_tls(stack, crunched, group=group), "hvt", "")
    prefix = f"{group}-" if group else ""
    assert [arg.options for arg in node.device.runtime_args] == [
        (f"{prefix}{name}",) for name in ("syslog", "syslog-port", "syslog-truncate", "syslog-keyname")
    ]


@pytest.mark.parametrize("group", ["a b", "é", "-x", "a.b"])
def test_group_that_cannot_begin_an_option_is_refused(group: str) -> None:
    with pytest.raises(ConfigError, match="cannot begin an option"):
        boot.interface("tap0", group)


@pytest.mark.parametrize("target", NO_HOST)
def test_writable_folder_of_the_host_is_refused_where_there_is_none(target: str) -> None:
    with pytest.raises(UnsupportedDevice, match="folder of the host"):
        node_of(m.direct_kv_rw("data"), target, "")


@pytest.mark.parametrize("target", UNIKRAFT)
def test_docteur_is_refused_on_unikraft(target: str) -> None:
    with pytest.raises(UnsupportedDevice, match="no library for Unikraft"):
        node_of(m.docteur("relativize://docs"), target, "")

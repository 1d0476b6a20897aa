"""`mpy devices`: the whole catalogue can be listed and looked up, and what is told is what a build would take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from mirage_py.describe.anatomy import Anatomy, anatomies
from mirage_py.describe.catalogue import Kind, homes
from mirage_py.dsl.key import TARGETS
from tests.cli.terminal import COLUMNS, on_terminal
from tests.conftest import Golden, MakeProject, Mpy

PAGES = ("generic_block", "network", "direct_tcp", "dhcp_proj_net", "DhcpRequests", "crunch")
VERBS = {"register"}


@cache
def catalogue() -> Mapping[str, Anatomy]:
    return {one.entry.name: one for one in anatomies()}


def test_every_name_that_a_config_can_import_is_there() -> None:
    public = {name for module, names in homes().items() if module.startswith("devices.") for name in names}
    assert {*catalogue()} == (public - VERBS) | {"job", "noop"}


@pytest.mark.parametrize("name", catalogue())
def test_every_entry_says_what_it_is(name: str) -> None:
    one = catalogue()[name]
    assert one.entry.kind == "type" or one.entry.summary
    assert one.entry.family


def test_every_device_is_taken_apart() -> None:
    plain: dict[Kind, set[str]] = {}
    for name, one in catalogue().items():
        if not one.made:
            plain.setdefault(one.entry.kind, set()).add(name)
        assert {target for made in one.made for target in made.targets} in ({*TARGETS}, set())
    assert plain.keys() == {"type", "class", "function"}
    assert plain["function"] == {"make_dhcp_requests", "add_dhcp_request"}


def test_stand_ins_are_no_part_of_a_device() -> None:
    assert not [name for name, one in catalogue().items() for made in one.made if "Argument" in made.modules]


def test_a_device_that_a_target_cannot_have_is_not_listed_for_it(mpy: Mpy, project: MakeProject) -> None:
    project({})
    on_hvt = mpy("devices", "-t", "hvt", code=0).stdout
    assert "socket_stackv4v6" not in on_hvt
    assert "direct_stackv4v6" in on_hvt
    assert "socket_stackv4v6" in mpy("devices", "-t", "hvt", "-t", "unix", code=0).stdout


@pytest.mark.parametrize("name", PAGES)
def test_page_of_a_name(name: str, golden: Golden, project: MakeProject) -> None:
    told, code = on_terminal(f"mpy devices {name} --color never -t unix -t hvt -t xen", project({}))
    assert code == 0
    assert max(map(len, told.splitlines())) <= COLUMNS
    golden.text(told, f"golden/cli/devices/{name}.txt")


def test_list_fits_eighty_columns(golden: Golden, project: MakeProject) -> None:
    told, code = on_terminal("mpy devices --color never", project({}))
    assert code == 0
    assert max(map(len, told.splitlines())) <= COLUMNS
    golden.text(told, "golden/cli/devices/list.txt")


def test_packages_are_those_that_a_configuration_gets(project: MakeProject, mpy: Mpy) -> None:
    """What `devices` tells of a stack is in what `query packages` tells of a unikernel with it, bounds and all."""
    project(
        {
            "config.py": "from mirage_py import *\n"
            'register("n", [main("U.Main", stackv4v6 >> job)(generic_stackv4v6(default_network))])\n'
        }
    )
    for words in ((), ("--net", "host")):
        told = json.loads(mpy("devices", "generic_stackv4v6", "-t", "unix", "--json", code=0).stdout)
        (made,) = (one for one in told["made"] if one["choices"] == ({"net": "host"} if words else {}))
        got = json.loads(mpy("query", "packages", "--json", "-t", "unix", *words, code=0).stdout)["packages"]
        by_name = {one["name"]: one for one in got}
        for package in made["packages"]:
            there = by_name[package["name"]]
            assert {*package["libraries"]} <= {*there["libraries"]}
            assert {*package["min"]} <= {*there["min"]}


def test_json_has_one_name_a_line(project: MakeProject, mpy: Mpy) -> None:
    project({})
    lines: list[dict[str, Any]] = [json.loads(line) for line in mpy("devices", "--json", code=0).stdout.splitlines()]
    assert [one["name"] for one in lines] == [*catalogue()]
    network = next(one for one in lines if one["name"] == "network")
    assert network["given_by"] == ["dhcp_proj_net", "default_network", "netif"]
    assert "ethif" in network["taken_by"]

"""Which targets share a program, decided from their plans alone; no toolchain is needed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mirage_py.build.link import groups, leaders, sharing
from mirage_py.model.plan import Plan
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolve_all
from tests.conftest import EXAMPLES


def plans_of(example: str, *targets: str) -> tuple[Plan, ...]:
    found = resolve_all(Request(file=EXAMPLES / example / "config.py", targets=targets))
    return tuple(one.plan for one in found)


def toolchains(generation: str, *targets: str) -> dict[str, Any]:
    """Any: of a toolchain only its generation is looked at."""
    return {target: SimpleNamespace(generation="host" if target == "unix" else generation) for target in targets}


def test_targets_that_differ_in_bindings_alone_share_a_program() -> None:
    targets = ("unix", "hvt", "spt", "virtio", "muen", "xen")
    plans, tools = plans_of("hello", *targets), toolchains("cross", *targets)
    shared = dict.fromkeys(("hello-hvt", "hello-spt", "hello-virtio", "hello-muen"), "hello-hvt")
    assert leaders(plans, tools) == {"hello-unix": "hello-unix", **shared, "hello-xen": "hello-xen"}
    assert sharing(plans, tools) == {"hello-hvt"}
    (group,) = groups(plans, tools)
    assert [plan.label for plan in group.compiled] == ["hello-unix", "hello-hvt", "hello-xen"]


def test_unikernels_share_nothing_with_each_other() -> None:
    plans, tools = plans_of("two-unikernels", "hvt", "spt"), toolchains("cross", "hvt", "spt")
    assert sharing(plans, tools) == {"greeter-hvt", "parter-hvt"}


def test_linker_of_the_older_generation_shares_nothing() -> None:
    plans, tools = plans_of("hello", "hvt", "spt"), toolchains("pkg-config", "hvt", "spt")
    assert sharing(plans, tools) == set()
    assert [group.compiled for group in groups(plans, tools)] == [(plans[0],), (plans[1],)]

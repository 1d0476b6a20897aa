"""The graph: every device once, children before parents, numbers and text the same on every run."""

from __future__ import annotations

import subprocess
import sys
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from mirage_py import if_impl, impl, job, key, main, typ
from mirage_py.codegen.main_ml import main_ml
from mirage_py.dsl.impl import Impl
from mirage_py.dsl.term import Device, postorder
from mirage_py.resolve.graph import Graph, build_graph
from tests.unit.helpers_core import resolved

pytestmark = pytest.mark.slow

thing = typ("thing")


@st.composite
def dags(draw: st.DrawFn) -> list[Impl[Any]]:
    """Devices, each over some of those before it, as arguments and as dependencies."""
    made: list[Impl[Any]] = []
    for number in range(draw(st.integers(1, 12))):
        below = st.lists(st.sampled_from(made), max_size=3) if made else st.just([])
        args, deps = draw(below), draw(below)
        type_: Any = thing
        for _ in args:
            type_ = thing >> type_
        device: Any = impl(f"M{number}", type_, extra_deps=deps)
        made.append(device(*args) if args else device)
        if len(made) > 1 and draw(st.booleans()):
            made.append(if_impl(key.is_unix, made[-1], draw(st.sampled_from(made))))
    return made


def graph_of(things: list[Impl[Any]], target: str = "unix") -> Graph:
    root = Device(module="Root", type=job, connect=lambda _: "()", extra_deps=tuple(t.term for t in things))
    return build_graph(root, (), {"target": target})


@given(dags(), st.sampled_from(["unix", "hvt"]))
def test_every_device_is_there_once_after_its_inputs(things: list[Impl[Any]], target: str) -> None:
    graph = graph_of(things, target)
    place = {node: index for index, node in enumerate(graph.nodes)}
    assert len(place) == len(graph.nodes)
    assert len({(node.device, node.args) for node in graph.nodes}) == len(graph.nodes)
    assert all(place[child] < place[node] for node in graph.nodes for child in node.inputs)
    assert graph.nodes[-1] is graph.root


@given(dags())
def test_numbers_are_those_of_a_walk_arguments_first(things: list[Impl[Any]]) -> None:
    graph = graph_of(things)
    walked = [node.number for node in postorder((graph.root,), lambda n: (*n.args, *n.deps))]
    assert walked == list(range(1, len(graph.nodes) + 1))
    assert len({node.variable for node in graph.nodes}) == len(graph.nodes)


@given(dags())
def test_branch_that_is_not_taken_leaves_no_trace(things: list[Impl[Any]]) -> None:
    dead = impl("Dead", thing)
    chosen = [if_impl(key.is_unix, one, dead) for one in things]
    assert [n.device for n in graph_of(chosen).nodes][:-1] == [n.device for n in graph_of(things).nodes][:-1]


def test_equal_devices_behind_different_choices_are_one() -> None:
    shared = impl("Shared", thing)
    first, second = if_impl(key.is_unix, shared, impl("A", thing)), if_impl(key.is_solo5, impl("B", thing), shared)
    assert [node.device.module for node in graph_of([first, second]).nodes] == ["Shared", "Root"]


def test_functor_that_is_chosen_is_applied() -> None:
    f, g, x = impl("F", thing >> thing), impl("G", thing >> thing), impl("X", thing)
    chosen = if_impl(key.is_unix, f, g)(x)
    assert [node.device.module for node in graph_of([chosen]).nodes] == ["X", "F", "Root"]
    assert [node.device.module for node in graph_of([chosen], "hvt").nodes] == ["X", "G", "Root"]


def test_numbers_are_those_of_the_reference() -> None:
    a: Any = typ("a")
    d1, d2, d3, g1, g2 = (impl(name, a) for name in ("D1", "D2", "D3", "G1", "G2"))
    f = impl("F.Make", a >> a >> a, extra_deps=[d3, d1])
    x, y, z = f(g1, g2), f(g1, g2), f(g2, g1)
    first = main("Unikernel.Main", a >> a >> a >> job, deps=[d2])(x, y, z)
    graph, _ = resolved([first, main("Other", job, deps=[x])])
    users = [node.variable for node in graph.nodes[10:]]
    assert users == [
        "d2__17", "d3__13", "d1__14", "g1__11", "g2__12", "f_make__15", "f_make__16", "unikernel_main__18", "other__19",
        "mirage_runtime__20",
    ]  # fmt: skip
    assert [child.variable for child in graph.nodes[15].inputs] == ["g1__11", "g2__12", "d3__13", "d1__14"]


def chain(length: int) -> Impl[Any]:
    on, step = impl("On", thing >> thing), impl("X", thing)
    for _ in range(length):
        step = on(step)
    return step


def ladder(levels: int) -> Impl[Any]:
    pair, step = impl("Pair", thing >> thing >> thing), impl("X", thing)
    for _ in range(levels):
        step = pair(step, step)
    return step


def seconds(make: Any) -> float:
    start = process_time()
    graph, info = resolved(main("Unikernel", job, deps=make()))
    main_ml(graph, info, "Unix_os")
    return process_time() - start


def test_ladder_of_diamonds_is_as_long_as_a_chain() -> None:
    assert len(graph_of([ladder(30)]).nodes) == len(graph_of([chain(30)]).nodes)
    assert len(graph_of([ladder(1000)]).nodes) == 1002


def test_ten_thousand_devices_deep_and_wide_take_linear_time() -> None:
    assert seconds(lambda: [chain(10_000)]) < 6
    assert seconds(lambda: [impl("X", thing) for _ in range(10_000)]) < 6


PROGRAM = """
from mirage_py import *
from mirage_py.codegen.main_ml import main_ml
from tests.unit.helpers_core import resolved
stack = generic_stackv4v6(default_network)
code = main("Unikernel.Main", stackv4v6 >> kv_ro >> job, packages=[package("b"), package("a", libs=["a.y", "a.x"])])
graph, info = resolved(code(stack, generic_kv_ro("docs")), "hvt")
print(main_ml(graph, info, "Solo5_os"), info.requirements, info.libraries, info.boot_args, info.nets, list(info.keys))
"""


@pytest.mark.parametrize("seed", ["1", "2", "random"])
def test_hash_seed_changes_nothing(seed: str) -> None:
    def told(value: str) -> str:
        command = [sys.executable, "-c", PROGRAM]
        env = {"PYTHONHASHSEED": value, "PYTHONPATH": "."}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    assert told(seed) == told("0")


@settings(max_examples=20)
@given(dags())
def test_main_ml_defines_before_it_uses(things: list[Impl[Any]]) -> None:
    graph, info = resolved(main("Unikernel", job, deps=things))
    text = main_ml(graph, info, "Unix_os")
    for node in graph.nodes:
        definition = text.index(f"let {node.variable} = lazy (")
        assert f"Lazy.force {node.variable}" not in text[:definition]

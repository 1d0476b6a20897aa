"""Terms and their types: what may be applied, and what is one node."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from mirage_py import (
    Impl,
    arp,
    default_network,
    ethif,
    generic_stackv4v6,
    if_impl,
    impl,
    job,
    key,
    main,
    match_impl,
    netif,
    network,
    of_device,
    stackv4v6,
    typ,
)
from mirage_py.dsl.term import Dev, children, postorder
from mirage_py.errors import ConfigError

thing = typ("thing")
other = typ("other")


def test_arrows_are_flattened() -> None:
    assert thing >> (other >> job) == (thing >> other) >> job


def test_application_at_once_and_step_by_step_is_one_node() -> None:
    functor = impl("F", thing >> other >> job)
    x, y = impl("X", thing), impl("Y", other)
    assert functor(x, y) == functor(x)(y)


def test_each_call_of_impl_is_another_device() -> None:
    assert impl("X", thing) != impl("X", thing)
    assert netif("0") != netif("0")


def test_functor_of_the_catalogue_applied_twice_to_one_thing_is_one_device() -> None:
    interface = netif("0")
    assert arp(ethif(interface)) == arp(ethif(interface))


def test_choice_on_one_condition_is_one_node() -> None:
    x, y = impl("X", thing), impl("Y", thing)
    assert if_impl(key.is_unix, x, y) == if_impl(key.is_unix, x, y)
    assert if_impl(key.is_unix, x, y) != if_impl(key.is_unix, y, x)


def test_functor_that_is_not_decided_yet_applied_twice_is_one_node() -> None:
    functor = if_impl(key.is_unix, impl("F", thing >> job), impl("G", thing >> job))
    x, y = impl("X", thing), impl("Y", thing)
    assert functor(x) == functor(x)
    assert functor(x) != functor(y)


def test_cases_that_print_alike_are_told_apart() -> None:
    x, y = impl("X", thing), impl("Y", thing)

    class Word(str):
        __slots__ = ()

        def __repr__(self) -> str:
            return "word"

    choice = key.string("k", default="a")
    first: dict[str, Impl[Any]] = {Word("a"): x}
    second: dict[str, Impl[Any]] = {Word("b"): x}
    assert match_impl(choice, first, default=y) != match_impl(choice, second, default=y)


CALLS: dict[str, Any] = {
    "second is wrong": lambda f, x, _: f(x, x),
    "first is wrong": lambda f, _, y: f(y),
    "none": lambda f, _x, _y: f(),
    "too many": lambda f, x, y: f(x, y, x),
    "a functor": lambda f, _x, _y: f(f),
    "a string": lambda f, _x, _y: f("x"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_wrong_application_is_refused(call: Any) -> None:
    functor = impl("F", thing >> other >> job)
    with pytest.raises(ConfigError, match=r"F expects \(thing, other\), got") as refused:
        call(functor, impl("X", thing), impl("Y", other))
    assert refused.value.location is not None
    assert refused.value.location.file.endswith("test_terms.py")


def test_wrong_application_tells_what_was_given_before() -> None:
    functor = impl("F", thing >> other >> job)(impl("X", thing))
    with pytest.raises(ConfigError, match=r"F expects \(thing, other\), got \(thing, thing\)"):
        functor(impl("X", thing))


def test_module_is_no_functor() -> None:
    with pytest.raises(ConfigError, match="not a functor"):
        main("Unikernel", job)(netif("0"))


@pytest.mark.parametrize("module", ["", "unikernel", "Unikernel.", "Uni kernel", "Ünikernel", "A..B", "A-B"])
def test_module_path_is_one_of_ocaml(module: str) -> None:
    with pytest.raises(ConfigError, match="not an OCaml module path"):
        main(module, job)


def test_branches_of_different_types_are_refused() -> None:
    with pytest.raises(ConfigError, match="different types"):
        if_impl(key.is_unix, impl("X", thing), impl("Y", other))


def test_condition_is_a_value() -> None:
    x = impl("X", thing)
    with pytest.raises(ConfigError, match="is a value of keys, got True"):
        if_impl(True, x, x)  # type: ignore[call-overload]


def test_functor_type_is_made_of_module_types() -> None:
    with pytest.raises(ConfigError, match="made of module types"):
        thing >> "job"  # type: ignore[operator]
    with pytest.raises(ConfigError, match="not a module type"):
        impl("X", "job")  # type: ignore[call-overload]


def test_device_has_the_type_it_says() -> None:
    x = impl("X", thing)
    assert isinstance(x.term, Dev)
    assert of_device(x.term.device, thing) == x
    with pytest.raises(ConfigError, match="has type thing, not other"):
        of_device(x.term.device, other)


def test_ladder_of_diamonds_is_walked_as_a_chain() -> None:
    pair = impl("Pair", thing >> thing >> thing)
    step = impl("X", thing)
    for _ in range(200):
        step = pair(step, step)
    assert sum(1 for _ in postorder((step.term,), children)) == 201


def test_deep_chain_is_made_walked_and_dropped_without_recursion() -> None:
    on = impl("On", thing >> thing)
    step = impl("X", thing)
    for _ in range(30_000):
        step = on(step)
    assert sum(1 for _ in postorder((step.term,), children)) == 30_001
    del step
    gc.collect()


def test_types_of_the_catalogue_meet() -> None:
    unikernel = main("Unikernel.Main", stackv4v6 >> job)
    assert unikernel(generic_stackv4v6(default_network)).type is job
    assert main("U", network >> job)(default_network).type is job

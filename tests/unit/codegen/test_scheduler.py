"""A scheduler is a page: main.ml, the packages and the way the program is run follow it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mirage_py import Bridge, Scheduler, impl, job, main, package, register, scheduler, typ
from mirage_py.codegen.main_ml import main_ml
from mirage_py.codegen.opam import opam_file
from mirage_py.dsl.config import collecting
from mirage_py.dsl.scheduler import lwt
from mirage_py.errors import ConfigError
from mirage_py.targets.plan import platform
from tests.unit.helpers_core import registered, resolved_config

other = Scheduler(
    name="other",
    opens=("Other.Infix",),
    promise="Other.t",
    return_="Other.pure",
    bind=">>>=",
    run="Other_{os}.run",
    packages=(package("other", libs=["other.core"]),),
)


def _generated(page: Scheduler) -> tuple[str, tuple[str, ...]]:
    config = registered(lambda: register("test", [main("Unikernel", job, deps=[])], scheduler=page))
    bare = replace(config, unikernels=tuple(replace(one, init=()) for one in config.unikernels))
    graph, info = resolved_config(bare)
    return main_ml(graph, info, "Unix_os"), info.libraries


def test_main_speaks_the_words_of_its_scheduler() -> None:
    text, libraries = _generated(other)
    for words in ("open Other.Infix", "'a Other.t", "let return = Other.pure", "Other_Unix_os.run t", ">>>= fun"):
        assert words in text
    assert "Lwt" not in text
    assert "other.core" in libraries
    assert "lwt" not in libraries


def test_name_and_value_of_a_scheduler_are_the_same_choice() -> None:
    with collecting() as registry:
        register("one", [main("Unikernel", job, deps=[])], scheduler="lwt")
        register("two", [main("Unikernel", job, deps=[])])
    assert [unikernel.scheduler for unikernel in registry.unikernels] == [lwt, lwt]


def test_unknown_scheduler_is_refused() -> None:
    with collecting(), pytest.raises(ConfigError, match="got 'fibers'"):
        register("test", [main("Unikernel", job, deps=[])], scheduler="fibers")  # type: ignore[arg-type]


# --- devices of another scheduler -----------------------------------------------------------------------------------

thing = typ("thing")


def _text(jobs: list[Any], page: Scheduler) -> str:
    graph, info = resolved_config(registered(lambda: register("test", jobs, scheduler=page)))
    return main_ml(graph, info, "Unix_os")


def test_async_names_its_own_main_loop_of_each_family() -> None:
    config = registered(lambda: register("test", [main("Unikernel", job)], scheduler="async"))
    for target, loop in (("unix", "unix"), ("spt", "solo5"), ("hvt", "solo5"), ("xen", "xen"), ("qubes", "xen")):
        graph, info = resolved_config(config, target)
        assert f"let run t = Mpy_async_{loop}.run t; exit 0" in main_ml(graph, info, platform(target).os_module)
        assert {f"mpy_async_{loop}", "mpy_async", "async_kernel", "lwt"} <= set(info.libraries)


def test_what_comes_with_mpy_alone_is_not_asked_of_opam() -> None:
    _, info = resolved_config(registered(lambda: register("test", [main("Unikernel", job)], scheduler="async")))
    text = opam_file(info, "test")
    assert "async_kernel" in text
    assert "mpy_async" not in text


def test_initial_jobs_are_awaited_over_the_bridge() -> None:
    text = _text([main("Unikernel", job)], scheduler.async_)
    assert "type 'a io = 'a Lwt.t" in text.partition("module Of_lwt")[2]
    before, _, _ = text.partition("  Mirage_crypto_rng_mirage.initialize")
    assert before.endswith("Mpy_async.of_lwt @@ fun () ->\n  let open! Of_lwt in\n")
    assert "Of_lwt" not in text.partition("let unikernel__")[2]


def test_a_bridge_lets_devices_in_in_both_directions() -> None:
    theirs = impl("Theirs", thing, connect="Theirs.connect ()", scheduler=scheduler.lwt)
    ours = impl("Ours", thing, connect="Ours.connect ()", scheduler=scheduler.async_)
    job_ = main("Unikernel", job, deps=[theirs, ours])
    on_async = _text([job_], scheduler.async_.bridging(scheduler.lwt))
    assert "Mpy_async.of_lwt @@ fun () ->\n  let open! Of_lwt in\n" in on_async.partition("let theirs__")[2][:200]
    on_lwt = _text([job_], scheduler.lwt.bridging(scheduler.async_))
    assert "Mpy_async.to_lwt @@ fun () ->\n  let open! Of_async in\n" in on_lwt.partition("let ours__")[2][:200]
    assert "Of_lwt" not in on_lwt


def test_a_job_may_be_written_for_another_scheduler() -> None:
    text = _text([main("Unikernel", job, scheduler=scheduler.lwt)], scheduler.async_.bridging(scheduler.lwt))
    _, _, block = text.partition("let unikernel__")
    assert "Mpy_async.of_lwt @@ fun () ->\n  let open! Of_lwt in\n" in block.partition("let mirage_runtime__")[0]


def test_devices_of_another_scheduler_are_refused_without_a_bridge() -> None:
    theirs = impl("Theirs", thing, connect="Theirs.connect ()", scheduler=scheduler.async_)
    with pytest.raises(ConfigError, match="Theirs is written for async, and unikernel test runs on lwt"):
        _text([main("Unikernel", job, deps=[theirs])], scheduler.lwt)


def test_a_page_of_the_same_promise_understands() -> None:
    mine = replace(lwt, name="mine", opens=("Mine",))
    text = _text([main("Unikernel", job)], mine)
    assert "Of_lwt" not in text
    assert "open Mine" in text


def test_pages_are_added_to_without_changing_them() -> None:
    core = package("core")
    more = scheduler.async_.adding(opens=["Core"], packages=[core])
    assert more.opens == (*scheduler.async_.opens, "Core")
    assert core in more.packages
    assert core not in scheduler.async_.packages
    bridge = Bridge(of="other", function="Mine.of_other")
    assert "other" in more.adding(bridges=[bridge]).bridging(other).bridged
    with pytest.raises(ConfigError, match="scheduler async knows no bridge to other"):
        more.bridging(other)


def test_lwt_alone_has_nothing_of_async() -> None:
    graph, info = resolved_config(registered(lambda: register("test", [main("Unikernel", job)])))
    assert "Async" not in main_ml(graph, info, "Unix_os")
    assert not [name for name in info.libraries if "async" in name]

"""A scheduler is a page: main.ml, the packages and the way the program is run follow it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirage_py import Scheduler, job, main, package, register
from mirage_py.codegen.main_ml import main_ml
from mirage_py.dsl.config import collecting
from mirage_py.dsl.scheduler import lwt
from mirage_py.errors import ConfigError
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


def _generated(scheduler: Scheduler) -> tuple[str, tuple[str, ...]]:
    config = registered(lambda: register("test", [main("Unikernel", job, deps=[])], scheduler=scheduler))
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

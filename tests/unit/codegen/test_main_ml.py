"""main.ml: directives lead to config.py and back."""

from __future__ import annotations

import re

from hypothesis import given, strategies as st

from mirage_py import impl, job, main, runtime_arg, typ
from mirage_py.codegen.main_ml import main_ml
from tests.unit.helpers_core import resolved

thing = typ("thing")


@given(st.integers(0, 5), st.integers(0, 3))
def test_directive_back_gives_the_number_of_the_next_line(deps: int, args: int) -> None:
    functor = impl("F", thing >> thing)
    things = [functor(impl("X", thing, connect='return\n  "two lines"')) for _ in range(deps)]
    boot = [runtime_arg(f"Unikernel.a{i}") for i in range(args)]
    graph, info = resolved(main("Unikernel", job, deps=things, runtime_args=boot))
    for number, line in enumerate(main_ml(graph, info, "Unix_os").split("\n"), 1):
        if back := re.fullmatch(r'# (\d+) "mirage/test-unix/main.ml"', line):
            assert int(back[1]) == number + 1


def test_argument_that_two_devices_share_is_registered_once() -> None:
    first, second = runtime_arg("Unikernel.word"), runtime_arg("Unikernel.word")
    graph, info = resolved([main("Unikernel", job, runtime_args=[first]), main("Other", job, runtime_args=[second])])
    assert main_ml(graph, info, "Unix_os").count("unikernel_word__key = ") == 1


def test_arguments_with_like_names_are_told_apart() -> None:
    args = [runtime_arg("Unikernel.word"), runtime_arg("Unikernel.(word)"), runtime_arg("Unikernel_word")]
    _, info = resolved(main("Unikernel", job, runtime_args=args))
    names = [one.name for one in info.boot_args]
    assert len(set(names)) == len(names)

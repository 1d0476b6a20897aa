"""Query: one thing about a configuration, for each unikernel and target that the request names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mirage_py.describe.queries import Answer, answer, told_of
from mirage_py.model.toolchain import Toolchain
from mirage_py.project.choices import SavedTarget, read_state
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import resolve_all


def query(kind: str, request: Request) -> tuple[Answer, ...]:
    """The answers to one kind of query, one for each unikernel and target that the request names."""
    return tuple(_answer(kind, one, request) for one in resolve_all(request))


def _answer(kind: str, one: Resolved, request: Request) -> Answer:
    if kind not in MACHINE:
        return answer(kind, one)
    told = list(MACHINE[kind](_toolchain(one, request)))
    return told_of(kind, one, told, " ".join(told))


def _toolchain(one: Resolved, request: Request) -> Toolchain:
    """As `build` would find it: how the image is linked may have been saved when it was configured."""
    from mirage_py.toolchain.discover import toolchains_for

    target = one.info.target
    saved = read_state(request.mirage).get(one.info.name, {}).get(target, SavedTarget())
    _, toolchains = toolchains_for((target,), request.toolchain, {target: request.link or saved.link})
    return toolchains[target]


MACHINE: Mapping[str, Callable[[Toolchain], tuple[str, ...]]] = {
    "cflags": lambda toolchain: toolchain.cflags,
    "ldflags": lambda toolchain: toolchain.all_ldflags,
}
"""Kinds that ask the toolchain of the target: words that a compiler or a linker is given."""

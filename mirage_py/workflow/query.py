"""Query: one thing about a configuration, for each unikernel and target that the request names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mirage_py.describe.queries import Answer, answer, told_of
from mirage_py.model.closure import Closure
from mirage_py.model.toolchain import Toolchain
from mirage_py.targets.resolved import Resolved
from mirage_py.workflow.closures import closures_or_none, linked
from mirage_py.workflow.request import Request
from mirage_py.workflow.resolve import Resolution, resolution


def query(kind: str, request: Request) -> tuple[Answer, ...]:
    """The answers to one kind of query, one for each unikernel and target that the request names."""
    found = resolution(request)
    if kind == "libraries":
        closures = closures_or_none(request, found)
        return tuple(_libraries(one, closures.get(one.plan.label)) for one in found.resolved)
    return tuple(_answer(kind, one, request, found) for one in found.resolved)


def _libraries(one: Resolved, closure: Closure | None) -> Answer:
    """All that is linked; on a machine that cannot tell, what the configuration asks for by name."""
    names = list(one.info.libraries) if closure is None else list(linked(closure))
    return told_of("libraries", one, names, "\n".join(names))


def _answer(kind: str, one: Resolved, request: Request, found: Resolution) -> Answer:
    if kind not in MACHINE:
        return answer(kind, one)
    told = list(MACHINE[kind](_toolchain(one, request, found)))
    return told_of(kind, one, told, " ".join(told))


def _toolchain(one: Resolved, request: Request, found: Resolution) -> Toolchain:
    """As `build` would find it: how the image is linked may have been saved when it was configured."""
    from mirage_py.toolchain.discover import toolchains_for
    from mirage_py.workflow.tools import tools_of

    target = one.info.target
    links = {target: request.link or found.saved_for(one.plan).link}
    here = toolchains_for((target,), tools_of(request, found.saved, found.plans), links, linkable=False)
    if target in here.failures:
        raise here.failures[target]
    return here.toolchains[target]


MACHINE: Mapping[str, Callable[[Toolchain], tuple[str, ...]]] = {
    "cflags": lambda toolchain: toolchain.cflags,
    "ldflags": lambda toolchain: toolchain.all_ldflags,
}
"""Kinds that ask the toolchain of the target: words that a compiler or a linker is given."""

"""What tests of the core share: a configuration made of terms, resolved without a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mirage_py.dsl.config import Config, Unikernel, collecting
from mirage_py.dsl.key import target as target_key
from mirage_py.resolve.context import choose, keys_of
from mirage_py.resolve.graph import Graph
from mirage_py.resolve.info import Info, resolve
from mirage_py.targets.plan import platform


def registered(declare: Callable[[], object]) -> Config:
    """The configuration that a function declares, as a config.py would."""
    with collecting() as registry:
        declare()
    return Config(file="config.py", unikernels=tuple(registry.unikernels), overrides=tuple(registry.overrides))


def resolved(jobs: Any, target: str = "unix", flags: Mapping[str, str] | None = None) -> tuple[Graph, Info]:
    """The graph of a unikernel with these jobs and the usual initial ones."""
    from mirage_py import register

    config = registered(lambda: register("test", jobs if isinstance(jobs, list) else [jobs]))
    return resolved_config(config, target, flags)


def resolved_config(config: Config, target: str = "unix", flags: Mapping[str, str] | None = None) -> tuple[Graph, Info]:
    """The first unikernel of a configuration on a target."""
    unikernel: Unikernel = config.unikernels[0]
    keys = keys_of((*unikernel.init, *unikernel.jobs)) | {"target": target_key}
    given = {name: (word,) for name, word in (flags or {}).items()} | {"target": (target,)}
    context = choose(keys, flags=given, environment={}, saved={})
    return resolve(config, unikernel, keys, context, platform(target))

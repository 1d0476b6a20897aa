"""Jobs, and `main`: how a unikernel's own code enters the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, TypeVarTuple, overload

from mirage_py.dsl.check import names
from mirage_py.dsl.device import Connect, CSources
from mirage_py.dsl.gaps import Gaps, checked_gaps
from mirage_py.dsl.impl import (
    AnyImpl,
    Functor,
    Impl,
    Packages,
    checked_deps,
    checked_libs,
    checked_packages,
    checked_runtime_args,
    checked_scheduler,
    checked_type,
    handle,
    impl,
    module_path,
)
from mirage_py.dsl.place import here
from mirage_py.dsl.runtime_arg import RuntimeArg
from mirage_py.dsl.scheduler import Scheduler
from mirage_py.dsl.term import Device, dev
from mirage_py.dsl.types import AnyType, FunctorType, ModuleType, typ
from mirage_py.errors import ConfigError
from mirage_py.types import Job

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

job = typ(Job, signature="a module with start")

noop = impl("Unit", job, connect="return ()")
"""A job that does nothing; as a dependency it gives `start` its `()`."""


# fmt: off
@overload
def main(
    module: str, type_: ModuleType[T], *, packages: Packages = ..., local_libs: Iterable[str] = ...,
    runtime_args: Iterable[RuntimeArg] = ..., deps: Iterable[AnyImpl] = ..., modules: Iterable[str] | None = ...,
    c_sources: Iterable[str] = ..., c_flags: Iterable[str] = ..., pkg_config: Iterable[str] = ...,
    libc_gaps: Gaps | None = ..., scheduler: Scheduler | None = ...,
) -> Impl[T]: ...
@overload
def main(
    module: str, type_: FunctorType[*Ts], *, packages: Packages = ..., local_libs: Iterable[str] = ...,
    runtime_args: Iterable[RuntimeArg] = ..., deps: Iterable[AnyImpl] = ..., modules: Iterable[str] | None = ...,
    c_sources: Iterable[str] = ..., c_flags: Iterable[str] = ..., pkg_config: Iterable[str] = ...,
    libc_gaps: Gaps | None = ..., scheduler: Scheduler | None = ...,
) -> Functor[*Ts]: ...
# fmt: on
def main(
    module: str,
    type_: AnyType,
    *,
    packages: Packages = (),
    local_libs: Iterable[str] = (),
    runtime_args: Iterable[RuntimeArg] = (),
    deps: Iterable[AnyImpl] = (),
    modules: Iterable[str] | None = None,
    c_sources: Iterable[str] = (),
    c_flags: Iterable[str] = (),
    pkg_config: Iterable[str] = (),
    libc_gaps: Gaps | None = None,
    scheduler: Scheduler | None = None,
) -> Any:
    """The unikernel's own code: a module (or functor) whose `start` is called with everything it was given.

    `start` gets the functor arguments, then `deps`, then `runtime_args`; a plain module without `deps` gets `()` first.
    `modules` names the OCaml modules beside config.py that belong to it (default: all). `c_sources` are globs of C
    stubs, compiled for the target with `c_flags` and with the flags of the `pkg_config` packages of the target.
    `libc_gaps` is what `fill` gives: functions that the target's C library lacks, for the stubs of libraries too.
    `scheduler` is the one whose promise `start` gives, where that is not the one that the unikernel runs on.
    """
    place = here()
    waited = checked_deps(deps, "deps")
    if not isinstance(type_, FunctorType) and not waited:
        waited = (noop.term,)
    device = Device(
        module=module_path(module),
        type=checked_type(type_),
        connect=_start,
        packages=checked_packages(packages),
        runtime_args=checked_runtime_args(runtime_args),
        local_libs=checked_libs(local_libs),
        extra_deps=waited,
        c_sources=_c_sources(c_sources, c_flags, pkg_config),
        modules=None if modules is None else names(modules, what="modules", example="unikernel"),
        libc_gaps=checked_gaps(libc_gaps),
        scheduler=checked_scheduler(scheduler),
        is_main=True,
        located=True,
        location=place,
    )
    return handle(dev(device), type_)


def _start(c: Connect) -> str:
    return f"({' '.join((f'{c.module}.start', *c.inputs))} : unit io)"


def _c_sources(globs: Iterable[str], flags: Iterable[str], pkg_config: Iterable[str]) -> tuple[CSources, ...]:
    patterns = (globs,) if isinstance(globs, str) else names(globs, what="c_sources", example="stubs/*.c")
    words = names(flags, what="c_flags", example="-DSMALL")
    packages = names(pkg_config, what="pkg_config", example="gmp")
    if not patterns:
        if words or packages:
            raise ConfigError("c_flags and pkg_config are for c_sources, and there are none", location=here())
        return ()
    return (CSources(globs=patterns, flags=words, pkg_config=packages),)

"""Sleeping, wall clocks and monotonic clocks: devices that only bring the library of the target."""

from __future__ import annotations

from typing import TypeVar

from mirage_py.dsl import key
from mirage_py.dsl.impl import Impl, impl, match_impl
from mirage_py.dsl.package import bounded
from mirage_py.dsl.types import ModuleType, typ
from mirage_py.types import Mtime, Ptime, Sleep

T = TypeVar("T")

sleep = typ(Sleep, signature="Mirage_sleep")
ptime = typ(Ptime, signature="Mirage_ptime")
mtime = typ(Mtime, signature="Mirage_mtime")


def _library(package: str, sublib: str, type_: ModuleType[T]) -> Impl[T]:
    module = package.replace("-", "_").capitalize()
    return impl(module, type_, packages=[bounded(package, package, f"{package}.{sublib}")], connect="return ()")


def _of_target(package: str, type_: ModuleType[T]) -> Impl[T]:
    unix, unikraft = _library(package, "unix", type_), _library(package, "unikraft", type_)
    return match_impl(
        key.target,
        dict.fromkeys(("unix", "macosx"), unix) | dict.fromkeys(("unikraft-firecracker", "unikraft-qemu"), unikraft),
        default=_library(package, "solo5", type_),
    )


def _nothing(type_: ModuleType[T]) -> Impl[T]:
    return impl("Mirage_runtime", type_, connect="return ()")


default_sleep = _of_target("mirage-sleep", sleep)
"""Sleeping with the target's timer."""
no_sleep = _nothing(sleep)
"""No library for sleeping is linked on its own account."""

default_ptime = _of_target("mirage-ptime", ptime)
"""The target's wall clock."""
mock_ptime = _library("mirage-ptime", "mock", ptime)
"""A wall clock that the program sets itself, for tests."""
no_ptime = _nothing(ptime)
"""No wall clock is linked on its own account."""

default_mtime = _of_target("mirage-mtime", mtime)
"""The target's monotonic clock."""
mock_mtime = _library("mirage-mtime", "mock", mtime)
"""A monotonic clock that the program sets itself, for tests."""
no_mtime = _nothing(mtime)
"""No monotonic clock is linked on its own account."""

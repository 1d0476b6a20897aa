"""Converted from config.ml."""

from typing import Any

from mirage_py import (
    Functor,
    Impl,
    default_network,
    generic_stackv4v6,
    impl,
    job,
    main,
    package,
    register,
    stackv4v6,
    typ,
)
from mirage_py.types import Stackv4v6

clocked = typ("clocked")


def clocked_conf() -> Functor[Stackv4v6, Any]:
    packages = [package("clocked")]
    return impl("Clocked.Make", stackv4v6 >> clocked, packages=packages)


def clocked_impl(stackv4v6: Impl[Stackv4v6]) -> Any:
    return clocked_conf()(stackv4v6)


stack = generic_stackv4v6(default_network)

register("clock", [main("Unikernel.Main", clocked >> job)(clocked_impl(stack))])

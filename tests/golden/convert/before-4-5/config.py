"""Converted from config.ml."""

from mirage_py import (
    default_network,
    generic_stackv4v6,
    job,
    main,
    package,
    register,
    runtime_arg,
    stackv4v6,
)

port = runtime_arg("Unikernel.port")

unikernel = main(
    "Unikernel.Main",
    stackv4v6 >> job,
    packages=[package("duration")],
    runtime_args=[port],
)

register("old", [unikernel(generic_stackv4v6(default_network))])

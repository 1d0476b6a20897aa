"""Converted from config.ml."""

from mirage_py import (
    default_network,
    generic_kv_ro,
    generic_stackv4v6,
    if_impl,
    job,
    key,
    kv_ro,
    main,
    noop,
    package,
    register,
    runtime_arg,
    stackv4v6,
)

port = runtime_arg("Unikernel.port")
unikernel = main(
    "Unikernel.Main",
    stackv4v6 >> kv_ro >> job,
    runtime_args=[port],
    packages=[package("tcpip", sublibs=["tcp"])],
)
stack = generic_stackv4v6(default_network)
optional_log = if_impl(key.is_solo5, noop, noop)

site = generic_kv_ro("site")
register("net", [optional_log, unikernel(stack, site)])

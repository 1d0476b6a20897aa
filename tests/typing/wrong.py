"""Wrong configurations: each marked line is an error to mypy --strict and to pyright; else the mark itself is one."""

from mirage_py import (
    arp,
    default_network,
    ethif,
    generic_kv_ro,
    generic_stackv4v6,
    if_impl,
    job,
    key,
    kv_ro,
    main,
    network,
    noop,
    register,
    stackv4v6,
    typ,
)


class Cache:
    pass


cache = typ(Cache)
store = generic_kv_ro("htdocs")
unikernel = main("Unikernel.Main", stackv4v6 >> job)
both = main("Unikernel.Both", kv_ro >> network >> job)

unikernel(default_network)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
unikernel(generic_stackv4v6)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
both(default_network, store)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
both(store)(store)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
arp(default_network)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
ethif(network)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
main("Unikernel.Cached", cache >> job)(store)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
if_impl(key.target, noop, noop)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
register("unapplied", [unikernel])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
register("store", [store])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]

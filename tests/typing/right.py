"""Right configurations, and the types that editors show for them."""

from typing import assert_type

from mirage_py import (
    Functor,
    Impl,
    default_network,
    generic_kv_ro,
    generic_stackv4v6,
    if_impl,
    impl,
    job,
    key,
    kv_ro,
    main,
    match_impl,
    network,
    noop,
    package,
    register,
    runtime_arg,
    stackv4v6,
    typ,
)
from mirage_py.types import Job, KvRo, Network, Stackv4v6


class Cache:
    pass


cache = typ(Cache, signature="Cache.S")
unikernel = main("Unikernel.Main", stackv4v6 >> job, packages=[package("duration")])
assert_type(unikernel, Functor[Stackv4v6, Job])
assert_type(unikernel(generic_stackv4v6(default_network)), Impl[Job])

both = main("Unikernel.Both", kv_ro >> network >> job, runtime_args=[runtime_arg("Unikernel.hello")])
store = generic_kv_ro("htdocs")
assert_type(both(store), Functor[Network, Job])
assert_type(both(store, default_network), Impl[Job])
assert_type(both(store)(default_network), Impl[Job])

cached = impl("Cached.Make", kv_ro >> cache)
assert_type(cached, Functor[KvRo, Cache])
assert_type(if_impl(key.is_unix, store, store), Impl[KvRo])
assert_type(if_impl(key.is_unix, cached, cached)(store), Impl[Cache])
assert_type(match_impl(key.target, {"hvt": noop}, default=noop), Impl[Job])

register("right", [both(store, default_network), unikernel(generic_stackv4v6(default_network)), noop])

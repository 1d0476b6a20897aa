"""Devices of our own: caches from numbers to numbers, made with the same words as the catalogue's devices."""

from mirage_py import Impl, impl, key, match_impl, runtime_arg, typ


class Cache:
    """The tag by which editors and type checkers tell a cache from other devices."""


cache = typ(Cache, signature="Cache.S")

_slots = runtime_arg("Slots.term", option="slots")

table = impl("Table_cache", cache, connect="return ({module}.create ())")
"""Keeps everything."""

slots = impl("Slot_cache", cache, runtime_args=[_slots], connect="return ({module}.create {rt0})")
"""Keeps one number in each of the slots whose count is given at boot."""

_counted = impl("Counted_cache.Make", cache >> cache, connect="return ({module}.of_cache {arg0})")


def counted(of: Impl[Cache]) -> Impl[Cache]:
    """The same cache; it tells how often it was asked and knew the answer."""
    return _counted(of)


def some_cache() -> Impl[Cache]:
    """The cache that --cache names."""
    kind = key.enum("cache", ["table", "slots"], default="table", doc="which numbers are kept")
    return match_impl(kind, {"slots": slots}, default=table)

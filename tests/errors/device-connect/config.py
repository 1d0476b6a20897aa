from mirage_py import impl, job, main, register, typ


class Cache:
    """A tag."""


cache = typ(Cache)
ours = impl("Ours", cache, connect="return ({arg1})")

register("hello", [main("Unikernel", cache >> job)(ours)])

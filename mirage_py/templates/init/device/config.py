"""The unikernel @NAME@: a device of its own, of a module type of its own.

`counter` is what the unikernel asks for; `from_zero` and `from_boot` are two devices that give it.
"""

from mirage_py import if_impl, impl, job, key, main, register, runtime_arg, typ


class Counter:
    """The tag by which editors and type checkers tell a counter from other devices."""


counter = typ(Counter, signature="Counter.S")

first = runtime_arg("Counter.first", option="first")
from_zero = impl("Counter.Numbers", counter, connect="return ({module}.create 0)")
from_boot = impl("Counter.Numbers", counter, runtime_args=[first], connect="return ({module}.create {rt0})")

fixed = key.flag("fixed", doc="count from 0, and take no number at boot")
unikernel = main("Unikernel.Main", counter >> job)

register("@NAME@", [unikernel(if_impl(fixed, from_zero, from_boot))])

"""Converted from config.ml."""

from typing import Any

from mirage_py import block, job, main, register

# TODO(mpy): Lazy.force is of a module that is not read here: config.ml is read alone
#     let disk = Lazy.force (lazy (ramdisk "none"))
disk: Any = ...
unikernel = main("Unikernel.Main", block >> job)

register("undone", [unikernel(disk)])

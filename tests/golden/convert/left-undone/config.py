"""Converted from config.ml."""

from typing import Any

from mirage_py import block, job, main, register

# TODO(mpy): a handler of exceptions
#     let disk = try List.find (fun _ -> true) [] with Failure _ -> ramdisk "none"
disk: Any = ...
unikernel = main("Unikernel.Main", block >> job)

register("undone", [unikernel(disk)])

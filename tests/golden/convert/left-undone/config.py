"""Converted from config.ml."""

from typing import Any

from mirage_py import job, main, network, register

# TODO(mpy): a function that calls itself
#     let rec again n = if n = 0 then default_network else again (n - 1)
again: Any = ...
unikernel = main("Unikernel.Main", network >> job)

register("undone", [unikernel(again(3))])

"""Converted from config.ml."""

from mirage_py import block, default_network, job, main, register

unikernel = main("Unikernel.Main", block >> job)
register("x", [unikernel(default_network)])

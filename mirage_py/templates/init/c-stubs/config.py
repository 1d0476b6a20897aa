"""The unikernel @NAME@: OCaml and C of its own; the C is compiled for whatever target is configured."""

from mirage_py import job, main, register

unikernel = main("Unikernel", job, c_sources=["stubs/*.c"])

register("@NAME@", [unikernel])

"""The unikernel @NAME@: which module it starts, and what that needs."""

from mirage_py import job, main, package, register

unikernel = main("Unikernel", job, packages=[package("duration")])

register("@NAME@", [unikernel])

"""A library of the same tree: parity with tutorial/local-library of mirage-skeleton."""

from mirage_py import job, main, register

register("local-library", [main("Unikernel", job, local_libs=["hello"])])

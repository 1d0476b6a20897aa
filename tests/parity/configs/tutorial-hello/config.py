"""The first unikernel: parity with tutorial/hello of mirage-skeleton."""

from mirage_py import job, main, package, register

register("hello", [main("Unikernel", job, packages=[package("duration")])])

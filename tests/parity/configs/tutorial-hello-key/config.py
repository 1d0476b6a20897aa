"""A boot-time argument: parity with tutorial/hello-key of mirage-skeleton."""

from mirage_py import job, main, package, register

register("hello-key", [main("Unikernel", job, packages=[package("duration")])])

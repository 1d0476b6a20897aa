"""Timeouts with Lwt: parity with tutorial/lwt/timeout1 of mirage-skeleton."""

from mirage_py import job, main, package, register

unikernel = main("Unikernel", job, packages=[package("duration"), package("randomconv", min="0.2.0")])

register("timeout1", [unikernel])

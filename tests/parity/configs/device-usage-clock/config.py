"""Reading clocks: parity with device-usage/clock of mirage-skeleton."""

from mirage_py import job, main, package, register

register("speaking_clock", [main("Unikernel", job, packages=[package("duration")])])

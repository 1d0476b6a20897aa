"""Nothing at all: parity with tutorial/noop of mirage-skeleton."""

from mirage_py import register

register("noop", [])

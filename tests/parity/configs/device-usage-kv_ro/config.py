"""A read-only store: parity with device-usage/kv_ro of mirage-skeleton."""

from mirage_py import generic_kv_ro, job, kv_ro, main, register

disk = generic_kv_ro("t")
unikernel = main("Unikernel.Main", kv_ro >> job)

register("kv_ro", [unikernel(disk)])

"""The unikernel @NAME@: it reads the files of the folder `data`, which are compiled in.

`mpy configure --kv-ro direct` reads them from the host instead, on unix.
"""

from mirage_py import generic_kv_ro, job, kv_ro, main, register

unikernel = main("Unikernel.Main", kv_ro >> job)

register("@NAME@", [unikernel(generic_kv_ro("data"))])

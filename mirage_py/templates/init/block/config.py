"""The unikernel @NAME@: it counts on a disk how often it was booted.

On unix the disk is the file `storage` here; `mpy run` makes it, and gives it to the tender or hypervisor elsewhere.
"""

from mirage_py import block, block_of_file, job, main, register

unikernel = main("Unikernel.Main", block >> job)

register("@NAME@", [unikernel(block_of_file("storage"))])

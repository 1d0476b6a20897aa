"""A block device: parity with device-usage/block of mirage-skeleton."""

from mirage_py import block, block_of_file, if_impl, job, key, main, register

unikernel = main("Unikernel.Main", block >> job)
image = if_impl(
    key.is_solo5, block_of_file("storage"), if_impl(key.is_unikraft, block_of_file("0"), block_of_file("disk.img"))
)

register("block_test", [unikernel(image)])

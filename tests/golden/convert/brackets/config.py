"""Converted from config.ml."""

from mirage_py import block, block_of_file, if_impl, job, key, main, register

colour = key.enum(
    "colour", {"red": "r", "blue": "b"}, default="r", doc="Which colour.", env="COLOUR"
)

disk = if_impl(key.is_solo5, block_of_file("storage"), block_of_file("disk.img"))
unikernel = main("Unikernel.Main", block >> job)
register("blocks", [unikernel(disk)])

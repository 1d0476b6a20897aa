from mirage_py import block, block_of_file, block_of_xenstore_id, job, main, register

copy = main("Unikernel.Main", block >> (block >> job))

register(
    "copy",
    [copy(block_of_file("data.img"), block_of_xenstore_id("/dev/xvdb"))],
)

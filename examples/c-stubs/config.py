from mirage_py import if_impl, job, key, main, register

of_zlib = main("Unikernel", job, c_sources=["stubs/crc32_zlib.c"], pkg_config=["zlib"])
of_our_own = main("Unikernel", job, c_sources=["stubs/crc32_table.c"], c_flags=["-O3"])

register("c-stubs", [if_impl(key.is_unix, of_zlib, of_our_own)])

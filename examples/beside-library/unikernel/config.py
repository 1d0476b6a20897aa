from mirage_py import job, main, register

register("numerals", [main("Unikernel", job, local_libs=["roman"])])

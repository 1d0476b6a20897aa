from mirage_py import job, main, register

register("hello", [main("Unikernel", job, c_sources=["stubs/*.c"])])

from mirage_py import job, main, register

register("hello", [main("Unikernel", job)])

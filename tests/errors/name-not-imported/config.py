from mirage_py import job, register

register("hello", [main("Unikernel", job)])

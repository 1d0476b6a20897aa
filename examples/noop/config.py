from mirage_py import job, main, register

register("noop", [main("Unikernel", job)])

from mirage_py import generic_stackv4, job, main, register

register("hello", [main("Unikernel", job)])

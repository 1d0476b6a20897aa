from mirage_py import job, main, register

register("hello", [main("unikernel.Main", job)])

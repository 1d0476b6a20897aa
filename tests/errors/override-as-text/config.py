from mirage_py import job, main, override, register

override("lwt")
register("hello", [main("Unikernel", job)])

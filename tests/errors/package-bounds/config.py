from mirage_py import job, main, package, register

register("hello", [main("Unikernel", job, packages=[package("duration", min="2 or so")])])

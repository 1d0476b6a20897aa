from mirage_py import job, main, package, register

timeout = main("Unikernel", job, packages=[package("duration")])

register("timeout", [timeout])

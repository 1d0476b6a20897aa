from mirage_py import job, main, package, register

hello = main("Unikernel", job, packages=[package("duration")])

register("hello", [hello])

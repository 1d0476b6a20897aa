from mirage_py import job, main, register

hello = main("Unikernel", job)
register("hello", [hello])
register("hello", [hello])

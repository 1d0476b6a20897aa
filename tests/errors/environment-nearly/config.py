from mirage_py import job, key, main, register

hello = key.string("hello", default="Hello!", env=None)
register("hello", [main("Unikernel", job, packages=hello.map(lambda _: ()))])

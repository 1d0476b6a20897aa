from mirage_py import job, key, main, register

tls = key.flag("tls", env="T LS")
register("hello", [main("Unikernel", job, packages=tls.map(lambda _: ()))])

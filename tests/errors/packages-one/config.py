from mirage_py import job, key, main, package, pure, register

register("hello", [main("Unikernel", job, packages=pure(package("duration")))])

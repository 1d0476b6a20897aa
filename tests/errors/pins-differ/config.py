from mirage_py import job, main, package, register

one = main("One", job, packages=[package("duration", pin="git+https://example.org/one")])
two = main("Two", job, packages=[package("duration", pin="git+https://example.org/two")])

register("hello", [one, two])

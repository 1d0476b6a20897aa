from mirage_py import job, main, package, register

one = main("One", job, packages=[package("duration", min="0.5")])
two = main("Two", job, packages=[package("duration", max="0.2")])

register("hello", [one, two])

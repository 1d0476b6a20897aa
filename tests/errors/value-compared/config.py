from mirage_py import job, key, main, register

one, two = main("One", job), main("Two", job)

register("hello", [one if key.target == "unix" else two])

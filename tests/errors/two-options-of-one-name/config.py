from mirage_py import job, main, register, runtime_arg

one = main("One", job, runtime_args=[runtime_arg("One.speed", option="speed")])
two = main("Two", job, runtime_args=[runtime_arg("Two.speed", option="speed")])

register("hello", [one, two])

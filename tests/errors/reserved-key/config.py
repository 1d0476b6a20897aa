from mirage_py import job, key, main, if_impl, register

one, two = main("One", job), main("Two", job)

register("keys", [if_impl(key.flag("verbose"), one, two)])

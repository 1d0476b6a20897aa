from mirage_py import job, key, main, if_impl, register

one, two = main("One", job), main("Two", job)
fast = key.flag("fast", doc="be fast")
quick = key.flag("fast", doc="be quick")

register("keys", [if_impl(fast, one, two), if_impl(quick, two, one)])

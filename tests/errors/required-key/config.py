from mirage_py import job, key, main, match_impl, register

where = key.enum("where", ["here", "there"], required=True, doc="the place")
one, two = main("One", job), main("Two", job)

register("keys", [match_impl(where, {"here": one}, default=two)])

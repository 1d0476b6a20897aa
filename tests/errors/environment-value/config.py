from mirage_py import job, key, main, match_impl, register

kind = key.enum("kind", ["fast", "small"], default="fast", doc="what matters")
count = key.integer("count", default=4, doc="how many")
one, two = main("One", job), main("Two", job)

register("keys", [match_impl(kind, {"fast": one}, default=two), match_impl(count, {4: one}, default=two)])

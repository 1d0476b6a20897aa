"""The unikernel @NAME@: how it greets is chosen when it is configured, whom it greets when it starts.

`mpy configure --help` lists the keys, `mpy configure --greeting french` chooses one.
"""

from mirage_py import job, key, main, match_impl, register, runtime_arg

greeting = key.enum("greeting", ["english", "french"], default="english", doc="the language of the greeting")
whom = runtime_arg("Whom.term", option="whom")

english = main("Unikernel.English", job, runtime_args=[whom])
french = main("Unikernel.French", job, runtime_args=[whom])

register("@NAME@", [match_impl(greeting, {"french": french}, default=english)])

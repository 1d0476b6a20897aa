from mirage_py import default_network, generic_stackv4v6, job, main, register, stackv4v6

echo = main("Unikernel.Main", stackv4v6 >> job)

register("echo", [echo(generic_stackv4v6(default_network))], scheduler="async")

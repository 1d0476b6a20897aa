from mirage_py import default_network, job, main, network, register

unikernel = main("Unikernel.Main", network >> job)

register("hello", [unikernel(default_network, default_network)])

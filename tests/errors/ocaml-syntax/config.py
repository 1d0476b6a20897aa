from mirage_py import default_network, job, main, network, register

net = main("Unikernel.Main", network @-> job)
register("net", [net $ default_network])

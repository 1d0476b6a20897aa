from mirage_py import default_network, job, main, network, register

register("net", [main("Unikernel.Main", network >> job)(default_network())])

from mirage_py import job, main, netif, network, register

register("net", [main("Unikernel.Main", network >> job)(netif("svc"))])

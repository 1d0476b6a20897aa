from mirage_py import job, main, netif, network, register

router = main("Unikernel.Main", network >> (network >> job))

register("router", [router(netif("0"), netif("1"))])

"""A network stack: parity with device-usage/network of mirage-skeleton."""

from mirage_py import default_network, generic_stackv4v6, job, main, register, stackv4v6

unikernel = main("Unikernel.Main", stackv4v6 >> job)

register("network", [unikernel(generic_stackv4v6(default_network))])

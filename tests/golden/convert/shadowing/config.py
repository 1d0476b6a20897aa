"""Converted from config.ml."""

from mirage_py import (
    Functor,
    cohttp_client,
    default_network,
    generic_stackv4v6,
    job,
    main,
    package,
    register,
    stackv4v6,
    tcpv4v6,
    tcpv4v6_of_stackv4v6,
)
from mirage_py.types import Job, Stackv4v6

stack = generic_stackv4v6(default_network)
tcp = tcpv4v6_of_stackv4v6(stack)
http_client = cohttp_client
packages_list = [package("fmt")]


def with_packages(name: str) -> Functor[Stackv4v6, Job]:
    return main(name, stackv4v6 >> job, packages=packages_list)


packages = [package("logs")]
first = with_packages("First.Main")
main_functor = main("Second.Main", tcpv4v6 >> job, packages=packages)
x_prime = main_functor
unikernel = x_prime(tcp)
register("two", [first(stack), unikernel])

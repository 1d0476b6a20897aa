"""A DNS look-up: parity with applications/dns of mirage-skeleton."""

from mirage_py import (
    default_network,
    dns_client,
    generic_dns_client,
    generic_happy_eyeballs,
    generic_stackv4v6,
    job,
    main,
    register,
)

unikernel = main("Unikernel.Make", dns_client >> job)
stack = generic_stackv4v6(default_network)
happy_eyeballs = generic_happy_eyeballs(stack)

register("resolve", [unikernel(generic_dns_client(stack, happy_eyeballs))])

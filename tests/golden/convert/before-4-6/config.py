"""Converted from config.ml."""

from mirage_py import (
    default_network,
    generic_dns_client,
    generic_happy_eyeballs,
    generic_stackv4v6,
    git_client,
    git_tcp,
    job,
    main,
    mimic_happy_eyeballs,
    register,
    tcpv4v6_of_stackv4v6,
)

stack = generic_stackv4v6(default_network)
he = generic_happy_eyeballs(stack)
dns = generic_dns_client(stack, he)
mimic = mimic_happy_eyeballs(stack, he, dns)
tcp = tcpv4v6_of_stackv4v6(stack)
git = git_tcp(tcp, mimic)
unikernel = main("Unikernel.Main", git_client >> job)
register("fetch", [unikernel(git)])
